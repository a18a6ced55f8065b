"""B6 of P7: our clock is set back. What waits for the end of a rest period is told when it may be by the right time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.audit.why import About
from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.jobs.timers import sweep
from app.ladders import jobs
from app.ladders import service as ladders
from app.ladders.tell import TELL
from app.settings import Settings
from models.audit import ObjectKind
from models.delivery import MessageClass
from models.ids import new_id
from models.ladders import Rung
from models.policy import Timer
from tests.builders.approvals import texts_to
from tests.builders.tasks import everything_delivered, task
from tests.company import Company, found
from tests.fakes.clock import MONDAY_9AM, FakeClock

NOON = MONDAY_9AM + timedelta(hours=3)
MIDNIGHT = MONDAY_9AM + timedelta(hours=15)


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    """Li has been given a task and has not accepted it: from noon on it is to be said."""
    async with transaction(sessions) as session:
        company = await found(session)
        await task(session, company.zhao, company.li)
        await everything_delivered(session)
        return company


async def fires(sessions: Sessions, clock: FakeClock) -> None:
    while await sweep(sessions, clock, REGISTRY.timers):
        pass


async def set_back(sessions: Sessions, settings: Settings, clock: FakeClock, by: timedelta) -> None:
    clock.advance(-by)
    async with transaction(sessions) as session:
        await jobs.start_up(session, now=clock.now(), settings=settings)


async def moments(sessions: Sessions) -> set[datetime]:
    async with transaction(sessions) as session:
        return set(await session.scalars(select(col(Rung.due_at)).where(col(Rung.message_id).is_(None))))


async def said(sessions: Sessions, company: Company) -> int:
    async with transaction(sessions) as session:
        return len([text for text in await texts_to(session, company.li) if "还没有接受" in text or "已逾期" in text])


async def test_what_waited_in_no_rest_period_is_told_at_once(
    sessions: Sessions, company: Company, settings: Settings
) -> None:
    clock = FakeClock(MIDNIGHT)
    await fires(sessions, clock)
    assert await said(sessions, company) == 0
    assert len(await moments(sessions)) == 1

    await set_back(sessions, settings, clock, timedelta(hours=11))
    await fires(sessions, clock)

    assert await said(sessions, company) == 1
    clock.advance(timedelta(days=1))
    await fires(sessions, clock)
    assert await said(sessions, company) == 1, "the timer of the wrong moment finds nothing to tell"


async def test_a_clock_that_was_a_month_ahead_delays_nothing_by_a_month(
    sessions: Sessions, company: Company, settings: Settings
) -> None:
    clock = FakeClock(MIDNIGHT + timedelta(days=28))
    await fires(sessions, clock)
    assert await said(sessions, company) == 0

    await set_back(sessions, settings, clock, timedelta(days=28))
    assert {moment < clock.now() + timedelta(hours=12) for moment in await moments(sessions)} == {True}
    clock.advance(timedelta(hours=12))
    await fires(sessions, clock)

    assert await said(sessions, company) == 1


async def test_each_class_is_told_at_its_own_moment(sessions: Sessions, company: Company, settings: Settings) -> None:
    """Work waits for working time, a notice for the end of the night."""
    clock = FakeClock(MIDNIGHT + timedelta(days=28))
    await fires(sessions, clock)
    about = About(ObjectKind.GROUP, new_id())
    async with transaction(sessions) as session:
        await ladders.reach(
            session, "group.finding", about, [company.li.id], now=clock.now(), message_class=MessageClass.WORK
        )

    await set_back(sessions, settings, clock, timedelta(days=28, hours=5))

    moments_of = await moments(sessions)
    async with transaction(sessions) as session:
        timers = set(await session.scalars(select(col(Timer.due_at)).where(col(Timer.kind) == TELL)))
    assert len(moments_of) == 2
    assert moments_of <= timers


async def test_a_start_at_night_moves_nothing(sessions: Sessions, company: Company, settings: Settings) -> None:
    clock = FakeClock(MIDNIGHT)
    await fires(sessions, clock)
    before = await moments(sessions)

    clock.advance(timedelta(hours=1))
    await set_back(sessions, settings, clock, timedelta(0))

    assert await moments(sessions) == before
    assert await said(sessions, company) == 0


async def test_the_worker_looks_when_it_starts_and_when_its_clock_is_set_back() -> None:
    assert jobs.start_up in REGISTRY.start_up
