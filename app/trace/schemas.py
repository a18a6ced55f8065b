"""A trace on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from app.trace.entry import TraceKind


class RefOut(BaseModel):
    """A row of ours."""

    kind: str = Field(examples=["request"])
    id: str


class TraceEntryOut(BaseModel):
    at: datetime
    kind: TraceKind
    what: str = Field(description="In a sentence", examples=["申请已同意"])
    what_en: str = Field(examples=["The request was approved"])
    ref: RefOut = Field(description="What it is")
    about: RefOut | None = Field(description="What it was done to")
    state: str
    caused_by: RefOut | None = Field(description="What led to it, as far as the rows say so")
    actor: str = Field(description="`kind:id`; empty where nobody acted")
    rule_key: str | None


class TraceOut(BaseModel):
    """Everything under one correlation id, in the order in which it happened. No contents of messages."""

    correlation_id: str
    complete: bool = Field(description="False where there is more of something than is shown (500)")
    entries: list[TraceEntryOut]
