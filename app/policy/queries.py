"""Every SELECT of the policy, by intention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.policy import CalendarDay, PolicyVersion, Timer

VERSIONS_LOCK = 0x90_11C1
"""Advisory lock: one new version at a time, so that numbers have no gaps and two starting replicas make one."""

CALENDAR_LOCK = 0xCA1E


async def id_in_force(session: AsyncSession, *, now: datetime) -> UUID | None:
    """The newest version whose day has come. A later version replaces all earlier ones, scheduled ones included."""
    statement = (
        select(col(PolicyVersion.id))
        .where(col(PolicyVersion.effective_at) <= now)
        .order_by(col(PolicyVersion.number).desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def version(session: AsyncSession, version_id: UUID) -> PolicyVersion | None:
    return await session.get(PolicyVersion, version_id)


async def version_numbered(session: AsyncSession, number: int) -> PolicyVersion | None:
    return (await session.scalars(select(PolicyVersion).where(col(PolicyVersion.number) == number))).one_or_none()


async def newest_version(session: AsyncSession) -> PolicyVersion | None:
    return (await session.scalars(select(PolicyVersion).order_by(col(PolicyVersion.number).desc()).limit(1))).first()


def all_versions() -> Select[PolicyVersion]:
    return select(PolicyVersion)


async def lock_versions(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": VERSIONS_LOCK})


async def lock_calendar(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CALENDAR_LOCK})


async def exceptional_days(session: AsyncSession, *, since: date) -> dict[date, bool]:
    """The days that are not what their weekday says: holidays, worked weekends. Some thirty a year."""
    weekday = func.extract("isodow", col(CalendarDay.day))
    statement = select(col(CalendarDay.day), col(CalendarDay.is_working)).where(
        col(CalendarDay.day) >= since,
        or_(
            (col(CalendarDay.is_working).is_(True)) & (weekday >= 6),  # noqa: PLR2004 -- ISO: Saturday is 6
            (col(CalendarDay.is_working).is_(False)) & (weekday < 6),  # noqa: PLR2004
        ),
    )
    return {row.day: row.is_working for row in await session.execute(statement)}


async def calendar_days(session: AsyncSession, *, since: date, until: date) -> Sequence[CalendarDay]:
    statement = select(CalendarDay).where(col(CalendarDay.day).between(since, until)).order_by(col(CalendarDay.day))
    # The table is written by upserts that go past the session: rows read before are read anew.
    return (await session.scalars(statement, execution_options={"populate_existing": True})).all()


async def movable_timers_for_update(session: AsyncSession) -> Sequence[Timer]:
    """Timers computed from the calendar that have not begun to fire. One being fired is skipped: it is late already,
    and waiting for it could wait in a circle.
    """
    statement = (
        select(Timer)
        .where(col(Timer.basis).is_not(None), col(Timer.parked_at).is_(None), col(Timer.attempts) == 0)
        .order_by(col(Timer.kind), col(Timer.subject))
        .with_for_update(key_share=True, skip_locked=True)
    )
    return (await session.scalars(statement)).all()
