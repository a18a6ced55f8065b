"""Decides how a call goes on, with values and tables. Pure."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.limits.catalogue import LIMITS
from app.wecom.codes import CODE_SPENT
from app.wecom.errors import (
    HttpFailure,
    NotReached,
    OutcomeUnknown,
    QuotaExhausted,
    TryAgain,
    WaitUntil,
    WecomError,
    WecomRefused,
)
from models.delivery import CallKind, CallState, DeliveryState, FailReason, HoldReason, OutgoingCall, refused_with
from models.ids import fold

LEASE = timedelta(seconds=90)
"""Longer than any call may take, retry of the token included: after it the worker counts as dead."""

CODE_LIFE = timedelta(hours=72)
"""A response code, from a send or from a click (messaging §1.5)."""

WINDOW_MARGIN = timedelta(seconds=60)
"""A repeat must arrive while the platform still remembers the first one."""

MOST_TRIES = 4
"""Attempts of a call that the platform asks to repeat (-1: once and three times more, messaging §0.2)."""
MOST_REPEATS = 12
"""Attempts of a call of uncertain outcome that may be repeated: about 40 minutes."""
MOST_UNREACHED = 60
"""Attempts while nothing of ours gets out: about nine hours."""
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=10)

NOBODY_VALID = 81013


class KeptAnswer(BaseModel):
    """What the platform answered beside the fields that have columns (`outgoing_calls.answer`): for people who look
    into a call. No decision rests on it, so it is kept as it came.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    @classmethod
    def of(cls, answer: dict[str, Any]) -> KeptAnswer:
        return cls.model_validate({name: value for name, value in answer.items() if name not in _COLUMNS_OF_ANSWER})


_COLUMNS_OF_ANSWER = frozenset({"errcode", "errmsg", "msgid", "response_code"})


class Recovery(StrEnum):
    """What may be done about a call that was made and not answered (D6)."""

    REPEAT = "repeat"  # the same bytes again: a second time changes nothing, or the platform says that it was done
    LOOK_FIRST = "look_first"  # read the object, then ask only for what is still missing
    RESEND_IN_WINDOW = "resend_in_window"  # the same bytes, while the platform still drops duplicates
    PARK = "park"  # nothing tells whether it happened: a person decides


RECOVERY: dict[CallKind, Recovery] = {
    CallKind.APPCHAT_CREATE: Recovery.REPEAT,  # by our own chatid: 86215 says that it exists
    CallKind.APPCHAT_UPDATE: Recovery.LOOK_FIRST,  # repeating it is refused when half of it is done (86216)
    CallKind.CARD_UPDATE: Recovery.REPEAT,  # 42022 says that the code was spent: by us
    CallKind.MENU_CREATE: Recovery.REPEAT,  # replaces the whole menu
    CallKind.MEDIA_UPLOAD: Recovery.REPEAT,  # a second copy disturbs nobody and is gone after three days
    CallKind.MESSAGE_SEND: Recovery.RESEND_IN_WINDOW,
    CallKind.APPCHAT_SEND: Recovery.PARK,  # no msgid, no duplicate check, no recall
    # Kinds that are not called yet: `oa/applyevent` will be looked for by template, creator and our number
    # (messaging §4.3), and needs a recovery of its own; webhook messages and `oa/schedule/add` are parked.
}

TRANSITIONS: dict[CallState, frozenset[CallState]] = {
    # Failed without an attempt: taken back, because what it says is no longer so. Done: by a late answer to an attempt
    # that was given up.
    CallState.READY: frozenset(set(CallState) - {CallState.READY}),
    CallState.HELD: frozenset(set(CallState) - {CallState.READY}),
    CallState.SENDING: frozenset(set(CallState) - {CallState.SENDING}),
    # A late answer, or a person.
    CallState.UNKNOWN: frozenset({CallState.DONE, CallState.FAILED, CallState.REPLACED}),
    # A person sends again what was refused.
    CallState.FAILED: frozenset({CallState.REPLACED}),
    CallState.DONE: frozenset(),
    CallState.REPLACED: frozenset(),
}


@dataclass(frozen=True)
class Done:
    pass


@dataclass(frozen=True)
class Failed:
    reason: str
    """A `FailReason`, or `refused_with` a code."""
    error: str
    errcode: int | None = None


@dataclass(frozen=True)
class Unknown:
    error: str


@dataclass(frozen=True)
class Later:
    """Again at `at`. `uncertain`: an attempt may have had its effect already."""

    at: datetime
    reason: HoldReason
    error: str
    uncertain: bool


@dataclass(frozen=True)
class Hold:
    """Not now. Without `until` it waits for another call, not for a moment."""

    reason: HoldReason
    until: datetime | None = None
    limit: str | None = None
    """The key of the limit that it waits for."""


Verdict = Done | Failed | Unknown | Later | Hold


def verdict_of_attempt(call: OutgoingCall, failure: WecomError | None, *, uncertain: bool, now: datetime) -> Verdict:
    """What an attempt's outcome means. `uncertain`: an earlier attempt may have had its effect.

    After an uncertain attempt only a success is believed: a refusal may be the answer to the duplicate.
    """
    if failure is None or (uncertain and _proves_it_was_done(call, failure)):
        return Done()
    if isinstance(failure, OutcomeUnknown):
        return _recover(call, failure, now)
    if isinstance(failure, NotReached | HttpFailure | TryAgain | WaitUntil | QuotaExhausted):
        return _recover(call, failure, now) if uncertain else _postpone(call, failure, now)
    if uncertain and RECOVERY[call.kind] is Recovery.RESEND_IN_WINDOW:
        return Unknown(str(failure))
    return _refused(failure)


def _proves_it_was_done(call: OutgoingCall, failure: WecomError) -> bool:
    return call.kind is CallKind.CARD_UPDATE and errcode_of(failure) == CODE_SPENT


def _recover(call: OutgoingCall, failure: WecomError, now: datetime) -> Verdict:
    at = failure.until if isinstance(failure, WaitUntil | QuotaExhausted) else now + back_off(call.attempts)
    recovery = RECOVERY[call.kind]
    if recovery is Recovery.PARK or is_too_late_to_resend(call, at):
        return Unknown(str(failure))
    if recovery is not Recovery.RESEND_IN_WINDOW and call.attempts >= MOST_REPEATS:
        return Unknown(str(failure))
    return Later(at, HoldReason.RECOVERING, str(failure), uncertain=True)


def _postpone(call: OutgoingCall, failure: WecomError, now: datetime) -> Verdict:
    """Decide about an attempt that certainly had no effect."""
    if isinstance(failure, WaitUntil):
        return Hold(HoldReason.PLATFORM_LIMIT, failure.until)
    if isinstance(failure, QuotaExhausted):
        return Hold(HoldReason.PLATFORM_LIMIT, failure.until, failure.why if failure.why in LIMITS else None)
    most = MOST_TRIES if isinstance(failure, TryAgain) else MOST_UNREACHED
    if call.attempts >= most:
        return _refused(failure)
    return Later(now + back_off(call.attempts), HoldReason.RETRYING, str(failure), uncertain=False)


def _refused(failure: WecomError) -> Failed:
    errcode = errcode_of(failure)
    if errcode == NOBODY_VALID:
        return Failed(FailReason.INVALID_USER, str(failure), errcode)
    return Failed(FailReason.NOT_REACHED if errcode is None else refused_with(errcode), str(failure), errcode)


def back_off(attempts: int) -> timedelta:
    """After the attempt number `attempts` (1 is the first)."""
    doubled: timedelta = FIRST_DELAY * 2 ** min(max(attempts - 1, 0), 12)
    return min(doubled, LONGEST_DELAY)


def is_too_late_to_resend(call: OutgoingCall, at: datetime) -> bool:
    """The platform forgets a message after its duplicate window: from then on a repeat would be a second message."""
    if RECOVERY[call.kind] is not Recovery.RESEND_IN_WINDOW or call.sent_at is None:
        return False
    return at >= call.sent_at + duplicate_window(call) - WINDOW_MARGIN


def duplicate_window(call: OutgoingCall) -> timedelta:
    """As the call's own body states it, whatever the policy says by now."""
    return timedelta(seconds=int(body_of(call).get("duplicate_check_interval", 0)))


def errcode_of(failure: WecomError) -> int | None:
    return failure.errcode if isinstance(failure, WecomRefused) else None


def body_of(call: OutgoingCall) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.request_body)
    return body


def remaining_update(body: dict[str, Any], *, name: str, owner: str, userids: list[str]) -> dict[str, Any] | None:
    """The part of an `appchat/update` that the group still lacks; None if it lacks nothing."""
    members = {fold(userid) for userid in userids}
    wanted = {
        "name": body.get("name") if body.get("name", name)[:50] != name[:50] else None,
        "owner": body.get("owner") if fold(body.get("owner", owner)) != fold(owner) else None,
        "add_user_list": [userid for userid in body.get("add_user_list", []) if fold(userid) not in members],
        "del_user_list": [userid for userid in body.get("del_user_list", []) if fold(userid) in members],
    }
    missing = {field: value for field, value in wanted.items() if value}
    return {"chatid": body["chatid"], **missing} if missing else None


class Effect(StrEnum):
    """What an attempt may have used of the platform's limits."""

    NONE = "none"  # it never got there
    REFUSED = "refused"  # it got there and did nothing: nobody received anything, but it may have been counted
    POSSIBLE = "possible"


def effect_of(failure: WecomError | None) -> Effect:
    if isinstance(failure, NotReached | QuotaExhausted | HttpFailure):
        return Effect.NONE
    return Effect.REFUSED if isinstance(failure, WecomRefused) else Effect.POSSIBLE


def id_beside(original: UUID) -> UUID:
    """An id that sorts right after `original` and before any later one: a replacing call keeps the place."""
    return UUID(int=original.int + 1 + secrets.randbelow(2**16))


DELIVERY_STATE: dict[CallState, DeliveryState] = {
    CallState.DONE: DeliveryState.SENT,
    CallState.FAILED: DeliveryState.FAILED,
    CallState.UNKNOWN: DeliveryState.UNKNOWN,
}
"""What a call's final state says of its recipients, those excepted whom the answer names."""
