"""A task is assigned: who is told what, and what is set up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.tasks import queries
from app.tasks.errors import DueInThePast, UnknownGroup
from models.delivery import CallKind
from models.ids import new_id
from models.tasks import TaskState
from tests.builders import groups
from tests.builders.announcements import audit_of, calls_of_kind, group_posts, timers_of
from tests.builders.approvals import cards_to, texts_to
from tests.builders.policy import policy
from tests.builders.tasks import FRIDAY_6PM, story_of, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM


class TestAssigning:
    """4.1: 任务写明责任人、协作人、期限和完成标准，在所属群内发布。"""

    async def test_the_owner_gets_a_card_with_everything_on_it(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li, description="三号楼", collaborators=[company.chen])
        [card] = await cards_to(session, company.li)
        assert card["main_title"] == {"title": "整理验收单", "desc": f"任务 #{given.number}"}
        assert card["sub_title_text"] == "完成标准：验收单全部勾选并上传\n三号楼"
        assert [(row["keyname"], row["value"]) for row in card["horizontal_content_list"]] == [
            ("布置人", "王芳"),
            ("截止", "03-06 18:00"),
            ("协作人", "陈晨"),
            ("进度", "0%"),
            ("状态", "待接受"),
        ]
        assert "第 4.2 条" in card["quote_area"]["quote_text"]

    async def test_the_card_can_say_four_things(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li)
        [card] = await cards_to(session, company.li)
        assert [(button["text"], button["key"]) for button in card["button_list"]] == [
            ("接受", f"task.accept:{given.id}"),
            ("进行中 50%", f"task.progress:{given.id}"),
            ("完成", f"task.done:{given.id}"),
            ("遇到困难", f"task.blocked:{given.id}"),
        ]

    async def test_collaborators_are_told_in_a_text(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li, collaborators=[company.chen, company.sun])
        [text] = await texts_to(session, company.chen)
        assert text.startswith(f"请您协作任务 #{given.number}“整理验收单”，责任人：李军，布置人：王芳。")
        assert await texts_to(session, company.sun) == [text]
        assert await cards_to(session, company.chen) == []

    async def test_the_owner_does_not_also_collaborate(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li, collaborators=[company.li, company.chen, company.chen])
        assert [person.id for person in await queries.collaborators_of(session, given.id)] == [company.chen.id]
        assert await texts_to(session, company.li) == []

    async def test_it_is_published_in_its_group_mentioning_who_is_concerned(
        self, session: AsyncSession, company: Company
    ) -> None:
        group = await groups.group(
            session, policy=company.policy, owner=company.wang, members=[company.li, company.chen]
        )
        given = await task(session, company.wang, company.li, collaborators=[company.chen], group_id=group.id)
        [post] = await group_posts(session, group)
        assert post["text"]["mentioned_list"] == ["li", "chen"]
        assert post["text"]["content"].splitlines() == [
            f"【任务 #{given.number}】整理验收单",
            "责任人：李军",
            "协作人：陈晨",
            "截止：03-06 18:00",
            "完成标准：验收单全部勾选并上传",
            "布置人：王芳（制度第 4.1 条）",
        ]

    async def test_without_a_group_nothing_is_posted(self, session: AsyncSession, company: Company) -> None:
        await task(session, company.wang, company.li)
        assert await calls_of_kind(session, CallKind.APPCHAT_SEND) == []

    async def test_a_group_nobody_registered(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(UnknownGroup):
            await task(session, company.wang, company.li, group_id=new_id())

    async def test_due_in_the_past(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(DueInThePast):
            await task(session, company.wang, company.li, due_at=MONDAY_9AM)
        assert await calls_of_kind(session, CallKind.MESSAGE_SEND) == []

    async def test_it_is_written_down_with_its_clause(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li)
        assert given.state is TaskState.ASSIGNED
        assert await story_of(session, given) == [("assigned", 0)]
        [entry] = await audit_of(session, given.id)
        assert (entry.action, entry.actor_id) == ("task.assigned", str(company.wang.id))
        assert (entry.policy_version_id, entry.rule_key) == (company.policy.id, "task.assign")

    async def test_numbers_count_up(self, session: AsyncSession, company: Company) -> None:
        first = await task(session, company.wang, company.li)
        second = await task(session, company.wang, company.li)
        assert second.number > first.number

    async def test_one_may_give_oneself_a_task(self, session: AsyncSession, company: Company) -> None:
        await task(session, company.li, company.li)
        assert len(await cards_to(session, company.li)) == 1


class TestTimers:
    """4.2: 最迟 30 分钟（工作时间）内确认; 4.3, F77: reminders before it is due; 4.4: overdue."""

    async def test_acceptance_in_30_working_minutes(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li)
        timer = (await timers_of(session, given.id))["task.accept_due"]
        assert timer.due_at == MONDAY_9AM + timedelta(minutes=30)
        assert timer.basis is not None
        assert timer.basis["working_seconds"] == 1800

    async def test_assigned_in_the_evening_the_30_minutes_begin_in_the_morning(
        self, session: AsyncSession, company: Company
    ) -> None:
        at_8pm = MONDAY_9AM + timedelta(hours=11)
        given = await task(session, company.wang, company.li, now=at_8pm)
        timer = (await timers_of(session, given.id))["task.accept_due"]
        assert timer.due_at == MONDAY_9AM + timedelta(days=1, minutes=30)

    async def test_one_timer_for_each_rung_of_the_ladder(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li)
        timers = await timers_of(session, given.id)
        assert {name: timer.due_at for name, timer in timers.items()} == {
            "task.accept_due": MONDAY_9AM + timedelta(minutes=30),
            "task.remind:0": FRIDAY_6PM - timedelta(days=1, hours=9),  # Thursday, at the beginning of work
            "task.remind:1": FRIDAY_6PM - timedelta(hours=2),
            "task.overdue": FRIDAY_6PM,
        }

    async def test_a_rung_that_is_past_is_left_out(self, session: AsyncSession, company: Company) -> None:
        given = await task(session, company.wang, company.li, due_at=MONDAY_9AM + timedelta(hours=3))
        assert set(await timers_of(session, given.id)) == {"task.accept_due", "task.remind:1", "task.overdue"}

    async def test_due_within_the_30_minutes_only_overdue_is_left(
        self, session: AsyncSession, company: Company
    ) -> None:
        given = await task(session, company.wang, company.li, due_at=MONDAY_9AM + timedelta(minutes=20))
        assert set(await timers_of(session, given.id)) == {"task.overdue"}

    async def test_the_company_may_choose_another_ladder(self, session: AsyncSession, company: Company) -> None:
        await policy(session, tasks__accept_within="8s", tasks__remind_before=["1h", "30m", "10m"])
        given = await task(session, company.wang, company.li)
        timers = await timers_of(session, given.id)
        assert timers["task.accept_due"].due_at == MONDAY_9AM + timedelta(seconds=8)
        assert timers["task.remind:2"].due_at == FRIDAY_6PM - timedelta(minutes=10)
