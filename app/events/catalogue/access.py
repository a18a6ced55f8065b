"""Who signs in, who is given what, and what needs two people (F197)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.events.event import ConfirmationRef, Event, GrantRef, PersonRef, SessionRef
from models.audit import ObjectKind


class SessionEvent(Event):
    """Something that happened to a person's session."""

    about_kind = ObjectKind.PERSON_SESSION
    about_field = "session_id"

    session_id: SessionRef


class GrantEvent(Event):
    """Something that happened to what somebody was given."""

    about_kind = ObjectKind.ACCESS_GRANT
    about_field = "grant_id"

    grant_id: GrantRef
    person_id: PersonRef


class SignedIn(SessionEvent):
    """A person signed in through WeCom, or by the first administrator's link."""

    type = "session.started"


class SignedOut(SessionEvent):
    """A person signed out, or was signed out: they have left, or an administrator ended it."""

    type = "session.ended"


class PersonSignedOut(Event):
    """Somebody else has signed this person out everywhere: a lost phone, a stolen account (policy 6.16)."""

    about_kind = ObjectKind.PERSON
    about_field = "person_id"
    type = "person.signed_out"

    person_id: PersonRef
    sessions: Annotated[int, Field(examples=[2], description="How many browsers they were signed in with")]


class AccessGranted(GrantEvent):
    """Somebody was given a bundle of permissions."""

    type = "access.granted"


class AccessRevoked(GrantEvent):
    """A bundle of permissions was taken back before its end."""

    type = "access.revoked"


class ConfirmationEvent(Event):
    """Something that happened to an act that one person asks for and another confirms."""

    about_kind = ObjectKind.CONFIRMATION
    about_field = "confirmation_id"

    confirmation_id: ConfirmationRef
    act: Annotated[str, Field(examples=["policy.activate"])]


class ConfirmationAsked(ConfirmationEvent):
    """Somebody asked for an act that another person has to confirm."""

    type = "confirmation.asked"


class ConfirmationConfirmed(ConfirmationEvent):
    """Another person confirmed it, and it was carried out."""

    type = "confirmation.confirmed"


class ConfirmationRefused(ConfirmationEvent):
    """Another person refused it: nothing was done."""

    type = "confirmation.refused"


class ConfirmationWithdrawn(ConfirmationEvent):
    """Who had asked took it back."""

    type = "confirmation.withdrawn"


class ConfirmationExpired(ConfirmationEvent):
    """Nobody answered in time: nothing was done."""

    type = "confirmation.expired"


__all__ = [
    "AccessGranted",
    "AccessRevoked",
    "ConfirmationAsked",
    "ConfirmationConfirmed",
    "ConfirmationEvent",
    "ConfirmationExpired",
    "ConfirmationRefused",
    "ConfirmationWithdrawn",
    "PersonSignedOut",
    "SignedIn",
    "SignedOut",
]
