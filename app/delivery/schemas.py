"""The ledger on the wire. No bodies, no response codes: they may hold what only the recipient should read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.ledger.service import Resolution
from app.web.schemas import Input
from models.delivery import CallKind, CallState, DeliveryState


class DeliveryOut(BaseModel):
    """One recipient of one part of a message."""

    id: int
    message_id: UUID
    part: int
    userid: str | None = Field(description="The recipient's userid; null for a person who has none any more.")
    state: DeliveryState
    reason: str = Field(description="Why it is held, failed or unknown; empty when it was sent.")
    until: datetime | None = Field(description="When a held one is looked at again; null while it waits for another.")
    call_id: UUID | None
    rule_key: str
    correlation_id: str
    updated_at: datetime


class CallOut(BaseModel):
    """One mutating call to the platform."""

    id: UUID
    kind: CallKind
    purpose: str
    subject_kind: str
    subject_id: str
    message_id: UUID | None
    part: int
    state: CallState
    hold_reason: str | None = Field(description="Why it waits, or how it ended when it did not end well.")
    not_before: datetime | None
    attempts: int
    sent_at: datetime | None
    finished_at: datetime | None
    errcode: int | None = Field(description="The platform's code; 0 for a success.")
    error: str | None = Field(description="What went wrong and what to do about it.")
    previous_id: UUID | None = Field(description="The call whose place it takes.")
    actor: str
    correlation_id: str
    created_at: datetime


class MessageSummary(BaseModel):
    """Where the recipients of a message stand. The four counts add up to the audience at every moment."""

    message_id: UUID
    audience: int
    sent: int
    failed: int
    unknown: int
    held: int


class ResolutionIn(Input):
    """What a person found out about a call whose outcome was unknown."""

    model_config = ConfigDict(populate_by_name=True)

    resolution: Resolution = Field(alias="as", description="`done`: it had its effect; `failed`: it had none.")
