"""Sync runs on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.web.schemas import Input
from models.org import SyncKind, SyncState


class StartSync(Input):
    dry_run: bool = Field(False, description="Only report what would change; write nothing but the run itself.")


class SyncRunOut(BaseModel):
    """A run: how far it is, what it changed, what it holds back and why."""

    id: UUID
    kind: SyncKind
    state: SyncState
    dry_run: bool
    reason: str
    phase: str
    fetched: int
    expected: int
    counts: dict[str, Any]
    report: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None


class ChangeKind(StrEnum):
    """What kind of object a change is about."""

    PERSON = "person"
    DEPARTMENT = "department"
    MEMBERSHIP = "membership"
    TAG = "tag"


class SyncChangeOut(BaseModel):
    """One difference that a run has applied."""

    id: int
    object_kind: str
    object_id: str
    name: str = Field(description="Of the person, department or tag as we know it now")
    userid: str | None = Field(description="Of a person, or of whose place in a department it is")
    change: str = Field(examples=["created", "updated", "left"])
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime


class SyncRunSummary(BaseModel):
    """A run in a list: without its report."""

    id: UUID
    kind: SyncKind
    state: SyncState
    dry_run: bool
    reason: str
    phase: str
    fetched: int
    expected: int
    counts: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None
