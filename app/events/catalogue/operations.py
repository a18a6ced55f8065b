"""What is done to the service itself: policy, calendar, keys, limits, and calls that a person looked into."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.events.event import CallbackRef, CallRef, DeliveryRef, Event, KeyRef, ListRef, VersionRef
from models.audit import ObjectKind


class KeyEvent(Event):
    """Something that happened to an API key."""

    about_kind = ObjectKind.API_KEY
    about_field = "api_key_id"

    api_key_id: KeyRef


class CallEvent(Event):
    """A person said what became of a call whose outcome was unknown."""

    about_kind = ObjectKind.OUTGOING_CALL
    about_field = "call_id"

    call_id: CallRef


class PolicyApplied(Event):
    """A new version of the policy was applied; it is in force from `effective_at`."""

    type = "policy.applied"
    about_kind = ObjectKind.POLICY_VERSION
    about_field = "policy_version_id"

    policy_version_id: VersionRef
    number: Annotated[int, Field(examples=[3])]
    effective_at: Annotated[datetime, Field(examples=["2026-12-01T00:00:00Z"])]


class CalendarChanged(Event):
    """The company made a day a working day or a day off."""

    type = "calendar.changed"
    about_kind = ObjectKind.CALENDAR_DAY
    about_field = "day"

    day: Annotated[date, Field(examples=["2026-12-31"])]
    is_working: Annotated[bool, Field(examples=[False])]


class MorningDigestSent(Event):
    """The digests of a morning are written: everybody for whom something waited has one on its way."""

    type = "digest.sent"
    about_kind = ObjectKind.CALENDAR_DAY
    about_field = "day"

    day: Annotated[date, Field(examples=["2026-12-01"])]
    people: Annotated[int, Field(examples=[214], description="How many people were written to")]
    is_complete: Annotated[bool, Field(examples=[True], description="False: the morning was over before everybody had")]


class ApiKeyCreated(KeyEvent):
    """Another service may call."""

    type = "api_key.created"


class ApiKeyChanged(KeyEvent):
    """In whose name a key may act was said anew."""

    type = "api_key.changed"


class ApiKeyEnded(KeyEvent):
    """A key is not accepted any more."""

    type = "api_key.ended"


class LimitChanged(Event):
    """Our share of one of the platform's limits was changed."""

    type = "limit.changed"
    about_kind = ObjectKind.LIMIT
    about_field = "limit"

    limit: Annotated[str, Field(examples=["message.app.day"])]


class LimitUnblocked(Event):
    """The platform takes calls of a path again that it had blocked."""

    type = "limit.unblocked"
    about_kind = ObjectKind.PATH
    about_field = "path"

    path: Annotated[str, Field(examples=["message/send"])]


class DeliveryRetried(Event):
    """A person had a failed delivery sent once more."""

    type = "delivery.retried"
    about_kind = ObjectKind.DELIVERY
    about_field = "delivery_id"

    delivery_id: DeliveryRef
    call_id: CallRef


class CallRetried(CallEvent):
    """A person had a failed call made once more."""

    type = "call.retried"


class CallResolvedDone(CallEvent):
    """The call had its effect."""

    type = "call.resolved_done"


class CallResolvedFailed(CallEvent):
    """The call had no effect."""

    type = "call.resolved_failed"


class CallArrivedAfterAll(CallEvent):
    """A person had called the call failed, or had it made again; a late answer of the platform says that it arrived."""

    type = "call.arrived_after_all"


class CallbackReplayed(Event):
    """A person had something that the platform told us handled once more."""

    type = "callback.replayed"
    about_kind = ObjectKind.RECEIVED_EVENT
    about_field = "callback_id"

    callback_id: CallbackRef


class MenuSet(Event):
    """The platform has taken the menu of the app as the service wants it."""

    type = "menu.set"
    about_kind = ObjectKind.APP
    about_field = "app_id"

    app_id: Annotated[str, Field(examples=["app"])]
    call_id: CallRef


class ListExported(Event):
    """Somebody took a list as a file. The audit row says with which filters."""

    type = "list.exported"
    about_kind = ObjectKind.LIST
    about_field = "list"

    list: ListRef
    rows: Annotated[int, Field(examples=[120])]


__all__ = [
    "ApiKeyChanged",
    "ApiKeyCreated",
    "ApiKeyEnded",
    "CalendarChanged",
    "CallArrivedAfterAll",
    "CallResolvedDone",
    "CallResolvedFailed",
    "CallRetried",
    "CallbackReplayed",
    "DeliveryRetried",
    "LimitChanged",
    "LimitUnblocked",
    "ListExported",
    "MenuSet",
    "MorningDigestSent",
    "PolicyApplied",
]
