"""3.6: "Each morning everybody gets one digest of what still waits for them." One, and only who has something."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app import addresses
from app.digest import service
from app.jobs import timers
from models.delivery import Message, MessageClass
from models.digests import MorningDigest
from models.events import PublishedEvent
from models.org import PersonStatus
from tests.builders.approvals import Library, borrowing, decide, step, texts_to
from tests.builders.policy import policy_in_force
from tests.builders.tasks import task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

TUESDAY = date(2026, 3, 3)
TUESDAY_840 = MONDAY_9AM + timedelta(hours=23, minutes=40)
SATURDAY_840 = MONDAY_9AM + timedelta(days=4, hours=23, minutes=40)
HEAD = [step("部门负责人", "department_head")]


async def write_all(session: AsyncSession, day: date = TUESDAY) -> None:
    while await service.write_portion(session, day, now=TUESDAY_840):
        pass


async def ends(session: AsyncSession) -> list[PublishedEvent]:
    return list(await session.scalars(select(PublishedEvent).where(col(PublishedEvent.type) == "digest.sent")))


async def digests(session: AsyncSession) -> list[Message]:
    return list(await session.scalars(select(Message).where(col(Message.purpose) == service.MORNING)))


class TestWhoGetsIt:
    async def test_everybody_for_whom_something_waits_gets_all_of_it_in_one_message(
        self, session: AsyncSession, company: Company
    ) -> None:
        session.info[addresses.SESSION_KEY] = "https://steward.example.com"
        request = await borrowing(session, Library(HEAD), company.li)
        work = await task(session, company.zhao, company.wang, title="整理验收单")
        before = len(await texts_to(session, company.wang))

        assert await service.wake(session, now=TUESDAY_840) == TUESDAY
        await write_all(session)

        [told] = (await texts_to(session, company.wang))[before:]
        assert told.startswith("【今日待办】\n等您处理的有 2 件：")
        assert f"审批：#{request.number} {request.title}（李军）" in told
        assert f"接受：#{work.number} 整理验收单（赵总）" in told
        assert told.endswith('<a href="https://steward.example.com/me">查看详情</a>')
        [message] = await digests(session)
        assert (message.message_class, message.rule_key, message.audience) == (
            MessageClass.NOTICE,
            "delivery.digest",
            1,
        )

    async def test_who_has_nothing_to_do_is_left_in_peace(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.wang)
        await service.wake(session, now=TUESDAY_840)
        await write_all(session)
        assert await digests(session) == []

    async def test_who_is_gone_gets_none(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD), company.li)
        company.wang.status = PersonStatus.DISABLED
        await service.wake(session, now=TUESDAY_840)
        await write_all(session)
        assert await digests(session) == []


class TestOnce:
    async def test_one_morning_begins_once_and_the_next_is_set(self, session: AsyncSession, company: Company) -> None:
        assert await service.wake(session, now=TUESDAY_840) == TUESDAY
        assert await service.wake(session, now=TUESDAY_840 + timedelta(minutes=5)) is None
        due = await timers.due_of(session, service.MORNING, service.COMPANY)
        assert due == TUESDAY_840 + timedelta(days=1)

    async def test_it_goes_on_behind_the_last_portion(self, session: AsyncSession, company: Company) -> None:
        """Killed between two portions: nobody is told twice, and nobody is left out (P2)."""
        for person in (company.wang, company.li, company.chen, company.sun):
            await task(session, company.zhao, person)
        await service.wake(session, now=TUESDAY_840)
        assert await service.write_portion(session, TUESDAY, now=TUESDAY_840, portion=2)
        some = len(await digests(session))
        await write_all(session)
        told = [message.origin_id for message in await digests(session)]
        assert len(told) == len(set(told)) == 4
        assert some < 4
        assert not await service.write_portion(session, TUESDAY, now=TUESDAY_840)
        row = await session.get_one(MorningDigest, TUESDAY)
        assert (row.people, row.ended_at) == (4, TUESDAY_840)

    async def test_the_end_is_an_event_with_the_count(self, session: AsyncSession, company: Company) -> None:
        await task(session, company.zhao, company.li)
        await service.wake(session, now=TUESDAY_840)
        await write_all(session)
        [sent] = await ends(session)
        assert (sent.about_id, sent.data) == (
            "2026-03-03",
            {"day": "2026-03-03", "people": 1, "is_complete": True},
        )


class TestNotNow:
    async def test_none_on_a_day_off(self, session: AsyncSession, company: Company) -> None:
        assert await service.wake(session, now=SATURDAY_840) is None

    async def test_none_under_a_policy_without_one(self, session: AsyncSession, company: Company) -> None:
        await policy_in_force(session, delivery__morning_digest=None)
        await task(session, company.zhao, company.li)
        assert await service.wake(session, now=TUESDAY_840) is None

    async def test_what_was_missed_by_hours_is_left_out_and_said(self, session: AsyncSession, company: Company) -> None:
        """An outage until the afternoon: a digest would then only repeat what people have seen."""
        await task(session, company.zhao, company.li)
        await service.wake(session, now=TUESDAY_840)
        assert not await service.write_portion(session, TUESDAY, now=TUESDAY_840 + timedelta(hours=5))
        assert await digests(session) == []
        [sent] = await ends(session)
        assert sent.data["is_complete"] is False

    async def test_a_start_keeps_the_morning_that_was_missed_while_nothing_ran(
        self, session: AsyncSession, company: Company
    ) -> None:
        await service.keep_timer(session, now=TUESDAY_840 - timedelta(hours=1))
        await service.keep_timer(session, now=TUESDAY_840 + timedelta(hours=1))
        assert await timers.due_of(session, service.MORNING, service.COMPANY) == TUESDAY_840
