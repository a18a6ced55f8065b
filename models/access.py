"""Who may call the REST API, and the answers kept for repeated requests."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import String
from sqlmodel import Field

from models.base import EnumText, Table, one_of
from models.columns import moment, optional_moment, ref, uuid_key


class ActAs(StrEnum):
    """In whose names a key may act (D21)."""

    NOBODY = "nobody"
    DEPARTMENTS = "departments"
    """People of some departments, with everything below."""
    ANYBODY = "anybody"


class ApiKey(Table, table=True):
    """A key of another service. Only its sha256 is kept; the key itself is shown once."""

    __tablename__ = "api_keys"
    __table_args__ = (one_of("act_as", ActAs),)

    id: UUID = uuid_key()
    name: str
    prefix: str
    """The first characters, to recognise a key in a list."""
    key_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=ARRAY(String))
    act_as: ActAs = Field(
        default=ActAs.NOBODY, sa_type=EnumText(ActAs), sa_column_kwargs={"server_default": text("'nobody'")}
    )
    act_as_departments: list[int] = Field(
        default_factory=list, sa_type=ARRAY(BigInteger), sa_column_kwargs={"server_default": text("'{}'")}
    )
    """WeCom department ids; empty unless `act_as` says departments."""
    created_at: datetime = moment()
    created_by: str
    last_used_at: datetime | None = optional_moment()
    expires_at: datetime | None = optional_moment()
    ended_at: datetime | None = optional_moment()


class IdempotencyRecord(Table, table=True):
    """The answer to a write under an Idempotency-Key, kept 24 h (D17)."""

    __tablename__ = "idempotency_records"

    api_key_id: UUID = ref("api_keys.id", index=False, primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int | None = Field(default=None)
    """None while the first request is in flight: a second one is answered 409."""
    headers: str = Field(default="")
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    locked_until: datetime = moment()
    """A first request that died does not block its key for ever."""
    created_at: datetime = moment(index=True)
