"""When a message may go: working hours, the rest period, and the moment of its release (policy 3.4, F62).

Asked in the transaction that claims the call, of the policy in force at that moment (D11).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import service as calendars
from app.ledger import queries
from app.ledger.rules import Hold
from app.policy import service as policies
from app.policy.sections.delivery import DeliveryRule, Hours
from app.policy.sections.working_time import TimeSpan, within
from app.working_time import WorkingCalendar
from models.delivery import CallKind, HoldReason, OutgoingCall

_SPEAKS = frozenset({CallKind.MESSAGE_SEND, CallKind.APPCHAT_SEND})
"""Calls that make a phone ring: only these have hours."""


async def outside_hours(session: AsyncSession, call: OutgoingCall, *, now: datetime) -> Hold | None:
    """The hold of a message that may not go at this hour (policy 3.4), until the moment it may."""
    if call.kind not in _SPEAKS or call.message_id is None:
        return None
    message = await queries.get_message(session, call.message_id)
    assert message is not None  # a foreign key
    policy = await policies.in_force(session, now=now)
    moment = next_allowed_moment(
        now,
        message_class=message.message_class,
        delivery=policy.document.delivery,
        calendar=await calendars.calendar(session, now=now, policy=policy),
        # The call's own luck: asked again, it answers the same.
        rng=Random(call.id.int),  # noqa: S311 -- spreads load, keeps no secret
    )
    return Hold(HoldReason.QUIET_HOURS, moment) if moment > now else None


async def allowed_from(session: AsyncSession, message_class: str, *, now: datetime) -> datetime:
    """When what falls due now may be said: at once, or from the end of the rest period. All that falls due in one
    rest period gets the same moment, so that it can be said together.
    """
    policy = await policies.in_force(session, now=now)
    return next_allowed_moment(
        now,
        message_class=message_class,
        delivery=policy.document.delivery,
        calendar=await calendars.calendar(session, now=now, policy=policy),
        rng=Random(policy.id.int),  # noqa: S311 -- spreads load, keeps no secret
    )


MARKS = frozenset({0, 30})
"""The minutes of the hour at which everybody's timers go off (F62)."""


# Quiet time and working time may alternate around a holiday; each round passes at least one boundary.
_ROUNDS = 400


def next_allowed_moment(
    now: datetime, *, message_class: str, delivery: DeliveryRule, calendar: WorkingCalendar, rng: Random
) -> datetime:
    """When a message of this class may go (3.4, F62): `now` itself when it may go at once.

    Otherwise the moment of its release: the beginning of the next allowed hours, plus jitter, and never in the
    minutes :00 and :30 when the policy avoids them. Draw once and keep it: each call draws a new jitter.
    """
    hours = delivery.hours_of(message_class)
    opening = _opening(now, hours=hours, quiet=delivery.quiet, calendar=calendar)
    if opening == now:
        return now
    release = opening + timedelta(seconds=rng.uniform(0, delivery.jitter_seconds))
    if delivery.avoid_marks and calendar.local(release).minute in MARKS:
        release += timedelta(minutes=1)
    return release.astimezone(UTC)


def _opening(now: datetime, *, hours: Hours, quiet: TimeSpan | None, calendar: WorkingCalendar) -> datetime:
    moment = now
    for _ in range(_ROUNDS):
        allowed = moment
        if quiet is not None and hours is not Hours.ANY:
            allowed = _end_of_quiet(allowed, quiet=quiet, calendar=calendar)
        if hours is Hours.WORK:
            allowed = calendar.next_allowed(allowed)
        if allowed == moment:
            return moment
        moment = allowed
    # No working time outside of the rest period in more than a year: the schema refuses such hours.
    return calendar.next_allowed(now)


def _end_of_quiet(moment: datetime, *, quiet: TimeSpan, calendar: WorkingCalendar) -> datetime:
    """The moment itself, or the end of the rest period that it lies in."""
    local = calendar.local(moment)
    if not within(local.time(), quiet):
        return moment
    day = local.date()
    if quiet.start > quiet.end and local.time() >= quiet.start:
        day += timedelta(days=1)
    return datetime.combine(day, quiet.end, calendar.timezone).astimezone(UTC)
