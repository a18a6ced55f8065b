"""Who signs in, and who is given what."""

from __future__ import annotations

from app.events.event import Event, GrantRef, PersonRef, SessionRef
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
    """A person signed out, or was signed out because they have left."""

    type = "session.ended"


class AccessGranted(GrantEvent):
    """Somebody was given a bundle of permissions."""

    type = "access.granted"


class AccessRevoked(GrantEvent):
    """A bundle of permissions was taken back before its end."""

    type = "access.revoked"


__all__ = ["AccessGranted", "AccessRevoked", "SignedIn", "SignedOut"]
