"""One concurrency test per lock, on committed data."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import Sessions, transaction
from app.jobs.timers import sweep
from app.tasks import queries, service
from app.tasks.jobs import TIMERS
from app.tasks.reminders import LOCKED_FOR
from models.delivery import CallKind, Message, OutgoingCall
from models.ids import TaskId
from models.tasks import Task, TaskState
from tests.builders.announcements import timers_of
from tests.builders.tasks import FRIDAY_6PM, everything_delivered, story_of, task
from tests.company import Company, found
from tests.fakes.clock import MONDAY_9AM, FakeClock

TEN_PAST = MONDAY_9AM + timedelta(minutes=10)


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


@pytest.fixture
async def given(sessions: Sessions, company: Company) -> Task:
    async with transaction(sessions) as session:
        row = await task(session, company.wang, company.li)
        await everything_delivered(session)
        return row


async def story(sessions: Sessions, given: Task) -> list[tuple[str, int | None]]:
    async with transaction(sessions) as session:
        return await story_of(session, given)


class TestTwoAtOnce:
    """P2; done is final."""

    async def test_two_completions_at_once_have_one_effect(
        self, sessions: Sessions, company: Company, given: Task
    ) -> None:
        async def complete() -> None:
            async with transaction(sessions) as session:
                await service.complete(session, task_id=TaskId(given.id), person=company.li, via="rest", now=TEN_PAST)

        await asyncio.gather(*(complete() for _ in range(4)))
        assert await story(sessions, given) == [("assigned", 0), ("done", 100)]
        async with transaction(sessions) as session:
            told = select(Message).where(col(Message.purpose) == "task.done")
            assert len((await session.scalars(told)).all()) == 1
            faces = select(OutgoingCall).where(col(OutgoingCall.kind) == CallKind.CARD_UPDATE)
            assert len((await session.scalars(faces)).all()) == 1

    async def test_done_and_cancelled_at_once_end_in_one_of_them(
        self, sessions: Sessions, company: Company, given: Task
    ) -> None:
        async def complete() -> None:
            async with transaction(sessions) as session:
                await service.complete(session, task_id=TaskId(given.id), person=company.li, via="rest", now=TEN_PAST)

        async def cancel() -> None:
            async with transaction(sessions) as session:
                await service.cancel(
                    session, task_id=TaskId(given.id), person=company.wang, actor=None, via="rest", now=TEN_PAST
                )

        ended = await asyncio.gather(complete(), cancel(), return_exceptions=True)
        assert sum(isinstance(one, Exception) for one in ended) == 1
        assert len(await story(sessions, given)) == 2


class TestTimersAndPeople:
    """The sweep holds the timer and wants the task; who ends the task holds it and wants the timer."""

    async def test_a_locked_task_is_looked_at_again_in_a_moment(self, sessions: Sessions, given: Task) -> None:
        clock = FakeClock(FRIDAY_6PM)
        async with transaction(sessions) as session:
            await queries.task_for_update(session, TaskId(given.id))
            await sweep(sessions, clock, TIMERS)
        async with transaction(sessions) as session:
            timers = await timers_of(session, given.id)
            assert timers["task.overdue"].due_at == FRIDAY_6PM + LOCKED_FOR
        assert await story(sessions, given) == [("assigned", 0)]
        clock.advance(LOCKED_FOR)
        await sweep(sessions, clock, TIMERS)
        assert "overdue" in [kind for kind, _ in await story(sessions, given)]

    async def test_done_at_the_last_moment_leaves_nothing_behind(
        self, sessions: Sessions, company: Company, given: Task
    ) -> None:
        clock = FakeClock(FRIDAY_6PM)

        async def complete() -> None:
            async with transaction(sessions) as session:
                await service.complete(session, task_id=TaskId(given.id), person=company.li, via="rest", now=FRIDAY_6PM)

        await asyncio.gather(complete(), sweep(sessions, clock, TIMERS), sweep(sessions, clock, TIMERS))
        clock.advance(timedelta(days=7))
        await sweep(sessions, clock, TIMERS)
        async with transaction(sessions) as session:
            assert (await session.get_one(Task, given.id)).state is TaskState.DONE
            assert await timers_of(session, given.id) == {}
        kinds = [kind for kind, _ in await story(sessions, given)]
        assert kinds.count("done") == 1
        assert "escalated" not in kinds[kinds.index("done") :]
