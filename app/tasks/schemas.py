"""Tasks on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.web.schemas import ActingUserid, AsText, Input, Moment, Note, Userid
from models.tasks import TaskState


class NewTask(Input):
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""
    acceptance: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="What counts as done"
    )
    assigner: ActingUserid = Field(description="userid of who assigns it")
    owner: Userid = Field(description="userid of the responsible person, who gets the card")
    collaborators: list[Userid] = Field([], max_length=100, description="userids of who helps")
    group: AsText[UUID] | None = Field(None, description="id of the registered group in which it is published")
    due_at: Moment


class Word(Input):
    person: ActingUserid = Field(description="userid of who says so")


class NotedWord(Word):
    note: Note = ""


class Progress(NotedWord):
    progress: int = Field(ge=0, le=100, description="Percent. 100 is not yet done: POST …/done says that.")


class Cancellation(Input):
    person: ActingUserid | None = Field(
        None,
        description="userid of the assigner, or of somebody who may assign tasks in the whole company. Without it, the "
        "key needs the scope `admin:write`.",
    )
    note: Note = ""


class TaskSummary(BaseModel):
    id: UUID
    number: int
    title: str
    state: TaskState
    progress: int
    assigner: str
    owner: str
    group: UUID | None
    due_at: datetime
    assigned_at: datetime
    accepted_at: datetime | None
    done_at: datetime | None
    late: bool = Field(description="Done after it was due.")
    updated_at: datetime


class EntryOut(BaseModel):
    kind: str = Field(description="assigned, accepted, progressed, blocked, resumed, reminded, overdue, done …")
    person: str | None
    progress: int | None
    note: str
    via: str = Field(description="`card`, `page`, `rest` or `timer`")
    at: datetime


class TaskOut(TaskSummary):
    description: str
    acceptance: str
    collaborators: list[str]
    entries: list[EntryOut] = Field(description="What happened to it, the oldest first.")
    reminders_delivered: int = Field(description="Reminders that the platform has taken.")
    delivery: dict[str, int] = Field(description="Whether the card reached the owner: sent, failed, unknown or held.")
    rule_key: str
    clause: str
    policy_version: int
    correlation_id: str
