"""Acts that need two people, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.dual_control import TwoPersonAct
from app.web.schemas import ActingUserid, AsText, Input, Remark
from models.confirmations import ConfirmationState


class NewConfirmation(Input):
    act: AsText[TwoPersonAct]
    person: ActingUserid = Field(description="userid of who asks for it, and holds the permission themselves.")
    payload: dict[str, Any] = Field(description="What is to be done: the body of the REST write that does it alone.")
    reason: Remark = ""


class Confirming(Input):
    person: ActingUserid = Field(description="userid of who confirms: somebody else who holds the permission.")
    digest: str = Field(min_length=64, max_length=64, description="`digest` of what they have seen.")
    comment: Remark = ""


class Refusing(Input):
    person: ActingUserid = Field(description="userid of who refuses: somebody else who holds the permission.")
    comment: Remark = ""


class WithdrawingIt(Input):
    person: ActingUserid = Field(description="userid of who had asked for it.")


class ConfirmationSummary(BaseModel):
    id: UUID
    act: str = Field(examples=["policy.activate"])
    title: str
    state: ConfirmationState
    asked_by: str | None = Field(description="userid")
    asked_with: str | None = Field(description="The API key that passed it on: it cannot pass the confirmation on.")
    reason: str
    fields: list[list[str]] = Field(description="What people read before they confirm, as it was when it was asked.")
    asked_at: datetime
    expires_at: datetime
    answered_by: str | None = Field(description="userid")
    answered_at: datetime | None
    comment: str
    via: str = Field(description="`card`, `rest` or `console`")
    result: str = Field(description="The id of what it made or changed.")


class ConfirmationOut(ConfirmationSummary):
    payload: dict[str, Any] = Field(description="Exactly what is done on confirmation.")
    digest: str = Field(description="Of act and payload; a confirmation repeats it.")
    asked: list[str] = Field(
        description="userids of who got a card. Who may confirm is who holds the permission when they do."
    )


class AskedOut(ConfirmationOut):
    key: str | None = Field(description="Of `key.create`: the key itself, shown this once, alive once confirmed.")
