"""P1: what is told as stored is committed; D2: waiting requests share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from app.database import Sessions, create_engine, create_sessions, create_writer, transaction
from callbacks.group_commit import GroupCommit, Stored
from models.inbox import ReceivedEvent
from tests.builders.callbacks import arrival
from tests.databases import dsn

END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
END_WAITING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
async def commit(database: str) -> AsyncIterator[GroupCommit]:
    """As in production: on a connection of its own, whose statements commit themselves."""
    engine = create_writer(database)
    commit = GroupCommit(create_sessions(engine))
    commit.start()
    yield commit
    await commit.stop()
    await engine.dispose()


async def run(sessions: Sessions, *statements: str) -> None:
    async with transaction(sessions) as session:
        for statement in statements:
            await session.execute(text(statement))


async def stored(sessions: Sessions) -> list[ReceivedEvent]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(ReceivedEvent).order_by(col(ReceivedEvent.id))))


async def fail_every_commit(sessions: Sessions) -> None:
    """The rows are accepted, and the COMMIT itself fails."""
    await run(
        sessions,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$",
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON received_events DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
    )


class TestWaitingRequestsShareATransaction:
    """Issue 3: group commit."""

    async def test_a_hundred_callbacks_take_a_handful_of_transactions(
        self, commit: GroupCommit, sessions: Sessions
    ) -> None:
        answers = await asyncio.gather(*(commit.store(arrival()) for _ in range(100)))

        assert set(answers) == {Stored.NEW}
        async with transaction(sessions) as session:
            count = select(func.count(func.distinct(text("xmin::text")))).select_from(ReceivedEvent)
            assert (await session.scalars(count)).one() < 10
        assert len(await stored(sessions)) == 100

    async def test_the_order_of_arrival_is_the_order_of_ids(self, commit: GroupCommit, sessions: Sessions) -> None:
        given = [arrival() for _ in range(50)]

        await asyncio.gather(*(commit.store(each) for each in given))

        assert [row.dedup_key for row in await stored(sessions)] == [each.dedup_key for each in given]

    async def test_workers_are_woken_in_the_same_transaction(
        self, commit: GroupCommit, sessions: Sessions, database: str
    ) -> None:
        engine = create_engine(database)
        heard = asyncio.Event()
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            listener = lambda *_: heard.set()  # noqa: E731 -- the same object is removed below
            await driver.add_listener("inbox", listener)
            await commit.store(arrival())
            async with asyncio.timeout(30):
                await heard.wait()
            await driver.remove_listener("inbox", listener)
        await engine.dispose()


class TestARepeat:
    """P2: one body is one row, however often and however quickly it comes."""

    async def test_later_repeats_are_counted(self, commit: GroupCommit, sessions: Sessions) -> None:
        same = arrival()

        answers = [await commit.store(same) for _ in range(3)]

        assert answers == [Stored.NEW, Stored.DUPLICATE, Stored.DUPLICATE]
        assert [row.repeats for row in await stored(sessions)] == [2]

    async def test_repeats_inside_one_batch_are_one_row(self, commit: GroupCommit, sessions: Sessions) -> None:
        same, other = arrival(), arrival()

        answers = await asyncio.gather(*(commit.store(each) for each in (same, other, same, same)))

        assert answers == [Stored.NEW, Stored.NEW, Stored.DUPLICATE, Stored.DUPLICATE]
        assert [row.repeats for row in await stored(sessions)] == [2, 0]

    async def test_two_processes_that_get_the_same_at_once_store_it_once(
        self, commit: GroupCommit, sessions: Sessions, database: str
    ) -> None:
        """F9: and never wait for each other in a circle, whichever order they got them in."""
        engine = create_engine(database)
        other = GroupCommit(create_sessions(engine))
        other.start()
        given = [arrival() for _ in range(200)]

        answers = await asyncio.gather(
            *(commit.store(each) for each in given), *(other.store(each) for each in reversed(given))
        )
        await other.stop()
        await engine.dispose()

        assert answers.count(Stored.NEW) == answers.count(Stored.DUPLICATE) == 200
        assert {row.repeats for row in await stored(sessions)} == {1}


class TestNothingIsToldAsStoredThatIsNot:
    """P1: a callback answered with 200 is committed. Nothing is answered before it is."""

    async def test_a_failed_commit_is_not_stored(self, commit: GroupCommit, sessions: Sessions) -> None:
        await fail_every_commit(sessions)

        assert await commit.store(arrival()) is Stored.NOT_STORED
        assert await stored(sessions) == []

    async def test_one_poisonous_row_costs_the_others_nothing(self, commit: GroupCommit, sessions: Sessions) -> None:
        poison = replace(arrival(), event_type="has a \x00 that text cannot hold")
        given = [arrival(), arrival(), poison, arrival(), arrival()]

        answers = await asyncio.gather(*(commit.store(each) for each in given))

        assert answers == [Stored.NEW, Stored.NEW, Stored.NOT_STORED, Stored.NEW, Stored.NEW]
        assert len(await stored(sessions)) == 4

    async def test_the_next_batch_is_stored_after_a_failed_one(self, commit: GroupCommit, sessions: Sessions) -> None:
        await fail_every_commit(sessions)
        await commit.store(arrival())
        await run(sessions, "DROP TRIGGER refuse ON received_events")

        assert await commit.store(arrival()) is Stored.NEW

    async def test_killed_connections_are_replaced_while_somebody_waits(
        self, commit: GroupCommit, sessions: Sessions
    ) -> None:
        async with transaction(sessions) as session:
            await session.execute(text("LOCK TABLE received_events IN ACCESS EXCLUSIVE MODE"))
            waiting = asyncio.create_task(commit.store(arrival()))
            await asyncio.sleep(0.2)
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

        assert await waiting is Stored.NEW
        assert len(await stored(sessions)) == 1

    async def test_what_waits_is_written_before_it_stops_and_nothing_after(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions)
        commit.start()
        waiting = [asyncio.create_task(commit.store(arrival())) for _ in range(20)]
        await asyncio.sleep(0)

        await commit.stop()

        assert set(await asyncio.gather(*waiting)) == {Stored.NEW}
        assert await commit.store(arrival()) is Stored.NOT_STORED


class Caller:
    """A connection of the platform that it closes when it is told to."""

    def __init__(self) -> None:
        self.has_gone = asyncio.Event()

    async def hung_up(self) -> None:
        await self.has_gone.wait()


@asynccontextmanager
async def blocked(sessions: Sessions) -> AsyncIterator[None]:
    """The table cannot be written, as long as the block lasts."""
    async with transaction(sessions) as session:
        await session.execute(text("LOCK TABLE received_events IN ACCESS EXCLUSIVE MODE"))
        yield


class TestHeldWhileTheDatabaseIsAway:
    """The platform sends again only after a silence: whoever waits is held until the row is committed or they go."""

    async def test_who_waits_longer_than_the_platform_would_is_answered_when_it_is_back(
        self, commit: GroupCommit, sessions: Sessions
    ) -> None:
        async with blocked(sessions):
            waiting = asyncio.create_task(commit.store(arrival(), Caller().hung_up))
            done, _ = await asyncio.wait([waiting], timeout=1.5)
            assert not done

        assert await waiting is Stored.NEW

    async def test_who_hangs_up_goes_and_the_row_still_comes(self, commit: GroupCommit, sessions: Sessions) -> None:
        caller = Caller()
        async with blocked(sessions):
            waiting = asyncio.create_task(commit.store(arrival(), caller.hung_up))
            caller.has_gone.set()
            assert await waiting is Stored.LATE
        await commit.stop()

        assert len(await stored(sessions)) == 1
        trouble = commit.take_trouble()
        assert trouble is not None
        assert (trouble.not_stored, trouble.stored_late) == (0, 1)

    async def test_the_next_attempt_joins_the_row_that_waits(self, sessions: Sessions) -> None:
        """With room for one row: three attempts of one event take one place, and a second event none."""
        commit = GroupCommit(sessions, rows=1)
        commit.start()
        same, first = arrival(), Caller()
        async with blocked(sessions):
            attempts = [asyncio.create_task(commit.store(same, first.hung_up)) for _ in range(2)]
            await asyncio.sleep(0)
            other = asyncio.create_task(commit.store(arrival()))
            first.has_gone.set()
            assert [await attempt for attempt in attempts] == [Stored.LATE, Stored.LATE]
            assert await other is Stored.NOT_STORED
            third = asyncio.create_task(commit.store(same, Caller().hung_up))
            await asyncio.sleep(0)

        assert await third in {Stored.NEW, Stored.DUPLICATE}
        await commit.stop()
        assert [row.repeats for row in await stored(sessions)] == [2]

    async def test_a_database_that_cannot_be_reached_is_waited_for(self) -> None:
        engine = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
        commit, caller = GroupCommit(create_sessions(engine)), Caller()
        commit.start()

        waiting = asyncio.create_task(commit.store(arrival(), caller.hung_up))
        done, _ = await asyncio.wait([waiting], timeout=1.5)
        assert not done
        caller.has_gone.set()
        assert await waiting is Stored.LATE

        assert commit.take_trouble() is None, "the outage is not over"
        await commit.stop()
        await engine.dispose()

    async def test_a_standby_that_does_not_write_is_waited_for(self, commit: GroupCommit, database: str) -> None:
        """After a fail-over the first connections may lead to a server that reads only: no row is at fault."""
        operator = await asyncpg.connect(dsn(database))
        name = await operator.fetchval("SELECT current_database()")
        await operator.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        try:
            waiting = asyncio.create_task(commit.store(arrival(), Caller().hung_up))
            done, _ = await asyncio.wait([waiting], timeout=1)
            assert not done
        finally:
            await operator.execute(f'ALTER DATABASE "{name}" RESET ALL')
            await operator.execute(END_OTHERS)
            await operator.close()

        assert await waiting is Stored.NEW

    async def test_a_mistake_of_the_operator_is_waited_for(self, commit: GroupCommit, sessions: Sessions) -> None:
        """Rights taken away, a table renamed: it is over one day, and no row is at fault."""
        await run(sessions, "ALTER TABLE received_events RENAME TO mislaid")
        try:
            waiting = [asyncio.create_task(commit.store(arrival(), Caller().hung_up)) for _ in range(3)]
            done, _ = await asyncio.wait(waiting, timeout=1)
            assert not done
        finally:
            await run(sessions, "ALTER TABLE mislaid RENAME TO received_events")

        assert set(await asyncio.gather(*waiting)) == {Stored.NEW}

    async def test_what_waits_keeps_its_order(self, commit: GroupCommit, sessions: Sessions) -> None:
        given = [arrival() for _ in range(30)]
        async with blocked(sessions):
            waiting = [asyncio.create_task(commit.store(each, Caller().hung_up)) for each in given[:20]]
            await asyncio.sleep(0.1)
            await run(sessions, END_WAITING)
            waiting += [asyncio.create_task(commit.store(each, Caller().hung_up)) for each in given[20:]]
            await asyncio.sleep(0.5)

        assert set(await asyncio.gather(*waiting)) == {Stored.NEW}
        assert [row.dedup_key for row in await stored(sessions)] == [each.dedup_key for each in given]


class TestHoldingIsBounded:
    """Waiting count, bytes and time: past the bound it is 503, and the loss is counted."""

    async def test_rows(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions, rows=3)
        commit.start()
        async with blocked(sessions):
            waiting = [asyncio.create_task(commit.store(arrival(), Caller().hung_up)) for _ in range(3)]
            await asyncio.sleep(0)
            assert [await commit.store(arrival()) for _ in range(4)] == [Stored.NOT_STORED] * 4

        assert set(await asyncio.gather(*waiting)) == {Stored.NEW}
        await commit.stop()
        trouble = commit.take_trouble()
        assert trouble is not None
        assert trouble.not_stored == 4

    async def test_bytes(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions, size=1_000)
        commit.start()
        async with blocked(sessions):
            waiting = asyncio.create_task(commit.store(arrival(body=b"x" * 900), Caller().hung_up))
            await asyncio.sleep(0)
            assert await commit.store(arrival(body=b"y" * 200)) is Stored.NOT_STORED

        assert await waiting is Stored.NEW
        assert await commit.store(arrival(body=b"y" * 200)) is Stored.NEW, "the room is free again"
        await commit.stop()

    async def test_requests_held(self, sessions: Sessions) -> None:
        """Who cannot be held is sent away, and the row stays in line all the same."""
        commit = GroupCommit(sessions, held=2)
        commit.start()
        async with blocked(sessions):
            waiting = [asyncio.create_task(commit.store(arrival(), Caller().hung_up)) for _ in range(5)]
            done, held = await asyncio.wait(waiting, timeout=1.5)
            assert {task.result() for task in done} == {Stored.LATE}
            assert len(held) == 2

        assert [await task for task in held] == [Stored.NEW, Stored.NEW]
        await commit.stop()
        assert len(await stored(sessions)) == 5

    async def test_time(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions, hold_seconds=0.2)
        commit.start()
        async with blocked(sessions):
            assert await commit.store(arrival(), Caller().hung_up) is Stored.LATE
        await commit.stop()

        assert len(await stored(sessions)) == 1

    async def test_who_is_held_when_the_process_drains_is_let_go_before_its_end(
        self, commit: GroupCommit, sessions: Sessions
    ) -> None:
        """Well within the ten seconds of a supervisor; the row is in line still, and may come to be written."""
        async with blocked(sessions):
            held = asyncio.create_task(commit.store(arrival(), Caller().hung_up))
            await asyncio.sleep(0.7)
            commit.drain()
            began = asyncio.get_running_loop().time()

            assert await commit.store(arrival(), Caller().hung_up) is Stored.LATE
            assert asyncio.get_running_loop().time() - began < 2, "nobody new is held"
            assert not held.done()
            assert await held is Stored.LATE
        await commit.stop()

        assert len(await stored(sessions)) == 2
        trouble = commit.take_trouble()
        assert trouble is not None
        assert (trouble.not_stored, trouble.stored_late) == (0, 2)

    async def test_what_could_not_be_written_before_the_end_is_counted(self) -> None:
        engine = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
        commit = GroupCommit(create_sessions(engine))
        commit.start()
        waiting = asyncio.create_task(commit.store(arrival(), Caller().hung_up))
        await asyncio.sleep(0)

        await commit.stop()

        assert await waiting is Stored.NOT_STORED
        await engine.dispose()
