"""The wire: received events as REST shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from models.inbox import EventState, ReceivedEvent


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


def _columns(event: ReceivedEvent) -> dict[str, object]:
    return {
        **event.model_dump(exclude={"body", "body_digest", "dedup_key"}),
        "channel": event.app_id,
        "userid": event.actor_userid,
        "reason": event.last_error,
    }
