"""Real transactions on a database of their own: what happens when two people act at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals.errors import AlreadyDecided, DuplicateRequest
from app.approvals.jobs import TIMERS
from app.database import Sessions, transaction
from app.jobs.timers import sweep
from models.approvals import Decision, Request, RequestState, Verdict
from models.org import Person
from models.policy import Timer
from tests.builders.approvals import Library, borrowing, decide, step, step_of
from tests.company import Company, found
from tests.databases import register
from tests.fakes.clock import FakeClock

T = TypeVar("T")

ANY_HR = [step("人力资源", "role:hr")]


@pytest.fixture
async def company(sessions: Sessions) -> Company:  # the committed one: every transaction must see it
    async with transaction(sessions) as session:
        return await found(session)


async def in_transaction(sessions: Sessions, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async with transaction(sessions) as session:
        return await act(session)


async def apply(sessions: Sessions, library: Library, requester: Person) -> Request:
    return await in_transaction(sessions, lambda session: borrowing(session, library, requester))


class TestExactlyOneWinner:
    """F55: concurrent clicks: one wins, others are told."""

    async def test_the_second_waits_for_the_first_and_learns_the_name(
        self, sessions: Sessions, company: Company
    ) -> None:
        library = Library(ANY_HR)
        request = await apply(sessions, library, company.li)

        async with transaction(sessions) as first:
            await decide(first, library, request, company.han)
            second = asyncio.create_task(
                in_transaction(sessions, lambda session: decide(session, library, request, company.sun, Verdict.REJECT))
            )
            await asyncio.sleep(0.3)
            assert not second.done()

        with pytest.raises(AlreadyDecided, match="韩梅"):
            await second
        assert len(library.lent) == 1
        assert not library.refused

    @pytest.mark.parametrize("attempt", range(5))
    async def test_whoever_it_is(self, sessions: Sessions, company: Company, attempt: int) -> None:
        library = Library(ANY_HR)
        request = await apply(sessions, library, company.li)

        results = await asyncio.gather(
            in_transaction(sessions, lambda session: decide(session, library, request, company.han)),
            in_transaction(sessions, lambda session: decide(session, library, request, company.sun, Verdict.REJECT)),
            return_exceptions=True,
        )

        assert [type(result) for result in results].count(AlreadyDecided) == 1
        assert len(library.lent) + len(library.refused) == 1
        async with transaction(sessions) as session:
            assert len((await session.scalars(select(Decision))).all()) == 1

    async def test_one_person_twice_at_once_is_one_verdict(self, sessions: Sessions, company: Company) -> None:
        library = Library(ANY_HR)
        request = await apply(sessions, library, company.li)

        await asyncio.gather(
            in_transaction(sessions, lambda session: decide(session, library, request, company.han)),
            in_transaction(sessions, lambda session: decide(session, library, request, company.han)),
        )

        assert len(library.lent) == 1
        async with transaction(sessions) as session:
            assert len((await session.scalars(select(Decision))).all()) == 1

    async def test_two_of_all_at_once_approve_together(self, sessions: Sessions, company: Company) -> None:
        """Without the lock each would count only its own verdict, and the step would stay open for ever."""
        library = Library([step("会签", "role:hr", needed="all")])
        request = await apply(sessions, library, company.li)

        async with transaction(sessions) as first:
            await decide(first, library, request, company.han)
            second = asyncio.create_task(
                in_transaction(sessions, lambda session: decide(session, library, request, company.sun))
            )
            await asyncio.sleep(0.3)

        assert (await second).state is RequestState.APPROVED
        assert len(library.lent) == 1


class TestTwoSubmissionsAtOnce:
    """One open request per (kind, subject)."""

    async def test_one_stands_and_the_other_names_it(self, sessions: Sessions, company: Company) -> None:
        library = Library(ANY_HR)
        async with transaction(sessions) as first:
            request = await borrowing(first, library, company.li)
            second = asyncio.create_task(apply(sessions, library, company.li))
            await asyncio.sleep(0.3)
            assert not second.done()

        with pytest.raises(DuplicateRequest, match=f"#{request.number}"):
            await second


class TestADeadlineDuringADecision:
    """The sweep holds the timer, the decision holds the request and cancels the timer: no deadlock."""

    async def test_the_sweep_steps_back_and_the_decision_stands(
        self, sessions: Sessions, company: Company, clock: FakeClock
    ) -> None:
        library = Library(ANY_HR)
        request = await apply(sessions, library, company.li)
        async with transaction(sessions) as session:
            opened = await step_of(session, request)
        assert opened.due_at is not None
        clock.set(opened.due_at)

        async with transaction(sessions) as deciding:
            await deciding.get_one(Request, request.id, with_for_update=True)
            register(sessions, kinds={library.name: library})
            await sweep(sessions, clock, TIMERS)
            await decide(deciding, library, request, company.han)

        async with transaction(sessions) as session:
            assert (await session.get_one(Request, request.id)).state is RequestState.APPROVED
            assert not (await session.scalars(select(Timer).where(col(Timer.kind).startswith("approval.")))).all()
