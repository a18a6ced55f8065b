"""P1: what is told as stored is committed; D2: waiting requests share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from app.database import Sessions, create_engine, create_sessions, transaction
from callbacks.group_commit import GroupCommit, Stored
from models.inbox import ReceivedEvent
from tests.builders.callbacks import arrival


@pytest.fixture
async def commit(sessions: Sessions) -> AsyncIterator[GroupCommit]:
    commit = GroupCommit(sessions)
    commit.start()
    yield commit
    await commit.stop()


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
            async with asyncio.timeout(2):
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

    async def test_a_lock_that_lasts_makes_the_caller_go_and_the_row_still_come(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions, wait_seconds=0.2)
        commit.start()
        async with transaction(sessions) as session:
            await session.execute(text("LOCK TABLE received_events IN ACCESS EXCLUSIVE MODE"))
            assert await commit.store(arrival()) is Stored.NOT_STORED
        await commit.stop()

        assert len(await stored(sessions)) == 1

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

    async def test_a_database_that_is_away_is_not_stored_in_time(self) -> None:
        engine = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
        commit = GroupCommit(create_sessions(engine), wait_seconds=0.3)
        commit.start()

        async with asyncio.timeout(2):
            assert await commit.store(arrival()) is Stored.NOT_STORED

        await commit.stop()
        await engine.dispose()

    async def test_a_full_queue_refuses_at_once(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions, queue=0)
        commit.start()

        assert await commit.store(arrival()) is Stored.NOT_STORED
        await commit.stop()

    async def test_what_waits_is_written_before_it_stops_and_nothing_after(self, sessions: Sessions) -> None:
        commit = GroupCommit(sessions)
        commit.start()
        waiting = [asyncio.create_task(commit.store(arrival())) for _ in range(20)]
        await asyncio.sleep(0)

        await commit.stop()

        assert set(await asyncio.gather(*waiting)) == {Stored.NEW}
        assert await commit.store(arrival()) is Stored.NOT_STORED
