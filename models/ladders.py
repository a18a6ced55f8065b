"""Rungs of ladders that have fallen due: who is to hear what, until it is told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from models.base import Table
from models.columns import moment, optional_ref, ref, serial_key
from models.delivery import MessageClass


class Rung(Table, table=True):
    """One row per person whom a rung reaches. It goes when the person has been told of it alone; what was told among
    other things stays, with the message.
    """

    __tablename__ = "rungs"
    __table_args__ = (
        Index("ix_rungs_due", "due_at", postgresql_where=text("message_id IS NULL")),
        Index("ix_rungs_told", "origin_kind", "origin_id", postgresql_where=text("message_id IS NOT NULL")),
    )

    id: int | None = serial_key()
    purpose: str
    """`task.reminder`, `approval.reminder`, `announcement.chase` …: the domain that finds the words."""
    origin_kind: str
    origin_id: str
    detail: str = Field(default="")
    person_id: UUID = ref("people.id", index=False)
    message_class: str = Field(default=MessageClass.NOTICE, sa_column_kwargs={"server_default": text("'notice'")})
    """Which says when it may be said (policy 3.4)."""
    due_at: datetime = moment()
    """When it may be said: at once, or at the end of the rest period."""
    message_id: UUID | None = optional_ref("messages.id", index=False)
    """The message that has told it together with other things."""
    correlation_id: str
