"""The wire: received events as REST shows them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from models.inbox import EventState
from models.intake import GapReason


class CallbackSummary(BaseModel):
    id: int
    channel: str = Field(description="`app` or `contacts`.")
    event_type: str = Field(examples=["change_contact.update_user"])
    subject: str = Field(examples=["user:zhangsan"], description="What it is about; handled one at a time.")
    userid: str = Field(description="Who caused it; `sys` for the platform itself.")
    state: EventState = Field(description="`pending` until it is done; `running` only on rows of earlier versions.")
    reason: str | None = Field(description="Why it was ignored or parked, or what the last try failed with.")
    attempts: int = Field(description="Failed tries since it came or was replayed.")
    repeats: int = Field(description="How often the platform sent the same again.")
    occurred_at: datetime
    received_at: datetime
    not_before: datetime | None = Field(description="When the next try is due.")
    finished_at: datetime | None
    replayed_at: datetime | None
    correlation_id: str


class FieldOut(BaseModel):
    name: str = Field(examples=["TaskId"], description="Its path in the body.")
    value: str


class ReplayOut(BaseModel):
    at: datetime
    actor: str = Field(description="`kind:id`")


class CallbackDetail(CallbackSummary):
    fields: list[FieldOut] = Field(
        description="What the body says, in its order and without the codes of cards; empty once it was erased."
    )
    replays: list[ReplayOut] = Field(description="Each time a person had it handled again, the latest first.")
    body: str | None = Field(description="The decrypted XML; null once it was erased, 30 days after receipt.")
    digest: str = Field(description="sha256 of the body, kept when the body is gone.")


class Gap(BaseModel):
    id: int
    reason: GapReason = Field(description="`database`: it could not be written; `not_served`: no process served.")
    server: str = Field(description="The process that noticed.", examples=["steward-7d9f:1"])
    started_at: datetime
    ended_at: datetime
    not_stored: int = Field(description="Callbacks that reached us and are lost. Others may never have reached us.")
    stored_late: int = Field(description="Written after the platform had hung up: late, not lost.")
    recorded_at: datetime
    closed_at: datetime | None = Field(description="When a full sync that began after the gap had succeeded.")
    closed_by: UUID | None = Field(description="That sync run.")


class Refusal(BaseModel):
    id: int
    channel: str = Field(description="`app`, `contacts`, or `unknown` for an address that is none.")
    reason: str = Field(examples=["bad_signature"])
    disagrees: str = Field(description="Which settings differ from the platform's; never a value.", examples=["token"])
    explanation: str = Field(description="What it means and what to do.")
    caller: str = Field(description="The network address; empty for the rest of a flood.", examples=["203.0.113.8"])
    times: int
    first_at: datetime
    last_at: datetime
    correlation_id: str = Field(description="Of the last attempt; the same as in the log.")
