"""One corp per database (D17), the credentials it uses, and what we last saw of the platform."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary
from sqlmodel import Field

from models.base import Table
from models.columns import moment, optional_document, optional_moment, platform_number


class Installation(Table, table=True):
    """The single row that binds this database to a corp. Another corp id makes the service exit 2."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: int = Field(default=1, primary_key=True)
    corp_id: str
    secret_check: str
    """A value encrypted under SECRET_KEY: tells a changed key at start, before anything fails to decrypt."""
    created_at: datetime = moment()


class App(Table, table=True):
    """One set of credentials of the corp: the self-built app, or 通讯录同步."""

    __tablename__ = "apps"

    id: str = Field(primary_key=True)
    agent_id: int | None = platform_number(None)
    name: str
    created_at: datetime = moment()


class AccessToken(Table, table=True):
    """The platform's access token per (corp, app), shared by all processes, encrypted under SECRET_KEY (F110).

    `refreshing_until` is the lease of the one process that fetches a new token; the others wait for it.
    """

    __tablename__ = "access_tokens"

    corp_id: str = Field(primary_key=True)
    app_id: str = Field(primary_key=True)
    token: bytes | None = Field(default=None, sa_type=LargeBinary)
    generation: int = Field(default=0)
    """Grows with every stored token: a caller whose token was refused names the generation it used, so that a
    storm of refusals fetches one new token."""
    expires_at: datetime | None = optional_moment()
    fetched_at: datetime | None = optional_moment()
    refreshing_by: str | None = Field(default=None)
    refreshing_until: datetime | None = optional_moment()


class PlatformState(Table, table=True):
    """What is known of the platform's side, for `/readyz`, without a probe that calls it."""

    __tablename__ = "platform_state"

    key: str = Field(primary_key=True)
    """`token:app`, `token:contacts`, `clock`, `agent`, `callbacks:app`, `callbacks:contacts` …"""
    healthy: bool
    detail: str = Field(default="")
    facts: dict[str, object] | None = optional_document()
    since: datetime = moment()
    updated_at: datetime = moment()
