"""Announcements on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.announcements.publishing.audience import AudienceWanted
from app.announcements.publishing.publish import Draft
from app.announcements.rules import ReceiptState
from app.web.schemas import ActingUserid, AsText, Input, Moment, Userid, wrong
from models.announcements import AnnouncementState
from models.delivery import DeliveryState


class AudienceIn(Input):
    groups: list[AsText[UUID]] = Field([], max_length=100, description="ids of registered groups")
    departments: list[int] = Field([], max_length=100, description="WeCom department ids, with everything below them")
    people: list[Userid] = Field([], max_length=1000, description="userids")

    @model_validator(mode="after")
    def _somebody(self) -> AudienceIn:
        if not (self.groups or self.departments or self.people):
            raise wrong("groups、departments、people 至少填一个", "Fill in groups, departments or people")
        return self


class Announcing(Input):
    """What is published, and to whom."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    body: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
    message_class: str = Field("work", alias="class", description="A class of the policy", examples=["work"])
    audience: AudienceIn
    deadline: Moment | None = Field(None, description="For the receipt. Default: what the policy says.")
    receipt: bool | None = Field(None, description="Default: what the policy says of the class.")

    def draft(self) -> Draft:
        wanted = AudienceWanted(**dict(self.audience))
        return Draft(self.title, self.body, self.message_class, wanted, self.deadline, self.receipt)


class NewAnnouncement(Announcing):
    author: ActingUserid = Field(description="userid of who publishes it")


class NewReceipt(Input):
    person: ActingUserid = Field(description="userid of who confirms")


class StandingOut(BaseModel):
    """The receipts so far."""

    audience: int
    confirmed: int
    unconfirmed: int = Field(description="The card has reached them.")
    undelivered: int = Field(description="The card has not reached them yet, or could not: their clock does not run.")
    late: int = Field(description="Confirmed after their own deadline.")
    chased: int


class AnnouncementSummary(BaseModel):
    id: UUID
    title: str
    message_class: str = Field(serialization_alias="class")
    author: str
    state: AnnouncementState
    receipt_required: bool
    deadline: datetime | None
    published_at: datetime
    updated_at: datetime
    closed_at: datetime | None


class AnnouncementOut(AnnouncementSummary):
    body: str
    audience: dict[str, Any] = Field(description="What was asked for; who that was is frozen in the receipts.")
    receipts: StandingOut
    delivery: dict[str, int] = Field(
        description="The card's recipients by state: sent, failed, unknown, held. They add up to the audience."
    )
    rule_key: str
    clause: str
    correlation_id: str


class ReceiptOut(BaseModel):
    person: str
    source: str = Field(description="Why they are concerned: `group:…`, `department:…`, `person`.")
    state: ReceiptState | None = Field(description="Empty where no receipt is wanted.")
    due_at: datetime | None = Field(
        description="Their own deadline, counted from the delivery. Empty until the card has reached them."
    )
    confirmed_at: datetime | None
    confirmed_via: str | None
    late: bool
    chased_at: datetime | None
    escalated_at: datetime | None = Field(
        description="When their superior was told that they had not confirmed (policy 3.6)."
    )
    card: DeliveryState | None = Field(description="Whether the card reached them.")
    card_reason: str | None
