"""The calendar table (D14), and the deadlines that move along with it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from structlog.testing import capture_logs

from app.audit.actor import SYSTEM
from app.calendar import company_days, move_timers, published_days, service
from app.jobs.timers import set_timer
from app.policy.schema import PolicyDuration
from app.policy.service import Policy
from models.audit import AuditEntry
from models.policy import CalendarDay, Timer
from tests.builders.policy import policy
from tests.fakes.clock import MONDAY_9AM

BEFORE_NATIONAL_DAY = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
"""Wednesday 30 September 2026, 10:00 in Shanghai."""


async def stored(session: AsyncSession, day: date) -> published_days.Day:
    return (await company_days.days_between(session, since=day, until=day))[0]


async def timer(session: AsyncSession, current: Policy, duration: str, start: datetime) -> Timer:
    due_at, basis = await service.deadline(
        session, start=start, duration=PolicyDuration.parse(duration), policy=current
    )
    await set_timer(session, "test.due", duration, due_at, basis=basis)
    return await session.get_one(Timer, ("test.due", duration), populate_existing=True)


async def close(session: AsyncSession, day: date, **facts: Any) -> published_days.Day:
    wanted: dict[str, Any] = {"is_working": False, "note": "公司放假", "actor": SYSTEM, "now": MONDAY_9AM, **facts}
    return await company_days.set_day(session, day=day, **wanted)


class TestFilling:
    """D14: filled from the published holidays for this year and the next."""

    async def test_two_years_are_stored(self, session: AsyncSession) -> None:
        assert await company_days.fill_calendar(session, now=MONDAY_9AM) == 730
        assert (await session.scalars(select(func.count()).select_from(CalendarDay))).one() == 730

    async def test_a_second_run_writes_nothing(self, session: AsyncSession) -> None:
        await company_days.fill_calendar(session, now=MONDAY_9AM)
        assert await company_days.fill_calendar(session, now=MONDAY_9AM) == 0

    async def test_holidays_and_worked_weekends_are_named(self, session: AsyncSession) -> None:
        await company_days.fill_calendar(session, now=MONDAY_9AM)
        assert await stored(session, date(2026, 10, 1)) == published_days.Day(
            date(2026, 10, 1), False, "国庆节", "library"
        )
        assert await stored(session, date(2026, 2, 14)) == published_days.Day(
            date(2026, 2, 14), True, "春节调休上班", "library"
        )

    async def test_a_year_not_published_counts_monday_to_friday_and_is_provisional(self, session: AsyncSession) -> None:
        await company_days.fill_calendar(session, now=MONDAY_9AM)
        new_year = await stored(session, date(2027, 1, 1))
        assert (new_year.is_working, new_year.source) == (True, "provisional")
        assert not (await stored(session, date(2027, 1, 2))).is_working

    async def test_what_a_person_set_is_never_overwritten(self, session: AsyncSession) -> None:
        await close(session, date(2026, 3, 2))
        await company_days.fill_calendar(session, now=MONDAY_9AM)
        assert (await stored(session, date(2026, 3, 2))).source == "company"

    async def test_a_provisional_year_is_replaced_when_it_is_published(self, session: AsyncSession) -> None:
        await company_days.fill_calendar(session, now=MONDAY_9AM)
        row = await session.get_one(CalendarDay, date(2026, 10, 1))
        row.is_working, row.source, row.note = True, "provisional", ""
        await session.flush()
        assert await company_days.fill_calendar(session, now=MONDAY_9AM) == 1
        assert (await stored(session, date(2026, 10, 1))).source == "library"


class TestTimersMoveAlong:
    """D14: timers are recomputed when the calendar changes."""

    @pytest.fixture
    async def current(self, session: AsyncSession) -> Policy:
        return await policy(session)

    async def test_a_deadline_moves_behind_the_holiday_when_the_year_is_published(
        self, session: AsyncSession, current: Policy
    ) -> None:
        due = await timer(session, current, "1wd", BEFORE_NATIONAL_DAY)
        assert due.due_at == datetime(2026, 10, 1, 10, 0, tzinfo=UTC)
        await company_days.fill_calendar(session, now=MONDAY_9AM)
        assert due.due_at == datetime(2026, 10, 8, 10, 0, tzinfo=UTC)

    async def test_a_day_off_moves_it_to_the_next_working_day(self, session: AsyncSession, current: Policy) -> None:
        due = await timer(session, current, "1wd", MONDAY_9AM)
        await close(session, date(2026, 3, 3))
        assert due.due_at == datetime(2026, 3, 4, 10, 0, tzinfo=UTC)

    async def test_a_day_that_becomes_a_working_day_moves_it_forward(
        self, session: AsyncSession, current: Policy
    ) -> None:
        friday_evening = datetime(2026, 3, 6, 9, 50, tzinfo=UTC)
        due = await timer(session, current, "30wm", friday_evening)
        await close(session, date(2026, 3, 7), is_working=True)
        assert due.due_at == datetime(2026, 3, 7, 1, 20, tzinfo=UTC)

    async def test_clock_time_stays(self, session: AsyncSession, current: Policy) -> None:
        due = await timer(session, current, "24h", MONDAY_9AM)
        before = due.due_at
        await close(session, date(2026, 3, 3))
        assert due.due_at == before

    async def test_a_timer_keeps_the_hours_of_the_version_it_names(
        self, session: AsyncSession, current: Policy
    ) -> None:
        due = await timer(session, current, "1wd", MONDAY_9AM)
        await policy(session, working_time__work_end="17:00")
        await close(session, date(2026, 3, 3))
        assert due.due_at == datetime(2026, 3, 4, 10, 0, tzinfo=UTC)

    async def test_what_moved_is_told(self, session: AsyncSession, current: Policy) -> None:
        due = await timer(session, current, "1wd", MONDAY_9AM)
        was = due.due_at
        await company_days._write(session, [published_days.Day(date(2026, 3, 3), False, "", "company")], now=MONDAY_9AM)
        [moved] = await move_timers.recompute_timers(session, now=MONDAY_9AM)
        assert (moved.kind, moved.was_due_at, moved.due_at) == ("test.due", was, due.due_at)
        assert await move_timers.recompute_timers(session, now=MONDAY_9AM) == []

    async def test_what_was_only_looked_at_is_not_in_the_log(self, session: AsyncSession, current: Policy) -> None:
        day = date(2026, 3, 3)
        waiting = await timer(session, current, "2wd", MONDAY_9AM)
        was = waiting.due_at
        with capture_logs() as looked:
            moved = await company_days.would_move(session, day=day, is_working=False, now=MONDAY_9AM)
        with capture_logs() as done:
            await close(session, day)
        assert [one.was_due_at for one in moved] == [was]
        assert (looked, [(line["event"], line["count"]) for line in done]) == ([], [("timers.moved", 1)])


class TestSettingADay:
    """D14: the calendar is edited through `calendar`."""

    async def test_it_counts_from_then_on(self, session: AsyncSession) -> None:
        await close(session, date(2026, 3, 2))
        working = await service.calendar(session, now=MONDAY_9AM, policy=await policy(session))
        assert not working.is_working_day(date(2026, 3, 2))

    async def test_who_did_it_is_in_the_trail(self, session: AsyncSession) -> None:
        await close(session, date(2026, 3, 2))
        entry = (await session.scalars(select(AuditEntry).where(col(AuditEntry.object_kind) == "calendar_day"))).one()
        assert (entry.action, entry.object_id) == ("calendar.changed", "2026-03-02")

    async def test_it_can_be_changed_back(self, session: AsyncSession) -> None:
        await close(session, date(2026, 3, 2))
        await close(session, date(2026, 3, 2), is_working=True, note="")
        assert (await stored(session, date(2026, 3, 2))).is_working
