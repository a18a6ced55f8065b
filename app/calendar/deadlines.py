"""Deadlines and reminders in working time, with the basis by which the calendar may move them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import queries, rules
from app.calendar.rules import Basis
from app.policy.schema import PolicyDuration
from app.policy.service import Policy
from app.working_time import SHANGHAI, WorkingCalendar


def timezone_of(session: AsyncSession) -> ZoneInfo:
    """The setting TIMEZONE, which bootstrap gives to every session (`info={"timezone": ZoneInfo(…)}`)."""
    zone: ZoneInfo = session.info.get("timezone", SHANGHAI)
    return zone


async def calendar(session: AsyncSession, *, now: datetime, policy: Policy) -> WorkingCalendar:
    """The working calendar around `now`, with the working hours of this version."""
    exceptions = await queries.exceptional_days(session, since=now.date() - timedelta(days=366))
    return WorkingCalendar(exceptions, policy.document.working_time.as_hours(), timezone_of(session))


async def deadline(
    session: AsyncSession, *, start: datetime, duration: PolicyDuration, policy: Policy
) -> tuple[datetime, Basis | None]:
    """When `duration` from `start` is over, and the basis to give to `set_timer` so that the calendar may move it."""
    working = await calendar(session, now=start, policy=policy)
    basis = rules.basis_of(start, duration, before=None, policy_version_id=policy.id)
    return working.deadline(start, duration), basis


async def reminder(
    session: AsyncSession,
    *,
    due_at: datetime,
    before: PolicyDuration,
    policy: Policy,
    due_basis: Basis | None = None,
) -> tuple[datetime, Basis | None]:
    """The moment `before` a deadline, and its basis. With the deadline's own basis the reminder moves along with it."""
    working = await calendar(session, now=due_at, policy=policy)
    if due_basis is not None:
        return working.before(due_at, before), due_basis.ahead(before)
    return working.before(due_at, before), rules.basis_of(due_at, None, before=before, policy_version_id=policy.id)
