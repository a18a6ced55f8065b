"""Announcements, the audience frozen when they are published, and the receipts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Uuid
from sqlmodel import Field

from models.base import Table, one_of
from models.columns import (
    choice,
    document,
    moment,
    optional_moment,
    optional_ref,
    ref,
    serial_key,
    uuid_key,
)


class AnnouncementState(StrEnum):
    PUBLISHED = "published"
    CLOSED = "closed"  # no clock runs any more. A card that arrives after all starts one, and it is published again


class Announcement(Table, table=True):
    __tablename__ = "announcements"
    __table_args__ = (
        one_of("state", AnnouncementState),
        Index("ix_announcements_updated", "updated_at", "id"),
        Index("ix_announcements_published", "published_at", "id"),
    )

    id: UUID = uuid_key()
    title: str
    body: str
    message_class: str
    """A class of the policy: urgent, work, sharing …"""
    author_id: UUID = ref("people.id")
    audience: dict[str, Any] = document()
    """What was asked for: groups, departments, people; the frozen list is in `receipts`."""
    receipt_required: bool = Field(default=True)
    deadline: datetime | None = optional_moment()
    """As the card names it. Whom the card reaches later has a later one: `receipts.due_at` is what counts."""
    state: AnnouncementState = choice(AnnouncementState, AnnouncementState.PUBLISHED)
    card_message_id: UUID | None = optional_ref("messages.id", index=False)
    chase_message_id: UUID | None = optional_ref("messages.id", index=False)
    """Only on rows of earlier versions: a reminder is the message that the ladders have made of it."""
    policy_version_id: UUID = ref("policy_versions.id", index=False)
    rule_key: str
    correlation_id: str
    actor: str
    published_at: datetime = moment()
    updated_at: datetime = moment()
    closed_at: datetime | None = optional_moment()
    listed_at: datetime | None = optional_moment()
    """When the author was last told who has not confirmed: deadlines up to then are reported."""


class AnnouncementGroup(Table, table=True):
    """A group the announcement was posted into as one text."""

    __tablename__ = "announcement_groups"

    announcement_id: UUID = ref("announcements.id", index=False, primary_key=True)
    group_id: UUID = ref("groups.id", primary_key=True)
    call_id: UUID | None = optional_ref("outgoing_calls.id", index=False)


class Receipt(Table, table=True):
    """One person concerned by an announcement: frozen at publication, confirmed once."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("uq_receipts_person", "announcement_id", "person_id", unique=True),
        # A confirmation changes nothing that is indexed, and finds room in its page (HOT).
        {"postgresql_with": {"fillfactor": "50"}},
    )

    id: int | None = serial_key()
    announcement_id: UUID = ref("announcements.id", index=False)
    person_id: UUID = ref("people.id")
    source: str = Field(default="")
    """Why they are concerned: `group:…`, `department:…`, `person`."""
    due_at: datetime | None = optional_moment()
    """The person's own deadline. Empty until the card has reached them: their clock does not run (policy 3.6)."""
    chase_at: datetime | None = optional_moment()
    """When they are reminded, unless they confirm before."""
    escalate_at: datetime | None = optional_moment()
    """When their superior is told, unless they confirm before. Empty where the class does not say so."""
    confirmed_at: datetime | None = optional_moment()
    confirmed_via: str | None = Field(default=None)
    event_id: int | None = Field(default=None, sa_type=BigInteger)
    """The received event that confirmed, which the same transaction marks as done. Not checked by a foreign key."""
    chased_at: datetime | None = optional_moment()
    escalated_at: datetime | None = optional_moment()
    """When their superior was told, or that nobody stands above them."""
    late: bool = Field(default=False)


class ReceiptCount(Table, table=True):
    """The receipts of an announcement that have one deadline, in numbers: the sum of all rows of that deadline.

    A trigger on `receipts` adds to a row that nobody holds, and so never waits: a single row may be below zero.
    """

    __tablename__ = "receipt_counts"
    __table_args__ = {"postgresql_with": {"fillfactor": "50"}}  # noqa: RUF012 -- SQLAlchemy's form

    id: int | None = serial_key()
    announcement_id: UUID = Field(sa_type=Uuid, index=True)
    due_at: datetime | None = optional_moment()
    """Empty for those whom the card has not reached."""
    people: int
    confirmed: int
    late: int
    chased: int
