"""A job exists exactly when the transaction that asked for it commits (D4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.jobs.queue import enqueue, enqueue_many, follow_clock
from app.observability import bound_correlation
from tests.fakes.queue import queued_names


async def waiting(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        return await queued_names(session)


class Undone(Exception):
    pass


async def enqueue_and_fail(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        # First statement of the session: the job must be inside the transaction all the same.
        await enqueue(session, "org.sync", {})
        raise Undone


class TestTransaction:
    async def test_a_committed_job_waits(self, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await enqueue(session, "org.sync", {"reason": "test"})
        assert await waiting(sessions) == ["org.sync"]

    async def test_a_rolled_back_job_never_was(self, sessions: Sessions) -> None:
        with pytest.raises(Undone):
            await enqueue_and_fail(sessions)
        assert await waiting(sessions) == []


class TestEnqueue:
    async def test_it_carries_the_payload_and_the_correlation_id(self, session: AsyncSession) -> None:
        with bound_correlation("abc12345"):
            await enqueue(session, "org.sync", {"理由": "测试"})
        row = (await session.execute(text("SELECT payload, headers->>'correlation_id' FROM pgqueuer"))).one()
        assert (row[0].decode(), row[1]) == ('{"理由": "测试"}', "abc12345")

    async def test_a_second_job_of_the_same_key_is_skipped_while_the_first_waits(self, session: AsyncSession) -> None:
        assert await enqueue(session, "org.sync", {}, dedupe_key="org.sync") is True
        assert await enqueue(session, "org.sync", {}, dedupe_key="org.sync") is False

    async def test_many_go_in_one_statement(self, session: AsyncSession) -> None:
        assert await enqueue_many(session, "delivery.make_call", [{"n": n} for n in range(250)]) == 250
        assert await enqueue_many(session, "delivery.make_call", []) == 0


class TestTheServersClockIsSetBack:
    """B6: the queue goes by the server's clock. What was put off waits as long as it was to wait, and no longer."""

    async def test_a_job_that_was_put_off_waits_the_rest_anew(self, session: AsyncSession) -> None:
        await enqueue(session, "test.job", {}, run_after=timedelta(minutes=5))
        ahead = (
            "UPDATE pgqueuer SET updated = now() + interval '3 hours', execute_after = now() + interval '3 hours 5 min'"
        )
        await session.execute(text(ahead))

        assert await follow_clock(session) == 1

        waits = "SELECT execute_after - now() FROM pgqueuer"
        assert (await session.execute(text(waits))).scalar_one() == timedelta(minutes=5)
        assert await follow_clock(session) == 0

    async def test_a_dead_workers_job_and_the_schedule_are_found_in_time(self, session: AsyncSession) -> None:
        await enqueue(session, "test.job", {})
        await session.execute(text("UPDATE pgqueuer SET status = 'picked', heartbeat = now() + interval '3 hours'"))
        await session.execute(
            text(
                "INSERT INTO pgqueuer_schedules (expression, entrypoint, updated, next_run)"
                " VALUES ('*/5 * * * *', 'test.job', now() + interval '3 hours', now() + interval '3 hours 5 min')"
            )
        )

        assert await follow_clock(session) == 2

        late = "SELECT (SELECT heartbeat <= now() FROM pgqueuer), (SELECT next_run <= now() FROM pgqueuer_schedules)"
        assert tuple((await session.execute(text(late))).one()) == (True, True)

    async def test_an_ordinary_wait_is_left_alone(self, session: AsyncSession) -> None:
        await enqueue(session, "test.job", {}, run_after=timedelta(days=1))
        assert await follow_clock(session) == 0
