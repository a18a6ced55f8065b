"""The company's policy in versions, the working calendar, and timers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Table
from models.columns import document, moment, optional_document, optional_moment, uuid_key


class PolicyVersion(Table, table=True):
    """An immutable version of the policy document (D11). The one in force is the newest with `effective_at` past."""

    __tablename__ = "policy_versions"

    id: UUID = uuid_key()
    number: int = Field(unique=True)
    title: str
    document: dict[str, Any] = document()
    source: str
    """The YAML as it was given, byte for byte."""
    sha256: str
    effective_at: datetime = moment(index=True)
    created_at: datetime = moment()
    created_by: str


class CalendarDay(Table, table=True):
    """One day of the company calendar (D14). Rows made by a person win over the library's."""

    __tablename__ = "calendar_days"

    day: date = Field(primary_key=True)
    is_working: bool
    note: str = Field(default="")
    source: str = Field(default="library")
    """`library`, `provisional` (the year is not published yet: Monday to Friday), `company` (set by a person)."""
    updated_at: datetime = moment()


class Timer(Table, table=True):
    """A deadline as a row (D3): written and deleted in the decision's transaction, claimed by a sweep."""

    __tablename__ = "timers"
    __table_args__ = (Index("ix_timers_due", "due_at"),)

    kind: str = Field(primary_key=True)
    """`approval.remind`, `announcement.deadline`, `delivery.release` …"""
    subject: str = Field(primary_key=True)
    due_at: datetime = moment()
    basis: dict[str, Any] | None = optional_document()
    """How the moment was computed (start, working duration, rule), so that it can be computed again when the
    calendar changes. Empty: the moment is absolute."""
    attempts: int = Field(default=0)
    last_error: str | None = Field(default=None)
    correlation_id: str
    created_at: datetime = moment()
    parked_at: datetime | None = optional_moment()
