"""The wire: received events as REST shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from app.inbox.messages import explain_refusal
from models.inbox import EventState, ReceivedEvent
from models.intake import CallbackGap, CallbackRefusal, GapReason


class CallbackSummary(BaseModel):
    id: int
    channel: str = Field(description="`app` or `contacts`.")
    event_type: str = Field(examples=["change_contact.update_user"])
    subject: str = Field(examples=["user:zhangsan"], description="What it is about; handled one at a time.")
    userid: str = Field(description="Who caused it; `sys` for the platform itself.")
    state: EventState
    reason: str | None = Field(description="Why it was ignored or parked, or what the last try failed with.")
    attempts: int = Field(description="Failed tries since it came or was replayed.")
    repeats: int = Field(description="How often the platform sent the same again.")
    occurred_at: datetime
    received_at: datetime
    not_before: datetime | None = Field(description="When the next try is due.")
    finished_at: datetime | None
    replayed_at: datetime | None
    correlation_id: str

    @classmethod
    def of(cls, event: ReceivedEvent) -> Self:
        return cls.model_validate(_columns(event))


class CallbackDetail(CallbackSummary):
    body: str | None = Field(description="The decrypted XML; null once it was erased, 30 days after receipt.")
    digest: str = Field(description="sha256 of the body, kept when the body is gone.")

    @classmethod
    def of(cls, event: ReceivedEvent) -> Self:
        body = None if event.body is None else event.body.decode(errors="replace")
        return cls.model_validate({**_columns(event), "body": body, "digest": event.body_digest.hex()})


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

    @classmethod
    def of(cls, gap: CallbackGap) -> Self:
        return cls.model_validate(gap.model_dump())


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

    @classmethod
    def of(cls, refusal: CallbackRefusal) -> Self:
        told = explain_refusal(refusal.reason, refusal.disagrees)
        return cls.model_validate({**refusal.model_dump(), "explanation": told})


def _columns(event: ReceivedEvent) -> dict[str, object]:
    return {
        **event.model_dump(exclude={"body", "body_digest", "dedup_key"}),
        "channel": event.app_id,
        "userid": event.actor_userid,
        "reason": event.last_error,
    }
