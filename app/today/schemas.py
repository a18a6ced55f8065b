"""What waits for somebody, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from models.audit import ObjectKind


class WaitingOut(BaseModel):
    kind: str = Field(
        description="What the person is asked to do: `request.decide`, `request.answer` (an offer), `request.object` "
        "(they may), `announcement.confirm`, `task.accept`, `task.do`, `confirmation.confirm`; later releases add more",
        examples=["request.decide"],
    )
    about: ObjectKind = Field(description="What kind of object `id` names", examples=["request"])
    id: UUID
    number: int | None = Field(description="What people call it by. Announcements have none.")
    title: str
    asker: str = Field(description="The name of who asks; empty where the service does.")
    asked_at: datetime
    due_at: datetime | None
    late: bool


class ColumnOut(BaseModel):
    name: str
    title: str = Field(description="For people")
    english: str


class KeptOut(BaseModel):
    """One kind of thing that is kept about a person."""

    kind: str = Field(examples=["requests"])
    title: str = Field(description="For people", examples=["提出的申请"])
    english: str = Field(examples=["Requests made"])
    columns: list[ColumnOut]
    rows: list[dict[str, Any]] = Field(description="The newest first, 1,000 at the most.")
    total: int = Field(description="How many there are.")


class PersonalDataOut(BaseModel):
    """Everything that is kept about one person."""

    userid: str
    kinds: list[KeptOut]
