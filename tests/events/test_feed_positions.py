"""D23, F189: positions are given after the commit by one writer, so that a cursor never skips."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from app.database import Sessions, create_engine, create_sessions, transaction
from app.events.errors import EventsGone, FeedHeadMissing
from app.events.jobs import PRUNE, prune_events
from app.events.service import PositionWriter, give_positions, prune
from app.jobs.job import JobContext, Nothing
from app.settings import Settings
from app.worker import work
from models.events import EventHead, PublishedEvent
from tests.events.happenings import given, say, seen
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.web.conftest import Desk

DAY = timedelta(days=1)


class TestNothingIsSkipped:
    async def test_of_two_overlapping_transactions_the_earlier_numbered_may_commit_last(
        self, sessions: Sessions
    ) -> None:
        """Whoever has seen position n has seen all before it."""
        writer = PositionWriter(sessions)
        async with sessions() as slow, slow.begin():
            await say(slow, 1)
            async with transaction(sessions) as quick:
                await say(quick, 2)
            await writer.place_all()
            assert await seen(sessions) == [(1, 2)]  # a reader is at 1 now; the smaller id is not committed yet

        await writer.place_all()

        assert await ids_by_position(sessions) == [2, 1]
        assert await seen(sessions, after=1) == [(2, 1)]

    async def test_a_reader_that_follows_sees_everything_once_and_in_order(self, sessions: Sessions) -> None:
        """Many writers that commit in whatever order, one reader that only remembers its position."""
        stop, writer, found = asyncio.Event(), PositionWriter(sessions), list[int]()

        async def write(number: int) -> None:
            async with transaction(sessions) as session:
                await say(session, number)
                await asyncio.sleep((number * 7 % 10) / 100)

        async def follow() -> None:
            after = 0
            while len(found) < 40:
                for position, number in await seen(sessions, after):
                    assert position == after + 1
                    after = position
                    found.append(number)
                await asyncio.sleep(0)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            running = group.create_task(writer.run(stop))
            following = group.create_task(follow())
            for start in range(0, 40, 8):
                await asyncio.gather(*(write(number) for number in range(start, start + 8)))
            await following
            stop.set()
            await running

        assert sorted(found) == list(range(40))

    async def test_what_is_not_committed_has_no_place(self, sessions: Sessions) -> None:
        async with sessions() as open_one, open_one.begin():
            await say(open_one, 1)
            assert await PositionWriter(sessions).place_all() == 0


class TestNoGapsNoDoubles:
    async def test_several_writers_at_once(self, database: str, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await say(session, *range(60))
        engine = create_engine(database)
        others = create_sessions(engine)

        async def place(number: int) -> int:
            async with transaction(sessions if number % 2 else others) as session:
                return await give_positions(session, limit=7)

        placed = await asyncio.gather(*(place(number) for number in range(12)))
        await engine.dispose()

        assert sum(placed) == 60
        assert [position for position, _ in await seen(sessions)] == list(range(1, 61))
        assert [number for _, number in await seen(sessions)] == list(range(60))

    async def test_what_is_rolled_back_leaves_no_hole(self, sessions: Sessions) -> None:
        await given(sessions, 1)
        with pytest.raises(DBAPIError):
            await _say_and_lose_the_connection(sessions)
        await given(sessions, 3)
        assert await seen(sessions) == [(1, 1), (2, 3)]

    async def test_a_writer_that_is_cut_off_gives_its_positions_back(self, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await say(session, 1, 2)
        with pytest.raises(DBAPIError):
            await _place_and_lose_the_connection(sessions)
        assert await seen(sessions) == []
        await PositionWriter(sessions).place_all()
        assert await seen(sessions) == [(1, 1), (2, 2)]

    async def test_without_its_head_the_feed_stands_still(self, sessions: Sessions) -> None:
        """Starting anew would give positions twice."""
        await given(sessions, 1)
        async with transaction(sessions) as session:
            await session.execute(delete(EventHead))
        async with transaction(sessions) as session:
            await say(session, 2)
        with pytest.raises(FeedHeadMissing):
            await PositionWriter(sessions).place_all()


class TestTheLoop:
    async def test_it_survives_a_database_that_ends_its_connections(self, sessions: Sessions) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(PositionWriter(sessions).run(stop))
        for number in range(3):
            await _break_connections(sessions)
            async with transaction(sessions) as session:
                await say(session, number)
        async with asyncio.timeout(60):
            while len(await seen(sessions)) < 3:  # noqa: ASYNC110 -- the loop tells nobody but the database
                await asyncio.sleep(0.05)
        stop.set()
        async with asyncio.timeout(60):
            await running

    async def test_it_waits_for_a_database_that_is_not_there(self) -> None:
        engine = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
        stop = asyncio.Event()
        running = asyncio.create_task(PositionWriter(create_sessions(engine)).run(stop))
        await asyncio.sleep(0.6)
        assert not running.done()
        stop.set()
        async with asyncio.timeout(60):
            await running

    async def test_a_worker_runs_it(self, desk: Desk) -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(work(desk.services, stop))
        async with transaction(desk.sessions) as session:
            await say(session, 7)
        async with asyncio.timeout(60):
            while 7 not in [number for _, number in await seen(desk.sessions, after=None)]:  # noqa: ASYNC110 -- as above
                await asyncio.sleep(0.05)
        stop.set()
        async with asyncio.timeout(60):
            await working

    async def test_whoever_listens_hears_that_the_feed_has_grown(self, sessions: Sessions) -> None:
        heard = asyncio.Event()
        async with sessions() as session:
            connection = (await (await session.connection()).get_raw_connection()).driver_connection
            assert connection is not None
            await connection.add_listener("events", lambda *_: heard.set())
            await given(sessions, 1)
            async with asyncio.timeout(60):
                await heard.wait()
            await connection.reset(timeout=5)


class TestRetention:
    async def test_old_events_go_and_positions_never_start_again(self, sessions: Sessions) -> None:
        await given(sessions, 1, 2, now=MONDAY_9AM)
        assert await pruned(sessions, MONDAY_9AM + DAY) == 2
        assert await seen(sessions, after=2) == []
        await given(sessions, 3)
        assert await seen(sessions, after=None) == [(3, 3)]

    async def test_only_from_the_beginning_so_that_no_hole_looks_like_nothing(self, sessions: Sessions) -> None:
        """An old event behind a young one: its transaction took long."""
        await given(sessions, 1, now=MONDAY_9AM)
        await given(sessions, 2, now=MONDAY_9AM + 2 * DAY)
        await given(sessions, 3, now=MONDAY_9AM)
        assert await pruned(sessions, MONDAY_9AM + DAY) == 1
        assert await seen(sessions, after=1) == [(2, 2), (3, 3)]

    async def test_what_has_no_place_yet_is_not_deleted(self, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await say(session, 1)
        assert await pruned(sessions, MONDAY_9AM + DAY) == 0
        await PositionWriter(sessions).place_all()
        assert await seen(sessions) == [(1, 1)]

    async def test_a_reader_who_comes_too_late_is_told(self, sessions: Sessions) -> None:
        await given(sessions, 1, 2, 3)
        await pruned(sessions, MONDAY_9AM + DAY, limit=2)
        with pytest.raises(EventsGone, match="updated_since") as gone:
            await seen(sessions, after=1)
        assert gone.value.facts == {"oldest": 3, "resume_after": 2}
        assert await seen(sessions, after=2) == [(3, 3)]

    async def test_the_daily_job_keeps_what_the_setting_says(
        self, sessions: Sessions, settings: Settings, clock: FakeClock
    ) -> None:
        assert settings.events_kept == 90 * DAY
        await given(sessions, 1, now=MONDAY_9AM - 91 * DAY)
        await given(sessions, 2, now=MONDAY_9AM - 89 * DAY)
        await prune_events(JobContext(sessions, clock, None, settings), Nothing())  # type: ignore[arg-type]  # no platform
        assert await seen(sessions, after=None) == [(2, 2)]
        assert PRUNE.name == "events.prune"


async def pruned(sessions: Sessions, before: datetime, limit: int = 5000) -> int:
    async with transaction(sessions) as session:
        return await prune(session, before=before, limit=limit)


async def ids_by_position(sessions: Sessions) -> list[int]:
    """The rank of each row's id, in the order of the positions."""
    rank = func.rank().over(order_by=col(PublishedEvent.id))
    async with sessions() as session:
        return list(await session.scalars(select(rank).order_by(col(PublishedEvent.position))))


async def _say_and_lose_the_connection(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await say(session, 2)
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def _place_and_lose_the_connection(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        assert await give_positions(session) == 2
        await session.flush()
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def _break_connections(sessions: Sessions) -> None:
    """What a restarting server does to everybody who is connected."""
    async with sessions() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
