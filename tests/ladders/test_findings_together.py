"""Nobody gets the same words twice: what is found about the groups of one administrator is one message."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.database import Sessions, transaction
from app.findings import service as findings
from app.findings.service import Fact
from app.inbox.service import RECONCILE, ReconcilePayload
from app.jobs.timers import sweep
from app.ladders.tell import GATHERS
from models.groups import FindingKind, Group, GroupFinding
from models.ids import GroupId
from tests.builders.approvals import texts_to
from tests.builders.groups import group
from tests.company import Company, found
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.fakes.queue import take_all

NAMES = ("研发部-新品项目", "研发部-例会")
SATURDAY = MONDAY_9AM + timedelta(days=5, hours=2)
NEXT_MONDAY = MONDAY_9AM + timedelta(days=7)


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


@pytest.fixture
async def groups(sessions: Sessions, company: Company) -> list[Group]:
    async with transaction(sessions) as session:
        return [await group(session, name, owner=company.li, members=[company.chen]) for name in NAMES]


async def note(
    sessions: Sessions, company: Company, about: Group, kind: FindingKind = FindingKind.RENAMED, *, now: datetime
) -> GroupFinding:
    async with transaction(sessions) as session:
        fact = Fact(kind, subject="chen", person_id=company.chen.id, who="陈晨", detail="聊天")
        its = await session.get_one(Group, about.id)
        finding = await findings.note(session, its, fact, policy=company.policy, now=now)
        assert finding is not None
        return finding


async def told(sessions: Sessions, company: Company, at: datetime) -> list[list[str]]:
    """What 李军, who owns both groups, has heard by then."""
    while await sweep(sessions, FakeClock(at), REGISTRY.timers):
        pass
    async with transaction(sessions) as session:
        return [text.splitlines() for text in await texts_to(session, company.li)]


class TestTogether:
    async def test_findings_about_two_groups_and_two_about_one_are_one_message(
        self, sessions: Sessions, company: Company, groups: list[Group]
    ) -> None:
        for one in groups:
            await note(sessions, company, one, now=MONDAY_9AM)
        await note(sessions, company, groups[0], FindingKind.UNAPPROVED_LEAVE, now=MONDAY_9AM)
        [lines] = await told(sessions, company, MONDAY_9AM)
        assert lines[0] == "有 3 件事请您留意："
        assert [line.partition("】")[0] for line in lines[1:]] == [
            "· 【群名称被修改", "· 【未经批准退群", "· 【群名称被修改"
        ]  # fmt: skip
        assert all("（制度第 " in line for line in lines[1:])

    async def test_one_alone_is_said_in_full(self, sessions: Sessions, company: Company, groups: list[Group]) -> None:
        await note(sessions, company, groups[0], now=MONDAY_9AM)
        [lines] = await told(sessions, company, MONDAY_9AM)
        assert lines[0].startswith("【群名称被修改】")
        assert lines[-1].startswith("依据制度第 1.3 条：")

    async def test_they_wait_for_working_time_and_a_weekend_is_one_message(
        self, sessions: Sessions, company: Company, groups: list[Group]
    ) -> None:
        for hours, one in enumerate(groups):
            await note(sessions, company, one, now=SATURDAY + timedelta(hours=hours))
        assert await told(sessions, company, NEXT_MONDAY - timedelta(minutes=1)) == []
        [lines] = await told(sessions, company, NEXT_MONDAY + timedelta(minutes=15))
        assert lines[0] == "有 2 件事请您留意："

    async def test_what_was_resolved_meanwhile_is_not_said(
        self, sessions: Sessions, company: Company, groups: list[Group]
    ) -> None:
        first, _ = [await note(sessions, company, one, now=SATURDAY) for one in groups]
        async with transaction(sessions) as session:
            finding = await session.get_one(GroupFinding, first.id)
            await findings.resolve(session, finding, resolution="已处理", actor=SYSTEM, now=SATURDAY)
        [lines] = await told(sessions, company, NEXT_MONDAY + timedelta(minutes=15))
        assert NAMES[1] in lines[0]

    async def test_of_very_many_twenty_are_said_and_how_many_more_there_are(
        self, sessions: Sessions, company: Company, groups: list[Group]
    ) -> None:
        kinds = [FindingKind.RENAMED, FindingKind.UNAPPROVED_LEAVE]
        async with transaction(sessions) as session:
            more = [
                await group(session, f"研发部-{one}", owner=company.li, members=[company.chen]) for one in range(12)
            ]
        for one in more:
            for kind in kinds:
                await note(sessions, company, one, kind, now=MONDAY_9AM)
        lines = [line for text in await told(sessions, company, MONDAY_9AM) for line in text]
        assert lines[0] == "有 24 件事请您留意："
        assert sum(line.startswith("· 【") for line in lines) == 20
        assert lines[-2] == "· 另有 4 件群的差异未逐一列出，请向管理员查询"


class TestOneRound:
    """A comparison of all groups is a job for each: what they find is told when those that wait have run."""

    async def test_it_waits_for_the_groups_that_are_still_to_be_compared_but_not_for_long(
        self, sessions: Sessions, company: Company, groups: list[Group]
    ) -> None:
        async with transaction(sessions) as session:
            await RECONCILE.enqueue(session, ReconcilePayload(group_id=GroupId(groups[1].id)))
        await note(sessions, company, groups[0], now=MONDAY_9AM)
        assert await told(sessions, company, MONDAY_9AM) == []
        await note(sessions, company, groups[1], now=MONDAY_9AM)
        async with transaction(sessions) as session:
            await take_all(session)
        [lines] = await told(sessions, company, MONDAY_9AM + timedelta(seconds=1))
        assert lines[0] == "有 2 件事请您留意："

    async def test_a_queue_that_stands_still_silences_nobody(
        self, sessions: Sessions, company: Company, groups: list[Group]
    ) -> None:
        async with transaction(sessions) as session:
            await RECONCILE.enqueue(session, ReconcilePayload(group_id=GroupId(groups[1].id)))
        await note(sessions, company, groups[0], now=MONDAY_9AM)
        assert await told(sessions, company, MONDAY_9AM) == []
        assert len(await told(sessions, company, MONDAY_9AM + GATHERS)) == 1
