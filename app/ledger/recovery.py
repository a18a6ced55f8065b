"""What follows an attempt, by the kind of the call: nothing is repeated blindly (D6). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from app.ledger.rules import Done, Failed, Hold, Later, Unknown, Verdict, body_of
from app.limits.breaker import TROUBLE
from app.limits.catalogue import LIMITS
from app.wecom.codes import CODE_SPENT
from app.wecom.errors import (
    AppRefused,
    HttpFailure,
    NotReached,
    NotUnderstood,
    OutcomeUnknown,
    QuotaExhausted,
    TokenRefused,
    TooLate,
    TryAgain,
    WaitUntil,
    WecomError,
    WecomRefused,
)
from models.delivery import CallKind, FailReason, HoldReason, OutgoingCall, refused_with

WINDOW_MARGIN = timedelta(seconds=60)
"""A repeat must arrive while the platform still remembers the first one."""

MOST_REPEATS = 12
"""Attempts of a call that may be repeated, and whose answers are lost again and again: about 40 minutes. An outage in
between, in which certainly nothing arrived, ends nothing: only answers that are lost one after another do.
"""
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=10)

BACKED_OFF = (HoldReason.PLATFORM_TROUBLE, HoldReason.RETRYING, HoldReason.RECOVERING)
"""Why a call waits that goes again by `back_off`, and not at a moment of the calendar or of a limit."""

STEPS_ASIDE_EACH = 20
ASIDE = timedelta(seconds=10)
"""A call that the platform was too busy for again and again lets the others try first, now and then: it may be this
call alone that the platform cannot digest."""

FARTHEST_AHEAD = 2 * LONGEST_DELAY
"""No back-off ends farther ahead: such a moment was set by our clock before it was set back."""

NOBODY_VALID = 81013

PASSING = (AppRefused, HttpFailure, NotReached, QuotaExhausted, TokenRefused, TooLate, TryAgain, WaitUntil)
"""Nothing is wrong with what is said: it waits, however long, and the attempt had no effect."""


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


def verdict_of_attempt(
    call: OutgoingCall, failure: WecomError | None, *, uncertain: bool, after_lost: bool = True, now: datetime
) -> Verdict:
    """What an attempt's outcome means. `uncertain`: an earlier attempt may have had its effect. `after_lost`: the one
    right before it may have.

    After an uncertain attempt only a success is believed: a refusal may be the answer to the duplicate.
    """
    if failure is None or (uncertain and _proves_it_was_done(call, failure)):
        return Done()
    if isinstance(failure, OutcomeUnknown | NotUnderstood):
        return _recover(call, failure, now, after_lost=after_lost)
    if isinstance(failure, PASSING):
        return _wait_in_doubt(call, failure, now) if uncertain else _postpone(call, failure, now)
    if uncertain and RECOVERY[call.kind] is Recovery.RESEND_IN_WINDOW:
        return Unknown(failure.last_word)
    return _refused(failure)


def _proves_it_was_done(call: OutgoingCall, failure: WecomError) -> bool:
    return call.kind is CallKind.CARD_UPDATE and errcode_of(failure) == CODE_SPENT


def _recover(call: OutgoingCall, failure: WecomError, now: datetime, *, after_lost: bool) -> Verdict:
    """Decide about an attempt that may have had its effect."""
    at = now + back_off(call.attempts)
    if RECOVERY[call.kind] is Recovery.PARK or is_too_late_to_resend(call, at):
        return Unknown(failure.last_word)
    if RECOVERY[call.kind] is not Recovery.RESEND_IN_WINDOW and after_lost and call.attempts >= MOST_REPEATS:
        return Unknown(failure.last_word)
    return Later(at, HoldReason.RECOVERING, str(failure), uncertain=True)


def _wait_in_doubt(call: OutgoingCall, failure: WecomError, now: datetime) -> Verdict:
    """Decide about an attempt that certainly had no effect, when an earlier one may have had it. What may be repeated,
    or looked at first, waits as any other call does, however long.
    """
    if RECOVERY[call.kind] in {Recovery.REPEAT, Recovery.LOOK_FIRST}:
        wait = _postpone(call, failure, now)
        assert wait.until is not None  # it waits for no other call
        return Later(wait.until, wait.reason, str(failure), uncertain=True)
    at = failure.until if isinstance(failure, WaitUntil | QuotaExhausted) else now + back_off(call.attempts)
    if RECOVERY[call.kind] is Recovery.PARK or is_too_late_to_resend(call, at):
        return Unknown(failure.last_word)
    return Later(at, HoldReason.RECOVERING, str(failure), uncertain=True)


def _postpone(call: OutgoingCall, failure: WecomError, now: datetime) -> Hold:
    """Decide about an attempt that certainly had no effect."""
    errcode = errcode_of(failure)
    if isinstance(failure, WaitUntil):
        return Hold(HoldReason.PLATFORM_LIMIT, failure.until, error=str(failure), errcode=errcode)
    if isinstance(failure, QuotaExhausted):
        if failure.why == TROUBLE:
            return Hold(HoldReason.PLATFORM_TROUBLE, failure.until)
        return Hold(HoldReason.PLATFORM_LIMIT, failure.until, failure.why if failure.why in LIMITS else None)
    until = failure.blocked_until or now + back_off(call.attempts)
    if isinstance(failure, TryAgain) and call.attempts % STEPS_ASIDE_EACH == 0:
        until += ASIDE
    return Hold(HoldReason.PLATFORM_TROUBLE, until, error=str(failure), errcode=errcode)


def _refused(failure: WecomError) -> Failed:
    errcode = errcode_of(failure)
    assert errcode is not None  # everything else is `PASSING` or unknown
    reason = FailReason.INVALID_USER if errcode == NOBODY_VALID else refused_with(errcode)
    return Failed(reason, failure.last_word, errcode)


def back_off(attempts: int) -> timedelta:
    """After the attempt number `attempts` (1 is the first)."""
    doubled: timedelta = FIRST_DELAY * 2 ** min(max(attempts - 1, 0), 12)
    return min(doubled, LONGEST_DELAY)


def is_too_late_to_resend(call: OutgoingCall, at: datetime) -> bool:
    """The platform forgets a message after its duplicate window: from then on a repeat would be a second message.

    When our clock has been set back behind the first attempt, nobody knows how much of the window is left.
    """
    if RECOVERY[call.kind] is not Recovery.RESEND_IN_WINDOW or call.sent_at is None:
        return False
    return at < call.sent_at or at >= call.sent_at + duplicate_window(call) - WINDOW_MARGIN


def is_checked_for_duplicates(call: OutgoingCall) -> bool:
    """A text to people. No two cards look alike: each has a task_id of its own."""
    return call.kind is CallKind.MESSAGE_SEND and call.task_id is None


def duplicate_window(call: OutgoingCall) -> timedelta:
    """As the call's own body states it, whatever the policy says by now."""
    return timedelta(seconds=int(body_of(call).get("duplicate_check_interval", 0)))


def errcode_of(failure: WecomError) -> int | None:
    return failure.errcode if isinstance(failure, WecomRefused) else None
