"""Received events: the raw fact first, its effect later (D2)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import choice, moment, optional_moment, serial_key


class EventState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"  # a worker of an earlier version has it in hand; now its subject's claim says so
    DONE = "done"
    PARKED = "parked"  # given up after the last try, waits for a person; does not block its subject
    UNKNOWN = "unknown"  # a type we do not know: stored and counted
    IGNORED = "ignored"  # a type we know and do nothing with, on purpose


class ReceivedEvent(Table, table=True):
    """One callback, committed before it was answered with 200 (P1).

    `dedup_key` is sha256 over receiver and decrypted body (and MsgId): FromUserName + CreateTime loses real
    events (callbacks §1.7). A repeat raises `repeats` and has no other effect.
    """

    __tablename__ = "received_events"
    __table_args__ = (
        one_of("state", EventState),
        Index("ix_received_events_claim", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_received_events_subject", "subject", postgresql_where=text("state IN ('pending', 'running')")),
        # Block ranges: rows come in this order, and the one reader takes all that is old.
        Index(
            "ix_received_events_received_at",
            "received_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": True},
        ),
        Index("ix_received_events_parked", "id", postgresql_where=text("state = 'parked'")),
    )

    id: int | None = serial_key()
    app_id: str
    dedup_key: bytes = Field(sa_type=LargeBinary, unique=True)
    event_type: str = Field(index=True)
    """`template_card_event`, `change_contact.update_user`, `message.text` …"""
    subject: str
    """What it is about; one subject is handled by one worker at a time: `user:`, `party:`, `card:` …"""
    actor_userid: str = Field(default="")
    occurred_at: datetime = moment()
    """The platform's CreateTime."""
    received_at: datetime = moment()
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The decrypted XML; erased after 30 days, the digest stays."""
    body_digest: bytes = Field(sa_type=LargeBinary)
    repeats: int = Field(default=0)
    state: EventState = choice(EventState, EventState.PENDING)
    attempts: int = Field(default=0)
    not_before: datetime | None = optional_moment()
    batch: int | None = Field(default=None, sa_type=BigInteger)
    last_error: str | None = Field(default=None)
    finished_at: datetime | None = optional_moment()
    replayed_at: datetime | None = optional_moment()
    correlation_id: str


class SubjectClaim(Table, table=True):
    """At most one running batch per subject. The lease ends by itself when a worker dies."""

    __tablename__ = "subject_claims"

    subject: str = Field(primary_key=True)
    batch: int = Field(sa_type=BigInteger, index=True)
    leased_until: datetime = moment()
