"""Groups, their rosters in two columns (wanted and seen, P4), and the differences nobody approved."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import (
    choice,
    document,
    moment,
    optional_document,
    optional_moment,
    optional_ref,
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
    __table_args__ = (one_of("state", GroupState), Index("ix_groups_updated", "updated_at", "id"))

    id: UUID = uuid_key()
    app_id: str = Field(foreign_key="apps.id")
    chatid: str = Field(unique=True)
    """Our own: 32 characters of 0-9a-zA-Z, which makes creation idempotent."""
    group_type: str
    """A key of the policy: `department`, `project` …"""
    purpose: str
    confidentiality: str = Field(default="open")
    department_id: int | None = Field(default=None)
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
    """A person's stay in a group: wanted (by an approval or a rule) and seen (by `appchat/get`)."""

    __tablename__ = "group_members"
    __table_args__ = (
        Index(
            "uq_group_members_current",
            "group_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_group_members_person", "person_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: int | None = serial_key()
    group_id: UUID = ref("groups.id", index=False)
    person_id: UUID = ref("people.id", index=False)
    desired: bool = Field(default=True)
    observed: bool = Field(default=False)
    reason: str = Field(default="")
    """Why they are wanted or no longer wanted: `creation`, `join`, `exit`, `departure`, `unapproved_leave` …"""
    request_id: UUID | None = optional_ref("requests.id", index=False)
    call_id: UUID | None = optional_ref("outgoing_calls.id")
    """The ledger call that carries the last change of `desired` to the platform."""
    charter_promised_version: int | None = Field(default=None)
    desired_since: datetime = moment()
    first_seen_at: datetime | None = optional_moment()
    """When a poll first saw them: the platform tells no joining time."""
    ended_at: datetime | None = optional_moment()


class FindingKind(StrEnum):
    UNAPPROVED_LEAVE = "unapproved_leave"
    UNAPPROVED_JOIN = "unapproved_join"
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
