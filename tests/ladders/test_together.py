"""Nobody gets the same words twice: what falls due together reaches a person in one message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.jobs.timers import set_timer, sweep
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.ladders.tell import GATHERS, SPEAK_AGAIN, tell_due
from app.tasks import queries as tasks
from app.tasks import service
from app.tasks.context import load
from app.tasks.rules import TaskPurpose
from models.delivery import Message
from models.ids import TaskId
from models.ladders import Rung
from models.org import Person
from models.tasks import Task
from tests.builders.announcements import announcement
from tests.builders.approvals import Library, borrowing, cards_to, step, texts_to
from tests.builders.tasks import FRIDAY_6PM, everything_delivered, task
from tests.company import Company, found
from tests.databases import register
from tests.fakes.clock import MONDAY_9AM, FakeClock

NOON = MONDAY_9AM + timedelta(hours=3)
FRIDAY_5PM = FRIDAY_6PM - timedelta(hours=1)
LIBRARY = Library([step("部门负责人", "department_head")])


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


async def assign(sessions: Sessions, assigner: Person, owner: Person, **said: Any) -> Task:
    async with transaction(sessions) as session:
        row = await task(session, assigner, owner, **said)
        await everything_delivered(session)
        return row


async def a_worker_comes_back(sessions: Sessions, clock: FakeClock) -> None:
    """Every timer that is due fires, and what comes of it."""
    while await sweep(sessions, clock, REGISTRY.timers):
        pass


async def heard(sessions: Sessions, person: Person) -> list[list[str]]:
    """The texts that a person has got, by lines."""
    async with transaction(sessions) as session:
        return [text.splitlines() for text in await texts_to(session, person)]


async def rungs_left(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        waiting = select(func.count()).select_from(Rung).where(col(Rung.message_id).is_(None))
        return (await session.scalars(waiting)).one()


class TestOneThing:
    """Two rungs of a ladder that reach one person are one message: the higher says what the lower says."""

    async def test_the_superior_who_has_assigned_it_hears_of_an_overdue_task_once(
        self, sessions: Sessions, company: Company
    ) -> None:
        await assign(sessions, company.wang, company.li)
        await a_worker_comes_back(sessions, FakeClock(FRIDAY_6PM))
        [to_the_head] = await heard(sessions, company.wang)
        assert "已逾期：截止 03-06 18:00，责任人 李军" in to_the_head[0]
        assert to_the_head[1] == "布置人：王芳。请督促或协助解决。"
        assert "已逾期" in (await heard(sessions, company.li))[-1][0]

    async def test_the_reminder_of_the_deadline_is_said_instead_of_the_one_to_accept(
        self, sessions: Sessions, company: Company
    ) -> None:
        await assign(sessions, company.zhao, company.li)
        await a_worker_comes_back(sessions, FakeClock(FRIDAY_5PM))
        [[said]] = await heard(sessions, company.li)
        assert "将于 03-06 18:00 到期，目前待接受" in said

    async def test_an_approver_without_a_superior_is_reminded_once(self, sessions: Sessions, company: Company) -> None:
        """After a time down both rungs are due: the reminder, and the deadline with nobody above to ask."""
        library = Library([step("总裁", "userid:zhao")])
        register(sessions, kinds={library.name: library})
        async with transaction(sessions) as session:
            await borrowing(session, library, company.li)
        await a_worker_comes_back(sessions, FakeClock(FRIDAY_5PM))
        assert len(await heard(sessions, company.zhao)) == 1


class TestManyThings:
    """Rungs that fall due together after a time down, and many at once, are one message."""

    async def test_a_week_without_a_worker_is_one_message_for_each_person(
        self, sessions: Sessions, company: Company
    ) -> None:
        register(sessions, kinds={LIBRARY.name: LIBRARY})
        first = await assign(sessions, company.zhao, company.li)
        second = await assign(sessions, company.zhao, company.li, title="更新报价单")
        async with transaction(sessions) as session:
            await announcement(session, company.han, people=["li"])
            lent = [await borrowing(session, LIBRARY, company.li, thing=thing) for thing in ("投影仪", "相机")]
            await everything_delivered(session)
        before = len(await heard(sessions, company.li))

        await a_worker_comes_back(sessions, FakeClock(FRIDAY_5PM))

        [digest] = (await heard(sessions, company.li))[before:]
        assert digest[0] == "有 5 件事请您留意："
        assert all(line.startswith("· ") for line in digest[1:])
        said = "\n".join(digest)
        for words in (
            f"任务 #{first.number}“整理验收单”将于 03-06 18:00 到期",
            f"任务 #{second.number}“更新报价单”将于 03-06 18:00 到期",
            "通知“周五前完成验收”请在卡片上点“收到”，截止 03-03 18:00（制度第 3.6 条）。",
            f"申请 #{lent[0].number}（李军，借用投影仪）：部门负责人超过时限未审批，已请上级审批：赵总。",
            f"申请 #{lent[1].number}（李军，借用相机）：部门负责人超过时限未审批，已请上级审批：赵总。",
        ):
            assert said.count(words) == 1
        [to_the_approver] = await heard(sessions, company.wang)
        assert to_the_approver[0] == "有 2 件事请您留意："
        assert to_the_approver[1].endswith("还在等待您（部门负责人）审批，请在卡片上点“同意”或“驳回”。")
        async with transaction(sessions) as session:
            assert len(await cards_to(session, company.zhao)) == 2, "the superior needs the buttons of each"
        assert await rungs_left(sessions) == 0

    async def test_a_reminder_counts_when_it_was_delivered_among_others(
        self, sessions: Sessions, company: Company
    ) -> None:
        """F78."""
        given = [
            await assign(sessions, company.zhao, company.li, title=title) for title in ("整理验收单", "更新报价单")
        ]
        await a_worker_comes_back(sessions, FakeClock(FRIDAY_5PM))
        async with transaction(sessions) as session:
            assert [await tasks.reminders_delivered(session, row.id) for row in given] == [0, 0]
            await everything_delivered(session)
            assert [await tasks.reminders_delivered(session, row.id) for row in given] == [1, 1]
            [entry] = [one for one in await tasks.entries_of(session, given[1].id) if one.kind == "reminded"]
            [digest] = await session.scalars(select(Message).where(col(Message.purpose) == "ladder.together"))
            assert entry.details == {"message_id": str(digest.id)}

    async def test_what_several_people_hear_alike_is_one_message(self, sessions: Sessions, company: Company) -> None:
        async with transaction(sessions) as session:
            for title in ("周五前完成验收", "下周一盘点"):
                await announcement(session, company.wang, title=title, people=["li", "chen", "han"])
            await everything_delivered(session)
        await a_worker_comes_back(sessions, FakeClock(FRIDAY_5PM))
        async with transaction(sessions) as session:
            digests = await session.scalars(select(Message).where(col(Message.purpose) == "ladder.together"))
            assert sorted(digest.audience for digest in digests) == [1, 3], "the author's two lists, and everybody's"
        [lists] = await heard(sessions, company.wang)
        assert [line.split("已到截止时间")[0] for line in lists[1:]] == [
            "· 通知“周五前完成验收”", "· 通知“下周一盘点”"
        ]  # fmt: skip


class TestTheRestPeriod:
    """3.4: nothing rings in it. What falls due in one night is one message in the morning."""

    async def test_the_morning_brings_one_message_of_what_is_still_true(
        self, sessions: Sessions, company: Company
    ) -> None:
        midnight = MONDAY_9AM + timedelta(hours=15)
        open_, done = [
            await assign(sessions, company.zhao, company.li, title=title, due_at=midnight + timedelta(minutes=minutes))
            for title, minutes in (("整理验收单", 0), ("更新报价单", 30))
        ]
        other = await assign(
            sessions, company.zhao, company.li, title="寄出样品", due_at=midnight + timedelta(minutes=45)
        )
        clock = FakeClock(midnight + timedelta(hours=1))
        await a_worker_comes_back(sessions, clock)
        assert await heard(sessions, company.li) == []
        async with transaction(sessions) as session:
            await service.complete(
                session, task_id=TaskId(done.id), person=company.li, via="rest", now=clock.advance(timedelta(hours=6))
            )
        clock.advance(timedelta(hours=1))
        await a_worker_comes_back(sessions, clock)
        [digest] = await heard(sessions, company.li)
        assert [f"任务 #{row.number}" in "\n".join(digest) for row in (open_, done, other)] == [True, False, True]


class TestExactlyOnce:
    """D3, P2: a process that is killed between the timer and the words neither loses nor doubles them."""

    async def test_killed_while_telling(self, sessions: Sessions, company: Company) -> None:
        given = await assign(sessions, company.zhao, company.li)
        clock = FakeClock(FRIDAY_6PM)
        await sweep(sessions, clock, REGISTRY.timers)
        assert await rungs_left(sessions) > 0, "the deadline has fired"
        async with sessions() as session:  # never committed
            await tell_due(session, now=FRIDAY_6PM)
            assert await texts_to(session, company.li)
        assert await heard(sessions, company.li) == []
        await a_worker_comes_back(sessions, clock)
        await a_worker_comes_back(sessions, clock)
        assert [f"任务 #{given.number}" in said for [said] in await heard(sessions, company.li)] == [True]

    async def test_six_workers_at_the_same_moment(self, sessions: Sessions, company: Company) -> None:
        for title in ("整理验收单", "更新报价单", "寄出样品"):
            await assign(sessions, company.wang, company.li, title=title)
        clock = FakeClock(FRIDAY_6PM)
        for _ in range(4):
            await asyncio.gather(*(sweep(sessions, clock, REGISTRY.timers) for _ in range(6)))
            clock.advance(timedelta(seconds=1))
        assert [len(await heard(sessions, person)) for person in (company.li, company.wang)] == [1, 1]

    async def test_it_waits_for_what_is_about_to_fire_but_not_for_long(
        self, sessions: Sessions, company: Company
    ) -> None:
        """A timer that nobody fires, as of a kind that only a frozen worker holds, silences nobody."""
        await assign(sessions, company.zhao, company.li)
        clock = FakeClock(FRIDAY_5PM)
        await sweep(sessions, clock, REGISTRY.timers)
        without = {kind: one for kind, one in REGISTRY.timers.items() if kind != "announcement.chase"}
        async with transaction(sessions) as session:
            await set_timer(session, "announcement.chase", "held", FRIDAY_5PM)
        await sweep(sessions, clock, without)
        assert await heard(sessions, company.li) == []
        clock.advance(GATHERS)
        await sweep(sessions, clock, without)
        assert len(await heard(sessions, company.li)) == 1


class TestTrouble:
    async def test_a_rung_without_words_silences_nobody_else_and_is_said_later(
        self, sessions: Sessions, company: Company
    ) -> None:
        fails = True

        async def speaks(session: AsyncSession, rung: DueRung) -> Sequence[Words]:
            if fails:
                raise RuntimeError("no words")
            context = await load(session, await tasks.task(session, TaskId(given.id)))
            header = context.timed_header(TaskPurpose.CANCELLED, context.why("task.overdue", SYSTEM))
            return [Words(header, rung.people, text="终于", line="终于")]

        given = await assign(sessions, company.zhao, company.li)
        register(sessions, rungs={**REGISTRY.rungs, "test.silent": speaks})
        clock = FakeClock(NOON)
        async with transaction(sessions) as session:
            about = (await load(session, await tasks.task(session, TaskId(given.id)))).about
            await ladders.reach(session, "test.silent", about, [company.li.id], now=NOON)
        await a_worker_comes_back(sessions, clock)
        assert [("还没有接受" in said) for [said] in await heard(sessions, company.li)] == [True]
        fails = False
        clock.advance(SPEAK_AGAIN)
        await a_worker_comes_back(sessions, clock)
        assert (await heard(sessions, company.li))[1:] == [["终于"]]

    async def test_a_purpose_that_only_another_release_knows_silences_nobody(
        self, sessions: Sessions, company: Company
    ) -> None:
        given = await assign(sessions, company.zhao, company.li)
        async with transaction(sessions) as session:
            about = (await load(session, await tasks.task(session, TaskId(given.id)))).about
            await ladders.reach(session, "test.unheard_of", about, [company.li.id], now=NOON)
        await a_worker_comes_back(sessions, FakeClock(NOON))
        assert [("还没有接受" in said) for [said] in await heard(sessions, company.li)] == [True]
        assert await rungs_left(sessions) == 1, "it is postponed"


async def test_done_between_the_timer_and_the_words_nobody_hears_of_it(session: AsyncSession) -> None:
    company = await found(session)
    given = await task(session, company.zhao, company.li)
    await REGISTRY.timers["task.overdue"](session, str(given.id), FRIDAY_6PM)
    await service.complete(session, task_id=TaskId(given.id), person=company.li, via="rest", now=FRIDAY_6PM)
    await tell_due(session, now=FRIDAY_6PM)
    assert not [text for text in await texts_to(session, company.zhao) if "已逾期" in text]
