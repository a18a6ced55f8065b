"""The moments that a timer's basis stands for. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from app.policy.schema import PolicyDuration
from app.working_time import WorkingCalendar


class Basis(BaseModel):
    """How a moment was computed (`timers.basis`): from a start, over at most one duration, and then back by `before`.

    Only what was set is stored.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    start: datetime = Field(alias="from")
    policy_version_id: str = ""
    """The version whose working hours count; empty for the one in force."""
    working_days: int | None = None
    working_seconds: int | None = None
    seconds: int | None = None
    before: str | None = None
    """A duration as the policy writes it."""

    @field_serializer("start")
    def _as_iso(self, start: datetime) -> str:
        return start.isoformat()

    def ahead(self, before: PolicyDuration) -> Basis:
        """The basis of a moment so long before this one."""
        return self.model_copy(update={"before": str(before)})


def basis_of(
    start: datetime, duration: PolicyDuration | None, *, before: PolicyDuration | None, policy_version_id: object
) -> Basis | None:
    """How a moment was computed, for `timers.basis`; None when no calendar took part in it."""
    if not any(part is not None and part.working for part in (duration, before)):
        return None
    basis = Basis(start=start.astimezone(UTC), policy_version_id=str(policy_version_id))
    if duration is not None:
        basis = basis.model_copy(update=_over(duration))
    return basis if before is None else basis.ahead(before)


def _over(duration: PolicyDuration) -> dict[str, int]:
    if duration.is_working_days:
        return {"working_days": duration.amount}
    return {"working_seconds" if duration.working else "seconds": int(duration.length.total_seconds())}


def moment_of(basis: Basis, *, calendar: WorkingCalendar) -> datetime:
    """The moment that a basis stands for under this calendar."""
    moment = basis.start
    if basis.working_days is not None:
        moment = calendar.add_working_days(moment, basis.working_days)
    elif basis.working_seconds is not None:
        moment = calendar.add_working(moment, timedelta(seconds=basis.working_seconds))
    elif basis.seconds is not None:
        moment += timedelta(seconds=basis.seconds)
    if basis.before is not None:
        moment = calendar.before(moment, PolicyDuration.parse(basis.before))
    return moment.astimezone(UTC)
