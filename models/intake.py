"""The intake itself: which processes serve callbacks, when none could, and who was turned away (F17)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, Uuid, text
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import big_number, choice, moment, optional_moment, optional_ref, serial_key, small_number


class GapReason(StrEnum):
    DATABASE = "database"  # a process served, and what it received could not be written
    NOT_SERVED = "not_served"  # no process served: stopped, killed, frozen


class CallbackGap(Table, table=True):
    """A time in which events of the platform may have been lost. Open until a full comparison that began after it.

    The platform tries an event three times within seconds and promises nothing after that
    (callbacks §1.6), so what was lost is found by reading everything again.
    """

    __tablename__ = "callback_gaps"
    __table_args__ = (
        one_of("reason", GapReason),
        Index("ix_callback_gaps_open", "ended_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: int | None = serial_key()
    reason: GapReason = choice(GapReason)
    server: str = Field(default="")
    """The process that noticed: host and process id."""
    started_at: datetime = moment()
    ended_at: datetime = moment()
    not_stored: int = small_number()
    """Callbacks that reached us and are lost: turned away with 503, or dropped when the process ended."""
    stored_late: int = small_number()
    """Callbacks that were written after the platform had hung up: late, not lost."""
    recorded_at: datetime = moment()
    closed_at: datetime | None = optional_moment()
    closed_by: UUID | None = optional_ref("sync_runs.id", index=False)
    """The sync run that began after the gap and read everything."""


class IntakeServer(Table, table=True):
    """A process that serves callbacks, and its last sign of life, by the database's clock.

    One clock for all: processes on several hosts are compared with each other.
    """

    __tablename__ = "intake_servers"

    id: UUID = Field(sa_type=Uuid, primary_key=True)
    name: str
    """Host and process id, for people."""
    started_at: datetime = moment()
    seen_at: datetime = moment(index=True)
    stopped_at: datetime | None = optional_moment()
    """It said goodbye; a process that was killed did not."""


class CallbackRefusal(Table, table=True):
    """Callers that were turned away: one row for a reason and an address, however often they come.

    Bounded per channel and reason, so that a flood of one kind drives nothing else out.
    """

    __tablename__ = "callback_refusals"
    __table_args__ = (
        Index(
            "uq_callback_refusals_attempt",
            "channel",
            "reason",
            "disagrees",
            "caller",
            unique=True,
        ),
        Index("ix_callback_refusals_last_at", "last_at"),
    )

    id: int | None = serial_key()
    channel: str
    """`app`, `contacts`, or `unknown` for an address that is none."""
    reason: str
    disagrees: str = Field(default="")
    """Which setting of ours and of the platform's console differ; never a value."""
    caller: str = Field(default="")
    """The network address; empty for the rest of a flood."""
    times: int = big_number(1)
    first_at: datetime = moment()
    last_at: datetime = moment()
    correlation_id: str = Field(default="")
    """Of the last attempt."""
