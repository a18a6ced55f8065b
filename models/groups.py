"""Groups, their rosters in two columns (desired and observed, P4), our changes of them, and unapproved differences."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, Uuid, text
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import (
    choice,
    document,
    folded,
    moment,
    optional_document,
    optional_moment,
    optional_ref,
    platform_number,
    ref,
    serial_key,
    uuid_key,
)


class GroupState(StrEnum):
    CREATING = "creating"  # approved; the platform has not confirmed yet
    ACTIVE = "active"
    FAILED = "failed"  # the platform refused: visible, retryable
    CLOSING = "closing"
    CLOSED = "closed"
    LOST = "lost"  # dissolved by its owner on the platform


class Group(Table, table=True):
    """A registered work group. What we want and what the platform shows are separate columns (D13)."""

    __tablename__ = "groups"
    __table_args__ = (
        one_of("state", GroupState),
        Index("ix_groups_updated", "updated_at", "id"),
        Index("ix_groups_name", "desired_name", "id"),
    )

    id: UUID = uuid_key()
    app_id: str = Field(foreign_key="apps.id")
    chatid: str = Field(unique=True)
    """Our own: 32 characters of 0-9a-zA-Z, which makes creation idempotent."""
    group_type: str
    """A key of the policy: `department`, `project` …"""
    purpose: str
    confidentiality: str = Field(default="open")
    department_id: int | None = platform_number(None)
    desired_name: str
    observed_name: str | None = Field(default=None)
    desired_owner_id: UUID = ref("people.id")
    observed_owner_userid: str | None = Field(default=None)
    deputy_id: UUID | None = optional_ref("people.id")
    roster_rule: dict[str, Any] | None = optional_document()
    charter: str
    charter_version: int = Field(default=1)
    state: GroupState = choice(GroupState, GroupState.CREATING, index=True)
    state_detail: str | None = Field(default=None)
    request_id: UUID | None = optional_ref("requests.id")
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    correlation_id: str
    registered_at: datetime = moment()
    created_at: datetime | None = optional_moment()
    """When the platform confirmed it."""
    observed_at: datetime | None = optional_moment()
    updated_at: datetime = moment()
    ended_at: datetime | None = optional_moment()


class GroupMember(Table, table=True):
    """A person's stay in a group: desired (by an approval or a rule) and observed (by `appchat/get`)."""

    __tablename__ = "group_members"
    __table_args__ = (
        Index(
            "uq_group_members_current",
            "group_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_group_members_person", "person_id"),
    )

    id: int | None = serial_key()
    group_id: UUID = ref("groups.id", index=False)
    person_id: UUID = ref("people.id", index=False)
    desired: bool = Field(default=True)
    observed: bool = Field(default=False)
    reason: str = Field(default="")
    """Why they are desired or should leave: `creation`, `join`, `exit`, `departure`, `unapproved_leave` …"""
    request_id: UUID | None = optional_ref("requests.id", index=False)
    call_id: UUID | None = optional_ref("outgoing_calls.id")
    """The ledger call that carries the last change of `desired` to the platform."""
    charter_promised_version: int | None = Field(default=None)
    desired_since: datetime = moment()
    first_seen_at: datetime | None = optional_moment()
    """When a poll first saw them: the platform tells no joining time."""
    ended_at: datetime | None = optional_moment()


class GroupChangeKind(StrEnum):
    CREATE = "create"
    UPDATE = "update"


class GroupChange(Table, table=True):
    """A change of a group that we asked the platform for, as domain code reads it; the call beside it has the bytes.

    The ledger may replace the call by another that asks for the rest. The change belongs to all of them:
    `app.groups.roster.change_of` finds it from any of them.
    """

    __tablename__ = "group_changes"
    __table_args__ = (one_of("kind", GroupChangeKind),)

    id: UUID = uuid_key()
    group_id: UUID = ref("groups.id")
    call_id: UUID = Field(sa_type=Uuid, foreign_key="outgoing_calls.id", unique=True)
    """The first call that carries it."""
    previous_id: UUID | None = optional_ref("group_changes.id")
    """The refused change whose missing part this one asks for again."""
    kind: GroupChangeKind = choice(GroupChangeKind)
    name: str | None = Field(default=None)
    """The name it sets, as we sent it: the platform may keep less of it."""
    owner_userid: str | None = Field(default=None)
    """The owner it sets, as the platform spells them."""
    created_at: datetime = moment()
    settled_at: datetime | None = optional_moment()
    """When we learned what became of it. Empty while the call is under way or its outcome unknown."""


class GroupChangeDirection(StrEnum):
    ADD = "add"
    REMOVE = "remove"


class GroupChangeState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # asked for, and the answer was lost


class GroupChangePerson(Table, table=True):
    """One person whom a change adds or removes, and what became of it for this person."""

    __tablename__ = "group_change_people"
    __table_args__ = (
        one_of("direction", GroupChangeDirection),
        one_of("state", GroupChangeState),
        UniqueConstraint("change_id", "userid"),
    )

    id: int | None = serial_key()
    change_id: UUID = ref("group_changes.id", index=False)
    person_id: UUID | None = optional_ref("people.id", index=False)
    userid: str = folded()
    """Folded (`models.ids.fold`)."""
    shown: str
    """As the platform spells it."""
    direction: GroupChangeDirection = choice(GroupChangeDirection)
    state: GroupChangeState = choice(GroupChangeState, GroupChangeState.PENDING)
    error: str | None = Field(default=None)
    """Why it failed or is unknown."""
    settled_at: datetime | None = optional_moment()
    """When we learned that it was done or failed for this person."""


class FindingKind(StrEnum):
    UNAPPROVED_LEAVE = "unapproved_leave"
    UNAPPROVED_JOIN = "unapproved_join"  # inside and not on the roster: also who should be out, as `rule_key` says
    RENAMED = "renamed"
    OWNER_CHANGED = "owner_changed"
    DISSOLVED = "dissolved"
    OWNER_LEFT = "owner_left"
    ROSTER_LOSS = "roster_loss"  # more gone at once than is believed (P6): waits for a person
    TOO_FEW = "too_few"  # a removal would leave fewer than the platform's minimum


class FindingState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class GroupFinding(Table, table=True):
    """A difference between the roster we want and the one the platform shows (P4)."""

    __tablename__ = "group_findings"
    __table_args__ = (
        one_of("kind", FindingKind),
        one_of("state", FindingState),
        Index(
            "uq_group_findings_open",
            "group_id",
            "kind",
            "subject_userid",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: UUID = uuid_key()
    group_id: UUID = ref("groups.id")
    kind: FindingKind = choice(FindingKind)
    subject_userid: str = Field(default="")
    person_id: UUID | None = optional_ref("people.id")
    state: FindingState = choice(FindingState, FindingState.OPEN)
    details: dict[str, Any] = document()
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    correlation_id: str
    actor: str = Field(default="system:reconcile")
    first_seen_at: datetime = moment()
    resolved_at: datetime | None = optional_moment()
    resolution: str | None = Field(default=None)
