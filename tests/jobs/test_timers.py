"""Deadlines are rows, claimed against the clock that is passed in (D3)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.jobs.retry import MAX_ATTEMPTS
from app.jobs.timers import cancel_timer, next_due, set_timer, sweep
from models.policy import Timer
from tests.fakes.clock import FakeClock

MINUTE = timedelta(minutes=1)


class Heard:
    """A handler that remembers what fired."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    async def __call__(self, session: AsyncSession, subject: str, now: datetime) -> None:
        self.subjects.append(subject)


async def given_timer(sessions: Sessions, subject: str, due_at: datetime) -> None:
    async with transaction(sessions) as session:
        await set_timer(session, "test.due", subject, due_at)


async def timers(sessions: Sessions) -> list[Timer]:
    async with sessions() as session:
        return list(await session.scalars(select(Timer)))


class TestSweep:
    async def test_what_is_due_fires_and_is_gone(self, sessions: Sessions, clock: FakeClock) -> None:
        heard = Heard()
        await given_timer(sessions, "now", clock.now())
        await given_timer(sessions, "later", clock.now() + MINUTE)
        assert await sweep(sessions, clock, {"test.due": heard}) == 1
        assert heard.subjects == ["now"]
        assert [timer.subject for timer in await timers(sessions)] == ["later"]

    async def test_two_sweeps_at_once_fire_each_timer_once(self, sessions: Sessions, clock: FakeClock) -> None:
        heard = Heard()
        for number in range(20):
            await given_timer(sessions, str(number), clock.now())
        await asyncio.gather(*(sweep(sessions, clock, {"test.due": heard}) for _ in range(4)))
        assert sorted(heard.subjects) == sorted(str(number) for number in range(20))

    async def test_a_handler_may_set_its_own_timer_anew(self, sessions: Sessions, clock: FakeClock) -> None:
        async def again(session: AsyncSession, subject: str, now: datetime) -> None:
            await set_timer(session, "test.due", subject, now + MINUTE)

        await given_timer(sessions, "x", clock.now())
        await sweep(sessions, clock, {"test.due": again})
        (timer,) = await timers(sessions)
        assert timer.due_at == clock.now() + MINUTE

    async def test_a_failing_handler_is_rolled_back_and_tried_again_later(
        self, sessions: Sessions, clock: FakeClock
    ) -> None:
        async def fails(session: AsyncSession, subject: str, now: datetime) -> None:
            await set_timer(session, "test.other", subject, now)
            raise ValueError("no")

        await given_timer(sessions, "x", clock.now())
        assert await sweep(sessions, clock, {"test.due": fails}) == 0
        (timer,) = await timers(sessions)
        assert (timer.kind, timer.attempts) == ("test.due", 1)
        assert timer.due_at > clock.now()

    async def test_a_timer_moved_while_its_handler_failed_keeps_its_new_moment(
        self, sessions: Sessions, clock: FakeClock
    ) -> None:
        tomorrow = clock.now() + timedelta(days=1)

        async def fails(session: AsyncSession, subject: str, now: datetime) -> None:
            # Somebody moves it between the roll-back and the note of the failure: the row is free at that moment.
            await session.rollback()
            await given_timer(sessions, subject, tomorrow)
            raise ValueError("no")

        await given_timer(sessions, "x", clock.now())
        await sweep(sessions, clock, {"test.due": fails})
        (timer,) = await timers(sessions)
        assert (timer.due_at, timer.attempts) == (tomorrow, 0)

    async def test_after_the_last_try_it_is_parked_and_not_lost(self, sessions: Sessions, clock: FakeClock) -> None:
        async def fails(session: AsyncSession, subject: str, now: datetime) -> None:
            raise ValueError("no")

        await given_timer(sessions, "x", clock.now())
        for _ in range(MAX_ATTEMPTS + 2):
            await sweep(sessions, clock, {"test.due": fails})
            clock.advance(timedelta(hours=1))
        (timer,) = await timers(sessions)
        assert timer.attempts == MAX_ATTEMPTS
        assert timer.parked_at is not None


class TestADatabaseThatCannotStore:
    """B6: a full disk, a server without connections, a lock that a frozen process keeps: no try is used up."""

    @pytest.mark.parametrize("sqlstate", ["53100", "53300", "55P03", "25006"])
    async def test_a_timer_waits_and_fires_in_the_end(
        self, sessions: Sessions, clock: FakeClock, sqlstate: str
    ) -> None:
        async def meets_it(session: AsyncSession, subject: str, now: datetime) -> None:
            await session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))

        heard = Heard()
        await given_timer(sessions, "x", clock.now())
        for _ in range(3 * MAX_ATTEMPTS):
            assert await sweep(sessions, clock, {"test.due": meets_it}) == 0
            (timer,) = await timers(sessions)
            assert (timer.attempts, timer.parked_at) == (0, None)
            assert timer.due_at > clock.now()
            assert timer.last_error
            clock.advance(MINUTE)

        assert await sweep(sessions, clock, {"test.due": heard}) == 1

    async def test_a_file_that_is_not_there_says_nothing_of_the_database(
        self, sessions: Sessions, clock: FakeClock
    ) -> None:
        async def looks_for_it(session: AsyncSession, subject: str, now: datetime) -> None:
            raise FileNotFoundError(2, "No such file", "/nowhere")

        await given_timer(sessions, "x", clock.now())
        for _ in range(MAX_ATTEMPTS):
            await sweep(sessions, clock, {"test.due": looks_for_it})
            clock.advance(timedelta(hours=3))
        (timer,) = await timers(sessions)
        assert timer.parked_at is not None

    async def test_a_clock_that_is_set_back_does_not_lengthen_the_wait(
        self, sessions: Sessions, clock: FakeClock
    ) -> None:
        async def full(session: AsyncSession, subject: str, now: datetime) -> None:
            await session.execute(text("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"))

        heard = Heard()
        await given_timer(sessions, "x", clock.now())
        await sweep(sessions, clock, {"test.due": full})
        clock.advance(-timedelta(hours=5))

        assert await sweep(sessions, clock, {"test.due": heard}) == 1


class TestAClockThatIsSetBack:
    """B6: a deadline is an absolute moment, which people have read; a retry is so long after now."""

    async def test_a_deadline_stays_the_moment_that_it_is(self, sessions: Sessions, clock: FakeClock) -> None:
        heard, deadline = Heard(), clock.now() + timedelta(hours=2)
        await given_timer(sessions, "deadline", deadline)
        clock.advance(-timedelta(hours=5))

        clock.advance(timedelta(hours=4))
        assert await sweep(sessions, clock, {"test.due": heard}) == 0
        assert [timer.due_at for timer in await timers(sessions)] == [deadline]
        clock.advance(timedelta(hours=3))
        assert await sweep(sessions, clock, {"test.due": heard}) == 1

    async def test_what_failed_is_tried_again_at_once(self, sessions: Sessions, clock: FakeClock) -> None:
        async def fails(session: AsyncSession, subject: str, now: datetime) -> None:
            raise ValueError("no")

        heard = Heard()
        await given_timer(sessions, "x", clock.now())
        await sweep(sessions, clock, {"test.due": fails})
        clock.advance(-timedelta(hours=5))
        await sweep(sessions, clock, {"test.due": fails})
        (timer,) = await timers(sessions)
        assert timer.attempts == 2
        assert timer.due_at < clock.now() + timedelta(minutes=1)

        clock.advance(MINUTE)
        assert await sweep(sessions, clock, {"test.due": heard}) == 1


class TestSetAndCancel:
    async def test_setting_again_moves_the_one_timer(self, session: AsyncSession, clock: FakeClock) -> None:
        await set_timer(session, "test.due", "x", clock.now())
        await set_timer(session, "test.due", "x", clock.now() + MINUTE)
        assert await next_due(session) == clock.now() + MINUTE

    async def test_a_cancelled_timer_does_not_fire(self, sessions: Sessions, clock: FakeClock) -> None:
        heard = Heard()
        await given_timer(sessions, "x", clock.now())
        async with transaction(sessions) as session:
            await cancel_timer(session, "test.due", "x")
        await sweep(sessions, clock, {"test.due": heard})
        assert heard.subjects == []
