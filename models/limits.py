"""What the platform's limits have been used for, what operators changed in them, and which paths are blocked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from models.base import FOLDED, Table
from models.columns import moment, optional_moment


def _slots() -> list[int]:
    """Uses in the slots of one window: slot · 2³² + used, in any order (`app/limits/windows.py`)."""
    field: list[int] = Field(
        default_factory=list,
        sa_type=ARRAY(BigInteger),
        sa_column_kwargs={"server_default": text("'{}'")},
    )
    return field


class LimitCounter(Table, table=True):
    """How much one subject has used of one counter, in slots of each window that has a limit.

    Room is left on every page, so that a use rewrites the row beside itself and touches no index.
    """

    __tablename__ = "limit_counters"
    __table_args__ = ({"postgresql_with": {"fillfactor": "60"}},)

    counter: str = Field(primary_key=True, sa_type=FOLDED)
    """A name of `app/limits/limits.yaml`: `message.member`, `api.corp` …"""
    subject: str = Field(primary_key=True, sa_type=FOLDED)
    """Whose use it is: an app, a person, a path, or empty for the corp."""
    minute: list[int] = _slots()
    hour: list[int] = _slots()
    day: list[int] = _slots()
    month: list[int] = _slots()
    touched_at: datetime = moment()


class LimitSetting(Table, table=True):
    """What an operator changed in a limit, and what we computed for it. Read with each reservation."""

    __tablename__ = "limit_settings"

    key: str = Field(primary_key=True)
    """Counter and window: `message.member.minute`."""
    most: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    """The platform's number for this corp, where it differs from the table's."""
    share: float | None = Field(default=None)
    """Our part of it, above 0 and up to 1: other programs of the corp use the rest."""
    lifted_until: datetime | None = optional_moment()
    """Counted, but not kept, until then: for measurements against a platform without limits."""
    accounts: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    """Members when they were last counted, for a limit that grows with them."""
    updated_at: datetime = moment()


class LimitBlock(Table, table=True):
    """A path that the platform has blocked for us (45009, 45033), or that is in trouble: nobody calls it till then."""

    __tablename__ = "limit_blocks"

    scope: str = Field(primary_key=True)
    """Whose block it is: an app, or empty for the corp."""
    path: str = Field(primary_key=True)
    errcode: int = Field(sa_type=BigInteger)
    window: str
    """Which window we take it for: `minute`, `hour`, `day`, `month`; `busy` for too many calls at once; `trouble` for
    what is not about limits at all."""
    refusals: int = Field(default=1)
    """How often a call was refused when the block should have been over."""
    first_refused_at: datetime = moment()
    blocked_until: datetime = moment()
    probing_until: datetime | None = optional_moment()
    """When it is over one call tries first; until then the others wait for what it finds."""
