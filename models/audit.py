"""The audit trail: append-only, ids and salted digests only; details stand in an erasable table (D17)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Uuid, text
from sqlmodel import Field

from models.base import Table
from models.columns import document, moment, optional_moment, serial_key


class ObjectKind(StrEnum):
    """What can be acted on. Stored by value in audit rows, events, messages and outgoing calls."""

    ACCESS_GRANT = "access_grant"
    ANNOUNCEMENT = "announcement"
    API_KEY = "api_key"
    APP = "app"
    CALENDAR_DAY = "calendar_day"
    CARD = "card"
    CONFIRMATION = "confirmation"
    DELIVERY = "delivery"
    DEPARTMENT = "department"
    DEPARTURE = "departure"
    GROUP = "group"
    GROUP_FINDING = "group_finding"
    LIMIT = "limit"
    LIST = "list"
    MESSAGE = "message"
    OUTGOING_CALL = "outgoing_call"
    PATH = "path"
    PERSON = "person"
    POLICY_VERSION = "policy_version"
    PERSON_SESSION = "person_session"
    RECEIVED_EVENT = "received_event"
    REQUEST = "request"
    SYNC_RUN = "sync_run"
    TASK = "task"


CONFIRMED = "announcement.confirmed"
OTHER_ACTS = f"action <> '{CONFIRMED}'"


class AuditEntry(Table, table=True):
    """Who did what to what, when, under which rule of which policy version (P5). A sealer job chains the rows.

    No foreign keys: a trigger refuses to delete policy versions, and thousands of rows a second are written.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_object", "object_kind", "object_id"),
        # Without what thousands write in a second: a timeline leaves confirmations to the list of receipts.
        Index("ix_audit_entries_acts", "object_kind", "object_id", "id", postgresql_where=text(OTHER_ACTS)),
        Index("ix_audit_entries_unsealed", "id", postgresql_where=text("seal IS NULL")),
        # Without the rows that have none: an entry that is being written concerns it not yet.
        Index("uq_audit_entries_position", "position", unique=True, postgresql_where=text("position IS NOT NULL")),
    )

    id: int | None = serial_key()
    at: datetime = moment(index=True)
    actor_kind: str
    """`person`, `api_key`, `operator`, `platform`, `system`."""
    actor_id: str
    action: str
    """`noun.verb` in the past: `request.approved`, `group.created` …"""
    object_kind: str
    object_id: str
    policy_version_id: UUID | None = Field(default=None, sa_type=Uuid)
    rule_key: str | None = Field(default=None)
    correlation_id: str = Field(index=True)
    details_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """sha256(salt + canonical JSON of the details)."""
    position: int | None = Field(default=None, sa_type=BigInteger)
    """Place in the sealed chain, without gaps."""
    seal: bytes | None = Field(default=None, sa_type=LargeBinary)
    """sha256(previous seal + canonical row)."""
    sealed_at: datetime | None = optional_moment()


class AuditDetail(Table, table=True):
    """The details of an audit row, written in the same statement. Erasing a row here leaves the chain verifiable."""

    __tablename__ = "audit_details"

    entry_id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    salt: bytes = Field(sa_type=LargeBinary)
    details: dict[str, Any] = document()


class AuditHead(Table, table=True):
    """Where the sealed chain ends: one row, kept apart from the trail, so that a missing end is noticed."""

    __tablename__ = "audit_heads"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: int = Field(default=1, sa_type=Integer, primary_key=True, sa_column_kwargs={"autoincrement": False})
    position: int = Field(sa_type=BigInteger)
    seal: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime | None = optional_moment()
