"""Assigned work: a task is something a person does."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import (
    choice,
    moment,
    optional_big_ref,
    optional_document,
    optional_moment,
    optional_ref,
    ref,
    serial_key,
    uuid_key,
)


class TaskState(StrEnum):
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    DONE = "done"
    CANCELLED = "cancelled"


class Task(Table, table=True):
    """Policy 4.1: a responsible person, a deadline, and what counts as done."""

    __tablename__ = "tasks"
    __table_args__ = (
        one_of("state", TaskState),
        Index("ix_tasks_updated", "updated_at", "id"),
        Index("ix_tasks_due", "due_at", "id"),
    )

    id: UUID = uuid_key()
    number: int
    """A short number for people, drawn from the sequence `task_numbers`."""
    title: str
    description: str = Field(default="")
    acceptance: str
    """What counts as done."""
    assigner_id: UUID = ref("people.id")
    owner_id: UUID = ref("people.id")
    group_id: UUID | None = optional_ref("groups.id")
    due_at: datetime = moment()
    state: TaskState = choice(TaskState, TaskState.ASSIGNED, index=True)
    progress: int = Field(default=0)
    card_message_id: UUID | None = optional_ref("messages.id", index=False)
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    correlation_id: str
    actor: str
    assigned_at: datetime = moment()
    accepted_at: datetime | None = optional_moment()
    done_at: datetime | None = optional_moment()
    updated_at: datetime = moment()


class TaskCollaborator(Table, table=True):
    __tablename__ = "task_collaborators"

    task_id: UUID = ref("tasks.id", index=False, primary_key=True)
    person_id: UUID = ref("people.id", primary_key=True)
    ended_at: datetime | None = optional_moment()


class TaskEntry(Table, table=True):
    """What happened to a task: accepted, progressed, blocked, done. Append-only."""

    __tablename__ = "task_entries"

    id: int | None = serial_key()
    task_id: UUID = ref("tasks.id")
    kind: str
    person_id: UUID | None = optional_ref("people.id")
    progress: int | None = Field(default=None)
    note: str = Field(default="")
    via: str
    event_id: int | None = optional_big_ref("received_events.id", index=False)
    details: dict[str, Any] | None = optional_document()
    correlation_id: str
    at: datetime = moment()
