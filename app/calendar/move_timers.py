"""Waiting timers move along when the calendar changes (D14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import deadlines, queries, rules
from app.calendar.rules import Basis
from app.policy import service
from app.working_time import WorkingCalendar
from models.ids import PolicyVersionId


@dataclass(frozen=True, slots=True)
class MovedTimer:
    kind: str
    subject: str
    was_due_at: datetime
    due_at: datetime


async def recompute_timers(session: AsyncSession, *, now: datetime) -> list[MovedTimer]:
    """Compute again every waiting timer that was computed from the calendar, under the policy version it names."""
    calendars: dict[str, WorkingCalendar] = {}
    moved = []
    for timer in await queries.movable_timers_for_update(session):
        basis = Basis.model_validate(timer.basis)
        version = basis.policy_version_id
        if version not in calendars:
            calendars[version] = await _calendar_under(session, version, now=now)
        due_at = rules.moment_of(basis, calendar=calendars[version])
        if due_at != timer.due_at:
            moved.append(MovedTimer(timer.kind, timer.subject, timer.due_at, due_at))
            timer.due_at = due_at
    await session.flush()
    return moved


async def _calendar_under(session: AsyncSession, version: str, *, now: datetime) -> WorkingCalendar:
    if version:
        policy = await service.get(session, PolicyVersionId(UUID(version)))
    else:
        policy = await service.in_force(session, now=now)
    return await deadlines.calendar(session, now=now, policy=policy)
