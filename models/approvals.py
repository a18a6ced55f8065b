"""Requests, the steps they go through, who may decide, and what was decided."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Uuid, text
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import (
    choice,
    document,
    moment,
    optional_big_ref,
    optional_moment,
    optional_ref,
    ref,
    serial_key,
    uuid_key,
)


class RequestState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class OutcomeState(StrEnum):
    """What became of an approved request on the platform (F59: approved but failed is visible)."""

    NONE = "none"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Request(Table, table=True):
    """An application for something the policy makes subject to approval. Keeps the policy version it began under."""

    __tablename__ = "requests"
    __table_args__ = (
        one_of("state", RequestState),
        one_of("outcome", OutcomeState),
        Index("ix_requests_open", "kind", "subject_key", unique=True, postgresql_where=text("state = 'pending'")),
        Index("ix_requests_updated", "updated_at", "id"),
        Index("ix_requests_failed", "updated_at", postgresql_where=text("outcome = 'failed'")),
    )

    id: UUID = uuid_key()
    number: int = Field(sa_type=BigInteger, unique=True)
    """A short number for people, drawn from the sequence `request_numbers`."""
    kind: str
    subject_key: str
    """What it is about: one open request per (kind, subject), for example `group:… person:…`."""
    subject: dict[str, Any] = document()
    """Whom and what it is about by our own ids, as the kind resolved it on submission (`RequestKind.subject`)."""
    title: str
    payload: dict[str, Any] = document()
    """What the applicant said (`RequestKind.payload`). A record: only the subject is read back."""
    shown: dict[str, Any] = document()
    """What people read of it, fixed on submission (`ShownFields`)."""
    reason: str = Field(default="")
    requester_id: UUID = ref("people.id")
    submitted_by: str
    """The actor that sent it in, as `kind:id` (a person, or a service on their behalf)."""
    group_id: UUID | None = Field(default=None, sa_type=Uuid, index=True)
    """The group it concerns, for lists. No foreign key: approvals know nothing of groups."""
    state: RequestState = choice(RequestState, RequestState.PENDING, index=True)
    current_step: int = Field(default=1)
    outcome: OutcomeState = choice(OutcomeState, OutcomeState.NONE)
    outcome_detail: str | None = Field(default=None)
    chain: dict[str, Any] = document()
    """The steps as the policy said on submission (F57: frozen; `Chain`)."""
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    correlation_id: str
    submitted_at: datetime = moment()
    updated_at: datetime = moment()
    decided_at: datetime | None = optional_moment()


class StepState(StrEnum):
    WAITING = "waiting"  # an earlier step is still open
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class RequestStep(Table, table=True):
    __tablename__ = "request_steps"
    __table_args__ = (
        one_of("state", StepState),
        Index("uq_request_steps_position", "request_id", "position", unique=True),
    )

    id: UUID = uuid_key()
    request_id: UUID = ref("requests.id", index=False)
    position: int
    name: str
    """What people read: 部门负责人, 人力资源 …"""
    approver: str
    """The policy's approver expression: `department_head`, `role:hr`, `group_administrator` …"""
    needed: int
    """How many must agree: 1 = any one of them, the number of approvers = all of them."""
    state: StepState = choice(StepState, StepState.WAITING)
    note: str | None = Field(default=None)
    """Why it was skipped or handed upward, for example: the head is the requester."""
    rule_key: str
    opened_at: datetime | None = optional_moment()
    due_at: datetime | None = optional_moment()
    decided_at: datetime | None = optional_moment()


class StepApprover(Table, table=True):
    """A person who may decide a step."""

    __tablename__ = "step_approvers"
    __table_args__ = (Index("uq_step_approvers_person", "step_id", "person_id", unique=True),)

    id: int | None = serial_key()
    step_id: UUID = ref("request_steps.id", index=False)
    person_id: UUID = ref("people.id")
    card_message_id: UUID | None = optional_ref("messages.id", index=False)
    """The message that brought them the card: its face follows the step."""
    added_at: datetime = moment()
    ended_at: datetime | None = optional_moment()


class ConcernedPerson(Table, table=True):
    """Whom a request of somebody else is about: when they were told, and what they have said against it."""

    __tablename__ = "concerned_people"
    __table_args__ = (Index("uq_concerned_people_person", "request_id", "person_id", unique=True),)

    id: int | None = serial_key()
    request_id: UUID = ref("requests.id", index=False)
    person_id: UUID = ref("people.id")
    card_message_id: UUID | None = optional_ref("messages.id", index=False)
    """The message that brought them the card with the button to object."""
    told_at: datetime = moment()
    objected_at: datetime | None = optional_moment()
    objection: str = Field(default="")
    """Their reason, as far as they gave one."""
    via: str | None = Field(default=None)
    """`card`, `rest`, `console`."""
    actor: str | None = Field(default=None)
    """Who passed the objection on, as `kind:id`: the person themselves, or a service in their name."""


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class Decision(Table, table=True):
    """One person's verdict on one step. The unique key makes a second click of the same person no second verdict."""

    __tablename__ = "decisions"
    __table_args__ = (
        one_of("verdict", Verdict),
        Index("uq_decisions_step_person", "step_id", "person_id", unique=True),
    )

    id: UUID = uuid_key()
    request_id: UUID = ref("requests.id")
    step_id: UUID = ref("request_steps.id", index=False)
    person_id: UUID = ref("people.id")
    verdict: Verdict = choice(Verdict)
    comment: str = Field(default="")
    via: str
    """`card`, `rest`, `console`, `system`."""
    event_id: int | None = optional_big_ref("received_events.id", index=False)
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    correlation_id: str
    actor: str
    """Who passed it on, as `kind:id`: the person themselves, or a service in their name."""
    decided_at: datetime = moment()
