"""What people say about a task, on the card and by REST."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor, ActorKind
from app.tasks import queries, service
from app.tasks.errors import NotYourTask, TaskFinished, TaskNotFound
from models.delivery import CallKind, OutgoingCall
from models.ids import TaskId, new_id
from models.org import Person
from models.tasks import Task, TaskState
from tests.builders.announcements import audit_of, calls_of_kind, timers_of
from tests.builders.approvals import cards_to, faces_of, texts_to
from tests.builders.clicks import click_event
from tests.builders.tasks import FRIDAY_6PM, everything_delivered, say, story_of, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

TEN_PAST = MONDAY_9AM + timedelta(minutes=10)


@pytest.fixture
async def given(session: AsyncSession, company: Company) -> Task:
    """From 王芳 to 李军, with 陈晨; everything has arrived."""
    row = await task(session, company.wang, company.li, collaborators=[company.chen])
    await everything_delivered(session)
    return row


def keys(face: dict[str, object]) -> list[str]:
    buttons = face["button_list"]
    assert isinstance(buttons, list)
    return [button["key"].partition(":")[0] for button in buttons]


async def report(
    session: AsyncSession, given: Task, person: Person, progress: int, note: str = "", *, now: datetime = TEN_PAST
) -> Task:
    return await service.report_progress(
        session, service.ProgressReport(progress, note), task_id=TaskId(given.id), person=person, via="rest", now=now
    )


async def block(session: AsyncSession, given: Task, person: Person, note: str = "") -> Task:
    return await service.block(session, task_id=TaskId(given.id), person=person, note=note, via="rest", now=TEN_PAST)


async def cancel(session: AsyncSession, given: Task, person: Person | None, actor: Actor | None = None) -> Task:
    return await service.cancel(
        session, task_id=TaskId(given.id), person=person, actor=actor, note="不再需要", via="rest", now=TEN_PAST
    )


class TestAccepting:
    """4.2: 收到任务应立即确认，最迟 30 分钟（工作时间）内。"""

    async def test_a_click_accepts_and_the_card_keeps_what_remains(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "accept", given, now=TEN_PAST)
        assert (given.state, given.accepted_at) == (TaskState.ACCEPTED, TEN_PAST)
        [face] = await faces_of(session, company.li)
        assert keys(face) == ["task.progress", "task.done", "task.blocked"]
        assert {"keyname": "状态", "value": "进行中"} in face["horizontal_content_list"]

    async def test_the_assigner_is_told(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "accept", given)
        [text] = await texts_to(session, company.wang)
        assert text.startswith(f"任务 #{given.number}“整理验收单”：李军已接受任务，截止 03-06 18:00。")

    async def test_nobody_is_reminded_to_accept_any_more(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "accept", given)
        assert set(await timers_of(session, given.id)) == {"task.remind:0", "task.remind:1", "task.overdue"}

    async def test_it_is_written_down(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "accept", given)
        assert await story_of(session, given) == [("assigned", 0), ("accepted", 0)]
        entry = (await audit_of(session, given.id))[-1]
        assert (entry.action, entry.actor_id, entry.rule_key) == ("task.accepted", str(company.li.id), "task.accept")
        assert entry.policy_version_id == company.policy.id

    async def test_only_the_owner_accepts(self, session: AsyncSession, company: Company, given: Task) -> None:
        for person in (company.chen, company.wang, company.sun):
            with pytest.raises(NotYourTask):
                await service.accept(session, task_id=TaskId(given.id), person=person, via="rest", now=TEN_PAST)
        assert given.state is TaskState.ASSIGNED

    async def test_one_who_gave_it_to_themself_is_not_told(self, session: AsyncSession, company: Company) -> None:
        own = await task(session, company.li, company.li)
        await everything_delivered(session)
        await say(session, company.li, "accept", own)
        assert await texts_to(session, company.li) == []

    async def test_a_task_that_is_not_there(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(TaskNotFound):
            await service.accept(session, task_id=TaskId(new_id()), person=company.li, via="rest", now=TEN_PAST)


class TestProgress:
    """4.3: 及时报告进展，日清日结；遇到困难及时求助。"""

    async def test_half_done_by_card(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "progress", given)
        assert (given.state, given.progress) == (TaskState.ACCEPTED, 50)
        assert given.accepted_at is not None
        [face] = await faces_of(session, company.li)
        assert keys(face) == ["task.done", "task.blocked"]
        assert "task.accept_due" not in await timers_of(session, given.id)

    async def test_a_collaborator_reports_with_a_note(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await report(session, given, company.chen, 20, "三号楼完成")
        assert (given.state, given.progress, given.accepted_at) == (TaskState.ASSIGNED, 20, None)
        entry = (await queries.entries_of(session, given.id))[-1]
        assert (entry.person_id, entry.progress, entry.note, entry.via) == (company.chen.id, 20, "三号楼完成", "rest")
        assert "task.accept_due" in await timers_of(session, given.id)

    async def test_the_owners_card_shows_what_the_collaborator_said(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await report(session, given, company.chen, 20)
        [face] = await faces_of(session, company.li)
        assert {"keyname": "进度", "value": "20%"} in face["horizontal_content_list"]
        assert keys(face)[0] == "task.accept"

    async def test_the_assigner_is_not_told_of_every_step(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await report(session, given, company.li, 30)
        assert await texts_to(session, company.wang) == []

    async def test_the_same_report_again_does_nothing(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await report(session, given, company.li, 30)
        await report(session, given, company.li, 30, now=TEN_PAST + timedelta(hours=1))
        assert await story_of(session, given) == [("assigned", 0), ("progressed", 30)]
        assert len(await faces_of(session, company.li)) == 1

    async def test_a_stranger_reports_nothing(self, session: AsyncSession, company: Company, given: Task) -> None:
        with pytest.raises(NotYourTask):
            await report(session, given, company.sun, 30)

    async def test_a_card_that_waits_to_be_sent_keeps_its_buttons(
        self, session: AsyncSession, company: Company
    ) -> None:
        waiting = await task(session, company.wang, company.li)
        await report(session, waiting, company.li, 30)
        assert await calls_of_kind(session, CallKind.CARD_UPDATE) == []
        assert await texts_to(session, company.li) == []
        assert len(await cards_to(session, company.li)) == 1


class TestDifficulty:
    """4.2: 不能完成的应说明并提出办法; 4.3: 遇到困难及时求助。"""

    async def test_the_assigner_reads_what_is_in_the_way(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await block(session, given, company.li, "缺少三号楼钥匙，请行政协助")
        assert given.state is TaskState.BLOCKED
        [text] = await texts_to(session, company.wang)
        assert "李军遇到困难：缺少三号楼钥匙，请行政协助。请协助解决（制度第 4.3 条）。" in text

    async def test_a_card_cannot_say_why_so_the_assigner_is_asked_to_call(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "blocked", given)
        [text] = await texts_to(session, company.wang)
        assert "没有写明原因，请与其联系" in text
        [face] = await faces_of(session, company.li)
        assert keys(face) == ["task.accept", "task.progress", "task.done"]

    async def test_saying_so_is_an_answer(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "blocked", given)
        assert "task.accept_due" not in await timers_of(session, given.id)

    async def test_a_collaborator_may_ask_for_help_and_the_owner_still_has_to_answer(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await block(session, given, company.chen, "打不开系统")
        assert given.state is TaskState.BLOCKED
        assert "task.accept_due" in await timers_of(session, given.id)

    async def test_pressing_again_tells_nobody_again(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "blocked", given)
        await say(session, company.li, "blocked", given)
        assert len(await texts_to(session, company.wang)) == 1
        assert await story_of(session, given) == [("assigned", 0), ("blocked", 0)]

    async def test_another_difficulty_is_told(self, session: AsyncSession, company: Company, given: Task) -> None:
        await block(session, given, company.li, "缺少钥匙")
        await block(session, given, company.li, "停电")
        assert len(await texts_to(session, company.wang)) == 2

    async def test_it_goes_on_when_the_difficulty_is_solved(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "accept", given)
        await say(session, company.li, "blocked", given)
        face = (await faces_of(session, company.li))[-1]
        assert face["button_list"][0]["text"] == "困难已解决"
        await say(session, company.li, "accept", given, now=TEN_PAST)
        assert (given.state, given.accepted_at) == (TaskState.ACCEPTED, MONDAY_9AM)
        assert [kind for kind, _ in await story_of(session, given)] == ["assigned", "accepted", "blocked", "resumed"]
        assert "困难已解决，任务继续进行" in (await texts_to(session, company.wang))[-1]


class TestCompleting:
    """4.1: 任务写明完成标准; the owner says that it is met, the assigner checks."""

    async def test_done_greys_the_card_and_tells_the_assigner_what_counts(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "done", given, now=TEN_PAST)
        assert (given.state, given.progress, given.done_at) == (TaskState.DONE, 100, TEN_PAST)
        [face] = await faces_of(session, company.li)
        assert face["replace_text"] == "已完成"
        [text] = await texts_to(session, company.wang)
        assert "李军已完成。" in text
        assert "完成标准：验收单全部勾选并上传，请核对。" in text

    async def test_nothing_is_asked_any_more(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "done", given)
        assert await timers_of(session, given.id) == {}

    async def test_after_it_was_due_it_is_marked_late(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "done", given, now=FRIDAY_6PM + timedelta(minutes=1))
        assert [face["replace_text"] for face in await faces_of(session, company.li)] == ["逾期完成"]
        assert "李军逾期完成。" in (await texts_to(session, company.wang))[0]

    async def test_a_collaborator_cannot_complete_it(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        with pytest.raises(NotYourTask):
            await service.complete(session, task_id=TaskId(given.id), person=company.chen, via="rest", now=TEN_PAST)

    async def test_done_is_final(self, session: AsyncSession, company: Company, given: Task) -> None:
        await say(session, company.li, "done", given)
        with pytest.raises(TaskFinished):
            await report(session, given, company.li, 10)
        with pytest.raises(TaskFinished):
            await cancel(session, given, company.wang)
        assert given.progress == 100

    async def test_an_old_card_pressed_afterwards_only_turns_grey(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "done", given)
        await say(session, company.li, "progress", given)
        assert (given.state, given.progress) == (TaskState.DONE, 100)
        assert [face["replace_text"] for face in await faces_of(session, company.li)] == ["已完成", "已完成"]
        assert await story_of(session, given) == [("assigned", 0), ("done", 100)]


class TestCancelling:
    """4.3: what was assigned is changed with the assigner's consent only."""

    async def test_the_assigner_takes_it_back(self, session: AsyncSession, company: Company, given: Task) -> None:
        await cancel(session, given, company.wang)
        assert given.state is TaskState.CANCELLED
        assert [face["replace_text"] for face in await faces_of(session, company.li)] == ["已取消"]
        for person in (company.chen, company.li):
            told = [text for text in await texts_to(session, person) if "取消" in text]
            assert told == [f"任务 #{given.number}“整理验收单”已由王芳取消：不再需要。"]
        assert await texts_to(session, company.wang) == []
        assert await timers_of(session, given.id) == {}

    async def test_an_administrator_may_and_the_assigner_hears_it(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await cancel(session, given, None, Actor(ActorKind.API_KEY, "hr"))
        assert len(await texts_to(session, company.wang)) == 1
        entry = (await audit_of(session, given.id))[-1]
        assert (entry.action, entry.actor_kind, entry.actor_id) == ("task.cancelled", "api_key", "hr")

    async def test_who_may_assign_in_the_whole_company_takes_back_everybodys(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        """孙宁 is HR: she holds `task.assign` in the whole company (D21)."""
        await cancel(session, given, company.sun)
        entry = (await audit_of(session, given.id))[-1]
        assert (entry.action, entry.actor_kind, entry.actor_id) == ("task.cancelled", "person", str(company.sun.id))

    async def test_an_actor_beside_a_person_opens_nothing(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        with pytest.raises(NotYourTask):
            await cancel(session, given, company.li, Actor(ActorKind.API_KEY, "hr"))

    async def test_nobody_else_may(self, session: AsyncSession, company: Company, given: Task) -> None:
        """陈晨 helps, 李军 owns it, and 王芳 heads the department of whoever has what 韩梅 assigned."""
        others = await task(session, company.han, company.li)
        with pytest.raises(NotYourTask):
            await cancel(session, others, company.wang)
        for person in (company.li, company.chen):
            with pytest.raises(NotYourTask):
                await cancel(session, given, person)
        with pytest.raises(NotYourTask):
            await cancel(session, given, None)

    async def test_once_is_enough(self, session: AsyncSession, company: Company, given: Task) -> None:
        await cancel(session, given, company.wang)
        await cancel(session, given, company.wang)
        assert await story_of(session, given) == [("assigned", 0), ("cancelled", 0)]

    async def test_a_card_that_was_never_sent_is_taken_back_and_told(
        self, session: AsyncSession, company: Company
    ) -> None:
        waiting = await task(session, company.wang, company.li)
        await cancel(session, waiting, company.wang)
        assert await calls_of_kind(session, CallKind.CARD_UPDATE) == []
        assert await texts_to(session, company.li) == [f"任务 #{waiting.number}“整理验收单”已由王芳取消：不再需要。"]

    async def test_whose_card_cannot_change_is_told_once(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        """Its code is over: nothing comes in place of the card beside the text about the end."""
        await session.execute(update(OutgoingCall).values(response_code_spent_at=TEN_PAST))
        await cancel(session, given, company.wang)
        assert await faces_of(session, company.li) == []
        assert len([text for text in await texts_to(session, company.li) if "取消" in text]) == 1

    async def test_who_takes_back_what_they_had_themselves_is_told_nothing(
        self, session: AsyncSession, company: Company
    ) -> None:
        own = await task(session, company.li, company.li)
        await everything_delivered(session)
        await cancel(session, own, company.li)
        assert await texts_to(session, company.li) == []
        assert [face["replace_text"] for face in await faces_of(session, company.li)] == ["已取消"]

    async def test_an_owner_who_assigned_it_is_told_once(self, session: AsyncSession, company: Company) -> None:
        own = await task(session, company.li, company.li)
        await everything_delivered(session)
        await cancel(session, own, company.sun)
        assert await texts_to(session, company.li) == [f"任务 #{own.number}“整理验收单”已由孙宁取消：不再需要。"]


class TestRepeatedEvents:
    """P2: every callback takes effect once, whatever is repeated, reordered, or killed half-way."""

    @pytest.mark.parametrize("word", ["accept", "progress", "blocked", "done"])
    async def test_the_same_event_twice(self, session: AsyncSession, company: Company, given: Task, word: str) -> None:
        event = await click_event(session, word)
        await say(session, company.li, word, given, event=event)
        before = (await story_of(session, given), await calls_of_kind(session, CallKind.MESSAGE_SEND))
        await say(session, company.li, word, given, event=event, now=TEN_PAST)
        assert (await story_of(session, given), await calls_of_kind(session, CallKind.MESSAGE_SEND)) == before
        assert len(await faces_of(session, company.li)) == 1

    async def test_an_old_event_replayed_undoes_nothing(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        event = await click_event(session, "progress")
        await say(session, company.li, "progress", given, event=event)
        await report(session, given, company.li, 30, "更正")
        await say(session, company.li, "progress", given, event=event, now=TEN_PAST)
        assert given.progress == 30

    async def test_a_repeat_of_a_click_that_had_no_effect(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "done", given)
        event = await click_event(session, "accept")
        for _ in range(3):
            await say(session, company.li, "accept", given, event=event)
        assert len(await faces_of(session, company.li)) == 2
        assert await texts_to(session, company.li) == []

    async def test_clicks_in_the_wrong_order(self, session: AsyncSession, company: Company, given: Task) -> None:
        for word in ("done", "progress", "accept"):
            await say(session, company.li, word, given)
        assert given.state is TaskState.DONE
        assert await story_of(session, given) == [("assigned", 0), ("done", 100)]
