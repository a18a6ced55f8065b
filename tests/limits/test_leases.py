"""API quota in blocks: shared by processes, small near the end, and given back by nobody who may have used it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.database import Sessions, transaction
from app.limits import numbers
from app.limits.api_frequency import Admission
from app.limits.breaker import Exhausted
from app.limits.usage.leases import Leases
from tests.fakes.clock import FakeClock

PATH = "user/list"


async def limit_to(sessions: Sessions, clock: FakeClock, most: int) -> None:
    async with transaction(sessions) as session:
        await numbers.change(session, "api.corp.minute", now=clock.now(), most=most)


async def take_all(leases: Leases) -> int:
    taken = 0
    while True:
        try:
            await leases.take(PATH, "app")
        except Exhausted:
            return taken
        taken += 1


class TestBlocks:
    async def test_processes_together_never_have_more_than_the_limit(
        self, sessions: Sessions, clock: FakeClock
    ) -> None:
        await limit_to(sessions, clock, 50)
        processes = [Leases(sessions, clock) for _ in range(4)]
        assert sum(await asyncio.gather(*(take_all(process) for process in processes))) == 50
        clock.advance(timedelta(seconds=60))
        assert sum(await asyncio.gather(*(take_all(process) for process in processes))) == 0
        clock.advance(timedelta(seconds=3))
        assert sum(await asyncio.gather(*(take_all(process) for process in processes))) == 50

    async def test_the_database_is_asked_once_for_many_calls(self, sessions: Sessions, clock: FakeClock) -> None:
        leases, statements = Leases(sessions, clock), 0
        engine = sessions.kw["bind"].sync_engine

        def count(*_: object) -> None:
            nonlocal statements
            statements += 1

        event.listen(engine, "before_cursor_execute", count)
        for _ in range(3000):
            await leases.take(PATH, "app")
        event.remove(engine, "before_cursor_execute", count)
        assert 3000 / statements > 50

    async def test_what_is_not_spent_in_its_second_counts_as_used(self, sessions: Sessions, clock: FakeClock) -> None:
        await limit_to(sessions, clock, 8)
        assert await Leases(sessions, clock).take(PATH, "app")  # and dies with the rest of its block
        clock.advance(timedelta(seconds=2))
        assert await take_all(Leases(sessions, clock)) == 6

    async def test_a_call_that_took_long_counts_from_its_end(self, sessions: Sessions, clock: FakeClock) -> None:
        await limit_to(sessions, clock, 1)
        leases = Leases(sessions, clock)
        unit = await leases.take(PATH, "app")
        assert unit is not None
        clock.advance(timedelta(seconds=30))
        await leases.finish(unit)
        clock.advance(timedelta(seconds=59))
        assert await take_all(leases) == 0
        clock.advance(timedelta(seconds=2))
        assert await take_all(leases) == 1

    async def test_a_call_never_sent_is_not_counted(self, sessions: Sessions, clock: FakeClock) -> None:
        await limit_to(sessions, clock, 1)
        leases = Leases(sessions, clock)
        unit = await leases.take(PATH, "app")
        assert unit is not None
        leases.hand_back(unit)
        assert await take_all(leases) == 1

    async def test_a_change_of_the_limit_holds_for_the_next_block(self, sessions: Sessions, clock: FakeClock) -> None:
        await limit_to(sessions, clock, 0)
        with pytest.raises(Exhausted) as exhausted:
            await Leases(sessions, clock).take(PATH, "app")
        assert exhausted.value.why == "api.corp.minute"
        await limit_to(sessions, clock, 5)
        assert await take_all(Leases(sessions, clock)) == 5


class TestWaiting:
    async def test_a_read_waits_for_its_turn_and_may_be_cancelled(self, sessions: Sessions, clock: FakeClock) -> None:
        await limit_to(sessions, clock, 1)
        admission = Admission(sessions, clock)
        await admission.admit(PATH, "app", waits=True)
        patient = asyncio.create_task(admission.admit(PATH, "app", waits=True))
        given_up = asyncio.create_task(admission.admit(PATH, "app", waits=True))
        await asyncio.sleep(0.05)
        assert not patient.done()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        clock.advance(timedelta(seconds=64))
        assert (await patient).unit is not None

    async def test_a_write_does_not_wait(self, sessions: Sessions, clock: FakeClock) -> None:
        await limit_to(sessions, clock, 1)
        admission = Admission(sessions, clock)
        await admission.admit(PATH, "app", waits=False)
        with pytest.raises(Exhausted) as exhausted:
            await admission.admit(PATH, "app", waits=False)
        assert clock.now() < exhausted.value.until <= clock.now() + timedelta(seconds=64)

    async def test_sending_messages_takes_nothing_of_it(self, sessions: Sessions, clock: FakeClock) -> None:
        assert (await Admission(sessions, clock).admit("message/send", "app", waits=False)).unit is None
