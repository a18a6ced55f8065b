"""What waits for somebody, on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from models.audit import ObjectKind


class WaitingOut(BaseModel):
    kind: str = Field(
        description="What the person is asked to do: `request.decide`, `request.answer` (an offer), `request.object` "
        "(they may), `announcement.confirm`, `task.accept`, `task.do`; later releases add more",
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
