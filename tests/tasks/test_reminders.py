"""What happens by itself: the reminders, the deadline, the superiors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.tasks import queries
from models.org import PersonStatus
from models.tasks import Task
from tests.builders import groups
from tests.builders.announcements import audit_of, timers_of
from tests.builders.approvals import texts_to
from tests.builders.ladders import rings
from tests.builders.policy import policy
from tests.builders.tasks import FRIDAY_6PM, everything_delivered, say, story_of, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HALF_PAST_NINE = MONDAY_9AM + timedelta(minutes=30)
MONDAY_6PM = FRIDAY_6PM + timedelta(days=3)


@pytest.fixture
async def given(session: AsyncSession, company: Company) -> Task:
    """From 赵总 to 李军, whose head is 王芳."""
    row = await task(session, company.zhao, company.li, collaborators=[company.chen])
    await everything_delivered(session)
    return row


class TestAcceptance:
    """4.2: 收到任务应立即确认；不能完成的应说明并提出办法。"""

    async def test_who_has_not_accepted_is_reminded_under_the_clause(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.accept_due", str(given.id), HALF_PAST_NINE)
        [text] = await texts_to(session, company.li)
        assert text.startswith(f"任务 #{given.number}“整理验收单”还没有接受。")
        assert "制度第 4.2 条" in text
        entry = (await audit_of(session, given.id))[-1]
        assert (entry.action, entry.actor_kind, entry.rule_key) == ("task.reminded", "system", "task.accept")

    async def test_who_has_accepted_is_left_in_peace(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "accept", given)
        await rings(session, "task.accept_due", str(given.id), HALF_PAST_NINE)
        assert await texts_to(session, company.li) == []


class TestLadder:
    """4.3, F77: reminders before it is due; F78: a reminder counts when it was delivered."""

    async def test_each_rung_reminds_the_owner_of_the_deadline(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "progress", given)
        for rung in (0, 1):
            await rings(session, "task.remind", f"{given.id}:{rung}", FRIDAY_6PM - timedelta(hours=2))
        texts = await texts_to(session, company.li)
        assert len(texts) == 2
        assert "将于 03-06 18:00 到期，目前进行中，进度 50%" in texts[0]
        assert await texts_to(session, company.chen) != texts

    async def test_a_reminder_counts_when_it_was_delivered(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.remind", f"{given.id}:0", FRIDAY_6PM - timedelta(hours=2))
        assert await queries.reminders_delivered(session, given.id) == 0
        await everything_delivered(session)
        assert await queries.reminders_delivered(session, given.id) == 1

    async def test_after_a_standstill_what_is_overdue_is_not_announced_as_coming(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.remind", f"{given.id}:1", FRIDAY_6PM)
        await rings(session, "task.accept_due", str(given.id), FRIDAY_6PM)
        assert await texts_to(session, company.li) == []

    async def test_a_finished_task_is_not_called_up(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "done", given)
        for timer, subject in (("remind", ":0"), ("overdue", ""), ("escalate", ":0"), ("accept_due", "")):
            await rings(session, f"task.{timer}", f"{given.id}{subject}", FRIDAY_6PM)
        assert await story_of(session, given) == [("assigned", 0), ("done", 100)]


class TestOverdue:
    """4.4: 布置人负责跟进；逾期的告知其上级，至下一个工作日下班仍未完成的告知部门负责人。"""

    async def test_owner_and_assigner_hear_it(self, session: AsyncSession, company: Company, given: Task) -> None:
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        for person in (company.li, company.zhao):
            assert "已逾期：截止 03-06 18:00，责任人 李军" in (await texts_to(session, person))[-1]
        assert await texts_to(session, company.sun) == []

    async def test_the_direct_leader_hears_it_at_once(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        company.li.direct_leader_userids = ["sun"]
        await session.flush()
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        [text] = await texts_to(session, company.sun)
        assert "布置人：赵总。请督促或协助解决。" in text
        assert await texts_to(session, company.wang) == []

    async def test_who_has_no_direct_leader_answers_to_the_head(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        assert len(await texts_to(session, company.wang)) == 1

    async def test_at_the_end_of_the_next_working_day_the_head_hears_it(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        company.li.direct_leader_userids = ["sun"]
        await session.flush()
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        timer = (await timers_of(session, given.id))["task.escalate:1"]
        assert timer.due_at == MONDAY_6PM
        assert timer.basis is not None
        assert timer.basis["working_days"] == 1
        await rings(session, "task.escalate", timer.subject, MONDAY_6PM)
        assert len(await texts_to(session, company.wang)) == 1

    async def test_done_in_between_it_goes_no_higher(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        await say(session, company.li, "done", given, now=FRIDAY_6PM + timedelta(hours=1))
        assert "task.escalate:1" not in await timers_of(session, given.id)

    async def test_after_a_long_standstill_everybody_hears_it_at_once(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.overdue", str(given.id), MONDAY_6PM + timedelta(days=1))
        kinds = [kind for kind, _ in await story_of(session, given)]
        assert kinds == ["assigned", "overdue", "escalated", "escalated"]

    async def test_a_leader_who_cannot_act_is_passed_over(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        company.li.direct_leader_userids = ["sun"]
        company.sun.status = PersonStatus.DISABLED
        await session.flush()
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        assert await texts_to(session, company.sun) == []
        assert len(await texts_to(session, company.wang)) == 1

    async def test_when_nobody_is_above_the_owner_the_entry_says_so(
        self, session: AsyncSession, company: Company
    ) -> None:
        top = await task(session, company.wang, company.zhao)
        await rings(session, "task.overdue", str(top.id), FRIDAY_6PM)
        entry = (await queries.entries_of(session, top.id))[-1]
        assert (entry.kind, entry.details) == ("escalated", {"to": "direct_leader", "people": []})

    async def test_it_is_written_down_under_the_clause(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        entries = (await audit_of(session, given.id))[-2:]
        assert [(entry.action, entry.rule_key) for entry in entries] == [
            ("task.overdue", "task.overdue"),
            ("task.escalated", "task.overdue"),
        ]

    @pytest.mark.parametrize(
        ("to", "heard_by"),
        [
            ("department_head", "wang"),
            ("group_administrator", "han"),
            ("role:hr", "sun"),
            ("post:总裁", "zhao"),
            ("userid:SUN", "sun"),
        ],
    )
    async def test_the_company_may_name_whom_it_likes(
        self, session: AsyncSession, company: Company, to: str, heard_by: str
    ) -> None:
        changed = await policy(session, tasks__escalation=[{"after": "0m", "to": to}])
        group = await groups.group(session, policy=changed, owner=company.han, members=[company.li])
        late = await task(session, company.chen, company.li, group_id=group.id)
        await rings(session, "task.overdue", str(late.id), FRIDAY_6PM)
        texts = await texts_to(session, getattr(company, heard_by))
        assert ["请督促或协助解决" in text for text in texts] == [True]

    async def test_a_task_keeps_the_ladder_it_was_assigned_under(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await policy(session, tasks__escalation=[])
        await rings(session, "task.overdue", str(given.id), FRIDAY_6PM)
        assert len(await texts_to(session, company.wang)) == 1
