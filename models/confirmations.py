"""Acts that need two people: asked by one, confirmed or refused by another (F197)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from models.base import JSON_DOCUMENT, Table, one_of
from models.columns import choice, document, moment, optional_moment, optional_ref, ref, uuid_key


class ConfirmationState(StrEnum):
    ASKED = "asked"
    CONFIRMED = "confirmed"  # and carried out, in the same transaction
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by who had asked
    EXPIRED = "expired"


class Confirmation(Table, table=True):
    """One act that somebody has asked for. What it does is fixed: nobody confirms anything else."""

    __tablename__ = "confirmations"
    __table_args__ = (
        one_of("state", ConfirmationState),
        Index("ix_confirmations_asked", "asked_at", postgresql_where=text("state = 'asked'")),
    )

    id: UUID = uuid_key()
    act: str
    payload: dict[str, Any] = document()
    payload_digest: bytes = Field(sa_type=LargeBinary)
    """Of act and payload: what is carried out is what was asked."""
    fields: list[list[str]] = Field(default_factory=list, sa_type=JSON_DOCUMENT)
    """What people read, as it was when it was asked."""
    reason: str = Field(default="")
    asked_by: UUID = ref("people.id")
    asked_with: str | None = Field(default=None)
    """The API key that passed it on: the same one cannot pass the answer on."""
    asked_people: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid))
    """Who got a card."""
    needed: list[str] = Field(default_factory=list, sa_type=ARRAY(String), sa_column_kwargs={"server_default": "{}"})
    """The permissions that whoever answers holds in the whole company, that of the kind among them."""
    not_by: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid), sa_column_kwargs={"server_default": "{}"})
    """Whom it gives something: they do not answer."""
    asked_at: datetime = moment()
    expires_at: datetime = moment()
    policy_version_id: UUID = Field(sa_type=Uuid)
    card_message_id: UUID | None = optional_ref("messages.id", index=False)
    state: ConfirmationState = choice(ConfirmationState, ConfirmationState.ASKED)
    answered_by: UUID | None = optional_ref("people.id", index=False)
    answered_at: datetime | None = optional_moment()
    comment: str = Field(default="")
    via: str = Field(default="")
    """`card`, `rest` or `console`."""
    result: str = Field(default="")
    """The id of what it made or changed."""
    correlation_id: str
