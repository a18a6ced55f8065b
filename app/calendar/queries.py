"""Every SELECT of the working calendar, by intention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.policy import CalendarDay, Timer

CALENDAR_LOCK = 0xCA1E


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
        .where(col(Timer.basis).is_not(None), col(Timer.parked_at).is_(None), col(Timer.last_error).is_(None))
        .order_by(col(Timer.kind), col(Timer.subject))
        .with_for_update(key_share=True, skip_locked=True)
    )
    return (await session.scalars(statement)).all()
