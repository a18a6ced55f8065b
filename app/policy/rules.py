"""When a message may go, and the moments that a timer's basis stands for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from app.policy.schema import DeliveryRule, Hours, PolicyDuration, TimeSpan, within
from app.working_days import WorkingCalendar

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


def basis_of(
    start: datetime, duration: PolicyDuration | None, *, before: PolicyDuration | None, policy_version_id: object
) -> dict[str, Any] | None:
    """How a moment was computed, for `timers.basis`; None when no calendar took part in it."""
    if not any(part is not None and part.working for part in (duration, before)):
        return None
    basis: dict[str, Any] = {"from": start.astimezone(UTC).isoformat(), "policy_version_id": str(policy_version_id)}
    if duration is not None and duration.is_working_days:
        basis["working_days"] = duration.amount
    elif duration is not None and duration.working:
        basis["working_seconds"] = int(duration.length.total_seconds())
    elif duration is not None:
        basis["seconds"] = int(duration.length.total_seconds())
    if before is not None:
        basis["before"] = str(before)
    return basis


def moment_of(basis: Mapping[str, Any], *, calendar: WorkingCalendar) -> datetime:
    """The moment that a basis stands for under this calendar."""
    moment = datetime.fromisoformat(basis["from"])
    if "working_days" in basis:
        moment = calendar.add_working_days(moment, basis["working_days"])
    elif "working_seconds" in basis:
        moment = calendar.add_working(moment, timedelta(seconds=basis["working_seconds"]))
    elif "seconds" in basis:
        moment += timedelta(seconds=basis["seconds"])
    if "before" in basis:
        moment = calendar.before(moment, PolicyDuration.parse(basis["before"]))
    return moment.astimezone(UTC)
