"""When a message may go, and the moments that a timer's basis stands for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.policy.schema import PolicyDuration
from app.working_days import WorkingCalendar


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
