"""The feed: what happened, in an order that no reader can skip (D23)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Uuid, text
from sqlmodel import Field

from models.base import Table
from models.columns import document, moment, serial_key


class PublishedEvent(Table, table=True):
    """Something that happened, beside the audit row of the same decision. Ids and numbers only.

    No foreign keys: a row is written with its audit row, and thousands a second are written.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_unplaced", "id", postgresql_where=text("position IS NULL")),
        # Without the rows that have none: an event that is being written concerns it not yet.
        Index("uq_events_position", "position", unique=True, postgresql_where=text("position IS NOT NULL")),
    )

    id: int | None = serial_key()
    """Drawn before the commit, so a smaller one may become visible after a larger one: readers go by `position`."""
    position: int | None = Field(default=None, sa_type=BigInteger)
    """Place in the feed, without gaps, given after the commit."""
    type: str
    occurred_at: datetime = moment()
    about_kind: str
    about_id: str
    actor_kind: str
    actor_id: str
    rule_key: str | None = Field(default=None)
    policy_version_id: UUID | None = Field(default=None, sa_type=Uuid)
    correlation_id: str
    data: dict[str, Any] = document()


class EventHead(Table, table=True):
    """How far the feed goes: one row, kept apart so that no position is given twice when old events are deleted."""

    __tablename__ = "event_heads"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: int = Field(default=1, sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    position: int = Field(default=0, sa_type=BigInteger)
    """The last position that was given."""
    pruned: int = Field(default=0, sa_type=BigInteger)
    """The last position whose event was deleted; all before it are gone as well."""
