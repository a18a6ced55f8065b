"""The table of working days (D14): filled from the published holidays, edited by people, timers moved along with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.calendar import deadlines, queries
from app.calendar.move_timers import MovedTimer, recompute_timers
from app.calendar.published_days import COMPANY, Day, published_day
from app.events.service import catalogue, publish
from app.observability import get_logger
from app.working_time import ONE_DAY, SATURDAY
from models.policy import CalendarDay

log = get_logger()


async def fill_calendar(session: AsyncSession, *, now: datetime) -> int:
    """Store this and the next year as published. Days set by a person stay. Returns how many days were written.

    When a stored day changes its mind (a year was published since), timers are computed again.
    """
    await queries.lock_calendar(session)
    year = now.astimezone(deadlines.timezone_of(session)).year
    since, until = date(year, 1, 1), date(year + 1, 12, 31)
    stored = {row.day: row for row in await queries.calendar_days(session, since=since, until=until)}
    published = [published_day(day) for day in _days(since, until)]
    changed = [day for day in published if _differs(stored.get(day.day), day)]
    await _write(session, changed, now=now)
    if any(_counts_differently(stored.get(day.day), day) for day in changed):
        await _move_timers(session, now=now)
    return len(changed)


async def set_day(session: AsyncSession, *, day: date, is_working: bool, note: str, actor: Actor, now: datetime) -> Day:
    """Make a day a working day or a day off for the company; it wins over the published calendar for good."""
    await queries.lock_calendar(session)
    before = (await days_between(session, since=day, until=day))[0]
    wanted = Day(day, is_working, note, COMPANY)
    await _write(session, [wanted], now=now)
    changed = catalogue.CalendarChanged(day=day, is_working=is_working)
    await publish(session, changed, Why(actor), now=now, details={"before": before.is_working, "note": note})
    if before.is_working != is_working:
        await _move_timers(session, now=now)
    return wanted


async def would_move(session: AsyncSession, *, day: date, is_working: bool, now: datetime) -> list[MovedTimer]:
    """What `set_day` would move, the earliest first. Nothing of it is kept."""
    savepoint = await session.begin_nested()
    try:
        await _write(session, [Day(day, is_working, "", COMPANY)], now=now)
        return sorted(await recompute_timers(session, now=now), key=lambda moved: moved.was_due_at)
    finally:
        await savepoint.rollback()


async def _move_timers(session: AsyncSession, *, now: datetime) -> None:
    """Said in the log here: what `would_move` computes has not happened."""
    if moved := await recompute_timers(session, now=now):
        log.info("timers.moved", count=len(moved))


async def days_between(session: AsyncSession, *, since: date, until: date) -> list[Day]:
    """Every day of the span; days beyond the table are what would be stored of them."""
    rows = {row.day: row for row in await queries.calendar_days(session, since=since, until=until)}
    return [_stored(rows[day]) if day in rows else published_day(day) for day in _days(since, until)]


async def _write(session: AsyncSession, days: list[Day], *, now: datetime) -> None:
    if not days:
        return
    rows = [
        {"day": day.day, "is_working": day.is_working, "note": day.note, "source": day.source, "updated_at": now}
        for day in days
    ]
    # One small statement for all rows: one that spells out two years of days takes a quarter of a second to build.
    statement = insert(CalendarDay)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "day"}
    await session.execute(statement.on_conflict_do_update(index_elements=["day"], set_=changed), rows)


def _days(since: date, until: date) -> Iterator[date]:
    return (since + timedelta(days=offset) for offset in range((until - since) // ONE_DAY + 1))


def _stored(row: CalendarDay) -> Day:
    return Day(row.day, row.is_working, row.note, row.source)


def _differs(stored: CalendarDay | None, published: Day) -> bool:
    if stored is None:
        return True
    return stored.source != COMPANY and _stored(stored) != published


def _counts_differently(stored: CalendarDay | None, published: Day) -> bool:
    """A day that was not stored counted Monday to Friday."""
    before = stored.is_working if stored else published.day.weekday() < SATURDAY
    return before != published.is_working
