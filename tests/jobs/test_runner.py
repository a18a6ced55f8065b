"""The runner outlives its database, and a shutdown loses no job (D4, F108)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.jobs.job import JobContext, JobFunction
from app.jobs.queue import enqueue
from app.jobs.runner import JobRunner
from app.manifest import Registry
from app.settings import Settings
from app.wecom.errors import NotReached
from tests.fakes.clock import FakeClock


class Bench:
    """A runner with one job, which says when it was begun."""

    def __init__(self, database: str, sessions: Sessions, settings: Settings, job: JobFunction) -> None:
        self._sessions = sessions
        ctx = JobContext(sessions, FakeClock(), cast("Any", None), settings)
        registry = Registry(jobs={"test.job": job})
        self.runner = JobRunner(registry, ctx, database, drain=timedelta(seconds=0.1))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.runner.run())
        try:
            yield task
        finally:
            self.runner.stop()
            await asyncio.wait([task], timeout=20)

    async def ask(self) -> None:
        async with transaction(self._sessions) as session:
            await enqueue(session, "test.job", {})

    async def statuses(self) -> list[str]:
        async with self._sessions() as session:
            return list((await session.execute(text("SELECT status::text FROM pgqueuer"))).scalars())

    async def break_connections(self) -> None:
        """What a restarting server does to everybody who is connected."""
        async with self._sessions() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )


async def within(seconds: float, event: asyncio.Event) -> None:
    async with asyncio.timeout(seconds):
        await event.wait()


class TestShutdown:
    async def test_a_job_that_is_cut_off_is_given_back(
        self, database: str, sessions: Sessions, settings: Settings
    ) -> None:
        begun = asyncio.Event()

        async def endless(_ctx: JobContext, _payload: dict[str, Any]) -> None:
            begun.set()
            await asyncio.Event().wait()

        bench = Bench(database, sessions, settings, endless)
        async with bench.running() as task:
            await bench.ask()
            await within(20, begun)
            bench.runner.stop()
            async with asyncio.timeout(20):
                await task

        assert await bench.statuses() == ["queued"]


class TestDatabaseAway:
    async def test_jobs_are_worked_off_again_once_the_database_is_back(
        self, database: str, sessions: Sessions, settings: Settings
    ) -> None:
        begun = asyncio.Event()

        async def note(_ctx: JobContext, _payload: dict[str, Any]) -> None:
            begun.set()

        bench = Bench(database, sessions, settings, note)
        async with bench.running() as task:
            await bench.ask()
            await within(20, begun)
            begun.clear()
            for _ in range(3):
                await bench.break_connections()
                await asyncio.sleep(0.2)
            await bench.ask()
            waiting = asyncio.create_task(within(180, begun))
            await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)

            assert not task.done(), task
            await waiting

    async def test_a_job_whose_connection_breaks_begins_again_without_losing_a_try(
        self, database: str, sessions: Sessions, settings: Settings
    ) -> None:
        attempts: list[int] = []
        done = asyncio.Event()

        async def cut_off_once(ctx: JobContext, _payload: dict[str, Any]) -> None:
            async with transaction(ctx.sessions) as session:
                row = await session.execute(text("SELECT attempts FROM pgqueuer"))
                attempts.append(row.scalar_one())
                if len(attempts) == 1:
                    await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            done.set()

        bench = Bench(database, sessions, settings, cut_off_once)
        async with bench.running():
            await bench.ask()
            await within(60, done)
        assert attempts == [0, 0]


class TestTries:
    async def test_neither_waits_nor_a_deadlock_use_one_up_and_who_has_none_left_is_given_up(
        self, database: str, sessions: Sessions, settings: Settings
    ) -> None:
        runs = itertools.count(1)

        async def in_trouble(ctx: JobContext, _payload: dict[str, Any]) -> None:
            match next(runs):
                case 1 | 2:
                    raise NotReached("user/get", "ConnectError")
                case 3:
                    async with transaction(ctx.sessions) as session:
                        await session.execute(text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))
                case 4:
                    async with transaction(ctx.sessions) as session:
                        await session.execute(text("UPDATE pgqueuer SET attempts = attempts + 7"))
            raise ValueError("in earnest")

        bench = Bench(database, sessions, settings, in_trouble)
        async with bench.running():
            await bench.ask()
            for _ in range(600):
                if await bench.statuses() == ["failed"]:
                    break
                await asyncio.sleep(0.1)
        async with sessions() as session:
            found = "SELECT attempts, headers ->> 'waits', headers ->> 'given_up' FROM pgqueuer"
            row = (await session.execute(text(found))).one()
        assert row == (2 + 7 + 1, "2", "true"), "waits, tries as if there had been seven, the try before the last"
        assert next(runs) == 6


class TestAClockThatIsSetBack:
    """B6: what was to come so long after a moment that is still to come is reckoned as at a start."""

    async def test_every_domain_looks_as_at_a_start(
        self, database: str, sessions: Sessions, settings: Settings
    ) -> None:
        clock, looked = FakeClock(), asyncio.Event()
        began = clock.now()

        async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:
            assert now < began
            looked.set()

        ctx = JobContext(sessions, clock, cast("Any", None), settings)
        runner = JobRunner(Registry(start_up=(start_up,)), ctx, database, drain=timedelta(seconds=0.1))
        task = asyncio.create_task(runner.run())
        try:
            await asyncio.sleep(1)
            assert not looked.is_set(), "a clock that goes its way is no reason"
            clock.advance(-timedelta(hours=3))
            await within(30, looked)
        finally:
            runner.stop()
            await asyncio.wait([task], timeout=20)
