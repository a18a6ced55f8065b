"""The ledger on the wire. No bodies, no response codes: they may hold what only the recipient should read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.delivery.again.selected import Ended, Selection
from app.ledger.service import Resolution
from app.web.schemas import AsText, Input, Moment, wrong
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


class MeaningOut(BaseModel):
    errcode: int
    meaning: str
    cure: str = Field(description="What to do about it, and who can.")
    meaning_en: str
    cure_en: str


class RecipientsOut(BaseModel):
    sent: int
    failed: int
    unknown: int
    held: int


class CallDetail(CallOut):
    """One call as a person looks into it. What it said is read apart."""

    meaning: MeaningOut | None = Field(description="Of the answer, when it was a refusal.")
    attempts_made: list[CallOut] = Field(
        description="The call with those whose place it has taken and those that have taken its place, oldest first."
    )
    recipients: RecipientsOut = Field(description="Of those whom it carries now: `GET /deliveries?call=…`.")


class CallContentOut(BaseModel):
    request: str = Field(description="The body as indented JSON; response codes of cards are left out.")
    answer: str = Field(description="The answer without what has fields of its own; empty before there is one.")


class MessageSummary(BaseModel):
    """Where the recipients of a message stand. The four counts add up to the audience at every moment."""

    message_id: UUID
    audience: int
    sent: int
    failed: int
    unknown: int
    held: int


class SelectionIn(Input):
    """What to send again. Every condition that is given has to hold; 1,000 recipients and 1,000 calls at once."""

    state: AsText[Ended] = Field(Ended.FAILED, description="`unknown` ones may arrive twice.")
    kind: AsText[CallKind] | None = Field(None, description="Only this kind of call, such as `appchat/send`.")
    purpose: str | None = Field(None, description="Only this purpose, such as `announcement.card`.")
    errcode: int | None = Field(None, description="Only what the platform refused with this code.")
    since: Moment | None = Field(None, description="Only what ended at or after this moment.")
    message: AsText[UUID] | None = None
    about_kind: str | None = Field(None, description="`announcement`, `request`, `task` or `group`; with `about_id`.")
    about_id: str | None = None
    preview: bool = Field(True, description="Only say what would be sent again.")

    @model_validator(mode="after")
    def _kind_and_id(self) -> SelectionIn:
        if (self.about_kind is None) != (self.about_id is None):
            raise wrong("about_kind 和 about_id 要一起填", "Fill in about_kind and about_id together")
        return self

    def selection(self) -> Selection:
        about = (self.about_kind, self.about_id) if self.about_kind and self.about_id else None
        return Selection(self.state, self.kind, self.purpose, self.errcode, self.since, self.message, about)


class SelectedOut(BaseModel):
    """What the selection holds, and what was sent again."""

    preview: bool
    deliveries: int = Field(description="Recipients of messages.")
    calls: int = Field(description="Posts in groups, card updates and menus.")
    reasons: dict[str, int] = Field(description="How many ended for which reason.")
    retried: int
    passed_over: int = Field(description="They have gone meanwhile, or their recipient has no account any more.")


class ResolutionIn(Input):
    """What a person found out about a call whose outcome was unknown."""

    model_config = ConfigDict(populate_by_name=True)

    resolution: AsText[Resolution] = Field(alias="as", description="`done`: it had its effect; `failed`: it had none.")
