"""4.5, F82: a leaver's open tasks are handed to their leader."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.bootstrap import REGISTRY
from app.departures.service import Departure, DepartureReason
from app.ladders.tell import tell_due
from app.tasks import queries
from app.tasks.departures import hand_over
from app.tasks.errors import NotYourTask
from app.tasks.service import complete
from models.events import PublishedEvent
from models.ids import PersonId, TaskId
from models.org import Person, PersonStatus
from models.tasks import Task, TaskState
from tests.builders.announcements import audit_of, timers_of
from tests.builders.approvals import cards_to, texts_to
from tests.builders.tasks import FRIDAY_6PM, everything_delivered, say, story_of, task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

TUESDAY_9AM = MONDAY_9AM + timedelta(days=1)
TUESDAY_NOON = TUESDAY_9AM + timedelta(hours=3)


@pytest.fixture
async def given(session: AsyncSession, company: Company) -> Task:
    """From 赵总 to 李军, whose head is 王芳; 陈晨 helps. 李军 has reported half of it."""
    row = await task(session, company.zhao, company.li, collaborators=[company.chen])
    await everything_delivered(session)
    await say(session, company.li, "progress", row)
    return row


async def leaves(session: AsyncSession, person: Person, reason: DepartureReason = DepartureReason.LEFT) -> None:
    """The person is gone, the part goes through their tasks, and everybody is told."""
    await leaves_untold(session, person, reason)
    await tell_due(session, now=TUESDAY_NOON)


async def leaves_untold(session: AsyncSession, person: Person, reason: DepartureReason = DepartureReason.LEFT) -> None:
    person.status = PersonStatus(reason.value)
    await session.flush()
    departure = Departure(PersonId(person.id), reason)
    for task_id in await queries.open_tasks_of(session, person.id):
        await hand_over(session, task_id=task_id, departure=departure, now=TUESDAY_9AM)


class TestWhoFollows:
    async def test_the_direct_leader_whom_the_platform_names(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        company.li.direct_leader_userids = ["sun"]
        await leaves(session, company.li)
        assert given.owner_id == company.sun.id

    async def test_without_one_the_head_of_the_department(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await leaves(session, company.li, DepartureReason.DISABLED)
        assert given.owner_id == company.wang.id

    async def test_above_the_head_the_next_head(self, session: AsyncSession, company: Company) -> None:
        of_the_head = await task(session, company.han, company.wang)
        await leaves(session, company.wang)
        assert of_the_head.owner_id == company.zhao.id

    async def test_with_nobody_above_who_assigned_it(self, session: AsyncSession, company: Company) -> None:
        of_the_president = await task(session, company.sun, company.zhao)
        await leaves(session, company.zhao)
        assert of_the_president.owner_id == company.sun.id

    async def test_when_that_one_is_gone_too_who_supervises(self, session: AsyncSession, company: Company) -> None:
        of_the_president = await task(session, company.zhao, company.zhao)
        await leaves(session, company.zhao)
        assert of_the_president.owner_id in {company.han.id, company.sun.id}


class TestHandingOver:
    async def test_the_leader_is_asked_to_accept_and_progress_stays(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await leaves(session, company.li)
        assert (given.state, given.progress, given.accepted_at) == (TaskState.ASSIGNED, 50, None)
        assert given.due_at == FRIDAY_6PM
        [card] = await cards_to(session, company.wang)
        assert "task.accept" in str(card)
        assert "task.accept_due" in await timers_of(session, given.id)
        await say(session, company.wang, "done", given, now=TUESDAY_9AM)
        assert given.state is TaskState.DONE

    async def test_everybody_concerned_reads_who_has_it_now_and_under_which_clause(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await leaves(session, company.li)
        [to_owner] = await texts_to(session, company.wang)
        assert f"任务 #{given.number}“整理验收单”：李军已离职，由您接手" in to_owner
        assert "制度第 4.5 条" in to_owner
        assert "进度：50%" in to_owner
        for person in (company.zhao, company.chen):
            assert "李军已离职，由王芳接手" in (await texts_to(session, person))[-1]
        assert not any("由" in text and "接手" in text for text in await texts_to(session, company.li))

    async def test_all_that_a_leaver_had_is_one_message_to_each(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        """Nobody gets a text for each of thirty tasks; each has its card."""
        more = [await task(session, company.zhao, company.li, title=f"归档第 {n} 卷") for n in range(1, 4)]
        await everything_delivered(session)
        before = len(await texts_to(session, company.zhao))
        await leaves(session, company.li)

        [to_owner] = await texts_to(session, company.wang)
        assert to_owner.splitlines()[0] == "有 4 件事请您留意："
        for one in (given, *more):
            assert (
                f"· 任务 #{one.number}“{one.title}”：李军已离职，由您接手，请在卡片上接受；截止 03-06 18:00" in to_owner
            )
        assert len(await cards_to(session, company.wang)) == 4
        [to_assigner] = (await texts_to(session, company.zhao))[before:]
        assert to_assigner.count("李军已离职，由王芳接手") == 4

    async def test_who_hears_of_it_after_the_deadline_reads_that_it_is_overdue(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        """4.4: both fall due together after a time down, and one message says both."""
        await leaves_untold(session, company.li)
        await REGISTRY.timers["task.overdue"](session, str(given.id), FRIDAY_6PM)
        await tell_due(session, now=FRIDAY_6PM)
        for person in (company.wang, company.zhao):
            text = (await texts_to(session, person))[-1]
            assert "接手" in text
            assert "截止：03-06 18:00（已逾期）" in text

    async def test_nobody_hears_of_what_is_done_before_it_is_said(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await leaves_untold(session, company.li)
        await say(session, company.wang, "done", given, now=TUESDAY_9AM)
        await tell_due(session, now=TUESDAY_NOON)
        assert not [text for text in await texts_to(session, company.wang) if "接手" in text]

    async def test_it_stands_in_the_history_in_the_trail_and_in_the_feed(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await leaves(session, company.li)
        assert (await story_of(session, given))[-1] == ("handed_over", 50)
        entry = (await audit_of(session, given.id))[-1]
        assert (entry.action, entry.actor_kind, entry.rule_key) == ("task.handed_over", "system", "task.hand_over")
        statement = select(PublishedEvent).where(col(PublishedEvent.type) == "task.handed_over")
        [event] = (await session.scalars(statement)).all()
        assert event.data["former_owner_id"] == str(company.li.id)
        assert event.data["owner_id"] == str(company.wang.id)

    async def test_a_leader_who_helped_is_no_collaborator_any_more(
        self, session: AsyncSession, company: Company
    ) -> None:
        row = await task(session, company.zhao, company.li, collaborators=[company.wang, company.chen])
        await leaves(session, company.li)
        assert [one.id for one in await queries.collaborators_of(session, row.id)] == [company.chen.id]

    async def test_the_leaver_can_do_nothing_more_with_it(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await leaves(session, company.li)
        with pytest.raises(NotYourTask):
            await complete(session, task_id=TaskId(given.id), person=company.li, via="rest", now=TUESDAY_9AM)

    async def test_twice_is_once(self, session: AsyncSession, company: Company, given: Task) -> None:
        await leaves(session, company.li)
        story, texts = await story_of(session, given), await texts_to(session, company.wang)
        departure = Departure(PersonId(company.li.id), DepartureReason.LEFT)
        await hand_over(session, task_id=TaskId(given.id), departure=departure, now=TUESDAY_9AM)
        assert (await story_of(session, given), await texts_to(session, company.wang)) == (story, texts)

    async def test_what_is_finished_stays_with_who_finished_it(
        self, session: AsyncSession, company: Company, given: Task
    ) -> None:
        await say(session, company.li, "done", given)
        await leaves(session, company.li)
        assert (given.owner_id, given.state) == (company.li.id, TaskState.DONE)
