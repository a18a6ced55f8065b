"""One concurrency test per lock, on committed data."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from app.announcements import queries, service
from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.jobs.timers import bring_forward, due_of, sweep
from models.announcements import Announcement, AnnouncementState
from models.audit import AuditEntry
from models.delivery import CallKind, CallState, Message, OutgoingCall
from models.ids import AnnouncementId
from tests.builders.announcements import announcement
from tests.builders.approvals import everything_arrives
from tests.company import Company, found
from tests.fakes.clock import MONDAY_9AM, FakeClock

TWENTY_PAST = MONDAY_9AM + timedelta(minutes=20)


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


@pytest.fixture
async def told(sessions: Sessions, company: Company) -> Announcement:
    async with transaction(sessions) as session:
        row = await announcement(session, company.wang, message_class="instruction", people=["li", "chen"])
        await everything_arrives(session)
        return row


async def count(sessions: Sessions, *conditions: object) -> int:
    async with transaction(sessions) as session:
        statement = select(func.count()).where(*conditions)  # type: ignore[arg-type]  # columns compared
        return (await session.scalars(statement)).one()


class TestTwoConfirmationsAtOnce:
    """P2: 收到 counts once, whatever is repeated."""

    async def test_one_takes_effect(self, sessions: Sessions, company: Company, told: Announcement) -> None:
        async def confirm() -> None:
            async with transaction(sessions) as session:
                await service.confirm(
                    session, announcement_id=AnnouncementId(told.id), person=company.li, via="rest", now=TWENTY_PAST
                )

        await asyncio.gather(*(confirm() for _ in range(5)))
        assert await count(sessions, col(AuditEntry.action) == "announcement.confirmed") == 1
        assert await count(sessions, col(OutgoingCall.kind) == CallKind.CARD_UPDATE) == 1


class TestTwoWorkersAtTheDeadline:
    """3.6: chased once; 3.7: one final list."""

    async def test_the_chase_and_the_deadline_fire_at_the_same_moment(
        self, sessions: Sessions, told: Announcement
    ) -> None:
        clock = FakeClock(MONDAY_9AM + timedelta(hours=1))
        await asyncio.gather(*(sweep(sessions, clock, REGISTRY.timers) for _ in range(3)))
        await sweep(sessions, clock, REGISTRY.timers)
        assert await count(sessions, col(Message.purpose) == "announcement.chase") == 1
        assert await count(sessions, col(Message.purpose) == "announcement.final_list") == 1
        async with transaction(sessions) as session:
            found = await session.get_one(Announcement, told.id)
            assert found.state is AnnouncementState.CLOSED

    async def test_two_chases_at_once_chase_once(self, sessions: Sessions, told: Announcement) -> None:
        async def chase() -> int:
            async with transaction(sessions) as session:
                return await service.chase(session, announcement_id=AnnouncementId(told.id), now=TWENTY_PAST)

        assert sorted(await asyncio.gather(chase(), chase())) == [0, 2]
        await sweep(sessions, FakeClock(TWENTY_PAST), REGISTRY.timers)
        waiting = col(OutgoingCall.state) == CallState.READY
        assert await count(sessions, col(OutgoingCall.purpose) == "announcement.chase", waiting) == 1


class TestACardThatReachesSomebodyWhileTheSuperiorsAreReached:
    """3.6. Timers, announcement, receipts: both take them in this order, and the earlier moment stays."""

    async def test_neither_waits_for_the_other_and_the_earlier_moment_stays(
        self, sessions: Sessions, company: Company, told: Announcement
    ) -> None:
        subject = str(told.id)
        async with transaction(sessions) as session:
            later = await due_of(session, service.ESCALATE, subject)
            assert later is not None
        earlier, now = later - timedelta(minutes=5), later - timedelta(minutes=20)

        async def looks_again() -> None:
            async with transaction(sessions) as session:
                await REGISTRY.timers[service.ESCALATE](session, f"{subject}:again", now)

        async with transaction(sessions) as reaching:
            await bring_forward(reaching, service.ESCALATE, subject, earlier)
            looking = asyncio.create_task(looks_again())
            await waits_or_is_done(sessions, looking)
            locked = queries.announcement_for_update(reaching, AnnouncementId(told.id))
            assert await asyncio.wait_for(locked, timeout=5) is not None
        await looking
        async with transaction(sessions) as session:
            assert await due_of(session, service.ESCALATE, subject) == earlier


async def waits_or_is_done(sessions: Sessions, task: asyncio.Task[None]) -> None:
    """Until it waits for a lock, or is done."""
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        async with transaction(sessions) as session:
            if task.done() or (await session.execute(waits)).scalar_one():
                return
        await asyncio.sleep(0.02)
    raise AssertionError("it neither waits nor ends")
