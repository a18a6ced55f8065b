"""The organisation: people and their userids, departments, tags, and the runs that keep them current."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from models.base import FOLDED, Table, one_of
from models.columns import (
    choice,
    document,
    folded,
    moment,
    optional_document,
    optional_moment,
    optional_ref,
    platform_key,
    platform_number,
    ref,
    serial_key,
    uuid_key,
)
from models.ids import new_id


def sorting_key() -> Any:
    """By what names are sorted, byte by byte: the sounds, then the name itself. The worker that spells the names writes
    it (`app.org.search`); until then somebody new stands behind the others.
    """
    return Field(default="", sa_type=FOLDED, sa_column_kwargs={"server_default": text("''")})


class PersonStatus(StrEnum):
    """Life-cycle of a person as the platform tells it (F29)."""

    ACTIVE = "active"
    DISABLED = "disabled"
    NOT_ACTIVATED = "not_activated"
    INVISIBLE = "invisible"  # exists, but this app may not see them: never treated as a departure
    MISSING = "missing"  # gone from one complete run; two runs make a departure
    LEFT = "left"


class Person(Table, table=True):
    """A human being, under an id of our own: a renamed userid keeps everything (D17)."""

    __tablename__ = "people"
    __table_args__ = (one_of("status", PersonStatus), Index("ix_people_name_key", "name_key", "id"))

    id: UUID = uuid_key()
    name: str = Field(default="")
    name_key: str = sorting_key()
    alias: str = Field(default="")
    position: str = Field(default="")
    status: PersonStatus = choice(PersonStatus, PersonStatus.ACTIVE, index=True)
    main_department_id: int | None = platform_number(None)
    direct_leader_userids: list[str] = Field(default_factory=list, sa_type=ARRAY(FOLDED))
    extra: dict[str, Any] | None = optional_document()
    """Extended attributes (extattr) the platform shows to this app. No mobile, no e-mail without consent (F34)."""
    details_known: bool = Field(default=True)
    """False while only ids could be read (48009, or outside the app's visible range)."""
    missing_runs: int = Field(default=0)
    first_seen_at: datetime = moment()
    updated_at: datetime = moment(index=True)
    ended_at: datetime | None = optional_moment()


class PersonUserid(Table, table=True):
    """Which userid named which person, and when. A re-used userid inherits nothing until a person links it."""

    __tablename__ = "person_userids"
    __table_args__ = (
        Index("uq_person_userids_current", "userid", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_person_userids_person", "person_id"),
    )

    id: int | None = serial_key()
    person_id: UUID = ref("people.id", index=False)
    userid: str = folded()
    """Folded (`models.ids.fold`)."""
    shown: str
    """As the platform spells it."""
    started_at: datetime = moment()
    ended_at: datetime | None = optional_moment()


class Department(Table, table=True):
    """A department under the platform's own id. `parent_id` may name one we cannot see: the tree tolerates it."""

    __tablename__ = "departments"

    id: int = platform_key()
    parent_id: int | None = platform_number(None, index=True)
    name: str = Field(default="")
    name_key: str = sorting_key()
    sort_order: int = platform_number(0)
    """The platform's `order`: larger sorts first."""
    leader_userids: list[str] = Field(default_factory=list, sa_type=ARRAY(FOLDED))
    missing_runs: int = Field(default=0)
    updated_at: datetime = moment(index=True)
    ended_at: datetime | None = optional_moment()


class Membership(Table, table=True):
    """A person in a department."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_current",
            "person_id",
            "department_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_memberships_department", "department_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_memberships_former", "department_id", postgresql_where=text("ended_at IS NOT NULL")),
        Index("ix_memberships_person", "person_id"),
    )

    id: int | None = serial_key()
    person_id: UUID = ref("people.id", index=False)
    department_id: int = Field(sa_type=BigInteger)
    sort_order: int = platform_number(0)
    is_leader: bool = Field(default=False)
    started_at: datetime = moment()
    ended_at: datetime | None = optional_moment()


class Tag(Table, table=True):
    __tablename__ = "tags"

    id: int = platform_key()
    name: str
    department_ids: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    userids: list[str] = Field(default_factory=list, sa_type=ARRAY(FOLDED))
    updated_at: datetime = moment()
    ended_at: datetime | None = optional_moment()


class SyncKind(StrEnum):
    FULL = "full"  # everything, compared and applied
    HINT = "hint"  # one object, because a callback named it


class SyncState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    HELD = "held"  # losses beyond the budget wait for a person (P6)
    RELEASED = "released"
    REJECTED = "rejected"  # a person looked and said no: nothing of it is applied
    FAILED = "failed"


class SyncRun(Table, table=True):
    """One run of the organisation sync: what it read, what it changed, what it holds back and why."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        one_of("state", SyncState),
        one_of("kind", SyncKind),
        Index(
            "uq_sync_runs_one_running",
            "kind",
            unique=True,
            postgresql_where=text("state = 'running' AND kind = 'full'"),
        ),
    )

    id: UUID = uuid_key()
    kind: SyncKind = choice(SyncKind, SyncKind.FULL)
    state: SyncState = choice(SyncState, SyncState.RUNNING)
    dry_run: bool = Field(default=False)
    reason: str = Field(default="")
    """Why it ran: `schedule`, `start`, `api`, `cli`."""
    phase: str = Field(default="")
    fetched: int = Field(default=0)
    expected: int = Field(default=0)
    counts: dict[str, Any] = document()
    """Created, updated, left … per kind of object."""
    report: dict[str, Any] = document()
    """What a person should read: who is missing and why, bad rows, orphans, held losses with names."""
    correlation_id: str
    heartbeat_at: datetime = moment()
    started_at: datetime = moment(index=True)
    finished_at: datetime | None = optional_moment()
    decided_by: str | None = Field(default=None)
    decided_at: datetime | None = optional_moment()


class StagedPerson(Table, table=True):
    """What a run read about one person, before it is compared. Rows go with their run (UNLOGGED would be enough)."""

    __tablename__ = "staged_people"

    run_id: UUID = Field(sa_type=Uuid, primary_key=True)
    userid: str = Field(sa_type=FOLDED, primary_key=True)
    shown: str
    name: str = Field(default="")
    alias: str = Field(default="")
    position: str = Field(default="")
    status: int = platform_number(0)
    """The platform's number: 1 active, 2 disabled, 4 not activated, 5 left; 0 when only the id is known."""
    main_department_id: int | None = platform_number(None)
    direct_leader_userids: list[str] = Field(default_factory=list, sa_type=ARRAY(FOLDED))
    extra: dict[str, Any] | None = optional_document()
    details_known: bool = Field(default=True)
    visible: bool = Field(default=True)
    """False when the app's whole range was read and this person was not in it."""
    fresh_id: UUID = Field(default_factory=new_id, sa_type=Uuid)
    """The id this person gets if nobody is known by that userid."""
    department_ids: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    sort_orders: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    leader_flags: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    """0 or 1 for each department; -1, here and in `sort_orders`, where only the place itself is known."""
    digest: bytes = Field(default=b"", sa_type=LargeBinary, sa_column_kwargs={"server_default": text("''")})
    """Of everything above: what `read_people` keeps when the run is done."""


class StagedDepartment(Table, table=True):
    __tablename__ = "staged_departments"

    run_id: UUID = Field(sa_type=Uuid, primary_key=True)
    id: int = platform_key()
    parent_id: int | None = platform_number(None)
    name: str | None = Field(default=None)
    sort_order: int = platform_number(0)
    leader_userids: list[str] | None = Field(default=None, sa_type=ARRAY(FOLDED), nullable=True)


class ReadPerson(Table, table=True):
    """What the last completed run read about a person who has not changed since: read again, it needs no staging.

    Triggers on people, userids and memberships remove the row with any change of the person, whoever makes it. A
    crash empties the table, and the next run stages everybody.
    """

    __tablename__ = "read_people"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 -- SQLAlchemy's form

    userid: str = Field(sa_type=FOLDED, primary_key=True)
    person_id: UUID = Field(sa_type=Uuid, index=True)
    digest: bytes = Field(sa_type=LargeBinary)


class UnchangedPerson(Table, table=True):
    """Whom a held run has read and not staged, because nothing had changed: its release takes nobody for absent."""

    __tablename__ = "unchanged_people"

    run_id: UUID = Field(sa_type=Uuid, primary_key=True)
    userid: str = Field(sa_type=FOLDED, primary_key=True)


class OrgChange(Table, table=True):
    """Every create, update and end of a person, department or membership (F31)."""

    __tablename__ = "org_changes"
    __table_args__ = (Index("ix_org_changes_object", "object_kind", "object_id"),)

    id: int | None = serial_key()
    run_id: UUID | None = optional_ref("sync_runs.id")
    object_kind: str
    """`person`, `department`, `membership`, `tag`."""
    object_id: str
    change: str
    """`created`, `updated`, `moved`, `renamed`, `disabled`, `missing`, `left`, `rejoined` …"""
    before: dict[str, Any] | None = optional_document()
    after: dict[str, Any] | None = optional_document()
    at: datetime = moment(index=True)
    correlation_id: str


class UseridReview(Table, table=True):
    """A userid that came back after its person had left: linked or separated by a person, never by us (D17)."""

    __tablename__ = "userid_reviews"

    id: UUID = uuid_key()
    userid: str = folded()
    new_person_id: UUID = ref("people.id")
    former_person_id: UUID = ref("people.id")
    found_at: datetime = moment()
    decision: str | None = Field(default=None)
    decided_by: str | None = Field(default=None)
    decided_at: datetime | None = optional_moment()


class PersonSpelling(Table, table=True):
    """One way in which the name or the alias of a person may be typed, from one of its signs on. Derived: the worker
    writes it anew when a name has changed (`app.org.search`).
    """

    __tablename__ = "person_spellings"

    person_id: UUID = ref("people.id", index=False, primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    place: int
    """The sign from which on it is; 0: the whole name."""
    name: str = Field(sa_type=FOLDED, index=True)
    """Its own signs, folded. Compared byte by byte, so that a plain index finds what begins so."""
    pinyin: str = Field(sa_type=FOLDED, index=True)
    initials: str = Field(sa_type=FOLDED, index=True)
    source: str | None = Field(default=None)
    """On the first of a person: the name and the alias that they were made of."""


class DepartmentSpelling(Table, table=True):
    """The same of a department."""

    __tablename__ = "department_spellings"

    department_id: int = Field(
        sa_type=BigInteger,
        foreign_key="departments.id",
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
    )
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    place: int
    name: str = Field(sa_type=FOLDED, index=True)
    pinyin: str = Field(sa_type=FOLDED, index=True)
    initials: str = Field(sa_type=FOLDED, index=True)
    source: str | None = Field(default=None)
