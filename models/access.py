"""Who may call: API keys and their kept answers; people who are signed in, and what they were granted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, Uuid, text
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


class PersonSession(Table, table=True):
    """A person who is signed in with one browser (D20). The cookie holds the token; only its sha256 is kept."""

    __tablename__ = "person_sessions"
    __table_args__ = (
        Index("ix_person_sessions_person", "person_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_person_sessions_ends_at", "ends_at"),
    )

    id: UUID = uuid_key()
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    person_id: UUID = ref("people.id", index=False)
    way: str
    """`client` (inside WeCom), `desktop` (scanned or confirmed in WeCom), `link` (`steward access link`)."""
    browser: str
    """What people recognise it by: 企业微信手机端, Chrome（Windows）…"""
    started_at: datetime = moment()
    seen_at: datetime = moment()
    ends_at: datetime = moment()
    """However busy it is."""
    ended_at: datetime | None = optional_moment()
    ended_because: str | None = Field(default=None)
    """`signed_out`, `ended_elsewhere`, `departed`, `replaced`, `ended_for_them`."""


class SignInAttempt(Table, table=True):
    """Somebody came back from WeCom. The state that they brought is used once, by the browser that it was given to."""

    __tablename__ = "sign_in_attempts"

    state_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    browser_hash: bytes = Field(sa_type=LargeBinary)
    return_path: str
    way: str
    created_at: datetime = moment(index=True)
    expires_at: datetime = moment()
    spent_at: datetime | None = optional_moment()


class AccessLink(Table, table=True):
    """A link that signs the first administrator in, once, within minutes (`steward access link`)."""

    __tablename__ = "access_links"

    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    person_id: UUID = ref("people.id", index=False)
    created_by: str
    created_at: datetime = moment()
    expires_at: datetime = moment()
    spent_at: datetime | None = optional_moment()


class AccessGrant(Table, table=True):
    """A bundle of permissions that somebody was given, until a day and for a reason (D21)."""

    __tablename__ = "access_grants"
    __table_args__ = (Index("ix_access_grants_person", "person_id", postgresql_where=text("ended_at IS NULL")),)

    id: UUID = uuid_key()
    person_id: UUID = ref("people.id", index=False)
    bundle: str
    """A key of the policy's `access.bundles`."""
    reach: str
    """`company`, `department`, `group`."""
    place: str = Field(default="")
    """The department's or the group's id; empty for the company."""
    reason: str
    granted_by: str
    """As `kind:id`."""
    granted_at: datetime = moment()
    ends_at: datetime | None = optional_moment()
    ended_at: datetime | None = optional_moment()
    ended_by: str | None = Field(default=None)


class SubmittedForm(Table, table=True):
    """A form of a page that was sent: sent once more, it leads to where it led, and does nothing (P2)."""

    __tablename__ = "submitted_forms"

    session_id: UUID = ref("person_sessions.id", index=False, primary_key=True)
    form_id: UUID = Field(sa_type=Uuid, primary_key=True)
    location: str = Field(default="")
    """Where the browser was sent."""
    said: str = Field(default="")
    """What the page there says of it."""
    created_at: datetime = moment()
