"""What tables of pages ask for: each list by typed filters, counted, and as far as the reader sees (D21)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.announcements import queries as announcements
from app.announcements.queries import AnnouncementFilter
from app.approvals import queries as requests
from app.approvals.queries import RequestFilter
from app.database import transaction
from app.groups import queries as registered
from app.groups.queries import GroupFilter
from app.org import service as org_service
from app.org.service import MemberFilter
from app.permissions import Sight
from app.settings import Settings
from app.tasks import queries as tasks
from app.tasks.queries import TaskFilter
from app.web.pagination import count_of
from models.announcements import AnnouncementState
from models.approvals import OutcomeState, RequestState
from models.groups import FindingKind, FindingState, GroupFinding
from models.ids import PersonId, new_id
from models.org import PersonStatus
from models.tasks import TaskState
from tests.builders import groups, org
from tests.builders.announcements import announcement, card_reaches
from tests.builders.approvals import Library, borrowing, decide, step
from tests.builders.tasks import FRIDAY_6PM, task
from tests.company import HEADQUARTERS, PERSONNEL, RESEARCH, Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD = [step("部门负责人", "department_head")]
LATER = MONDAY_9AM + timedelta(days=30)


async def listed(session: AsyncSession, statement: Select[Any], name: Callable[[Any], Any]) -> set[Any]:
    """What a list holds; it is as long as it is counted."""
    await session.flush()
    rows = list(await session.scalars(statement))
    assert await count_of(session, statement) == len(rows)
    return {name(row) for row in rows}


class TestRequests:
    @pytest.fixture
    async def company(self, session: AsyncSession, company: Company) -> Company:
        """Li's has failed; sun's waits for han; the president's own waits for nobody else's decision any more."""
        library = Library(HEAD)
        failed = await borrowing(session, library, company.li, thing="甲")
        await decide(session, library, failed, company.wang)
        failed.outcome, failed.group_id = OutcomeState.FAILED, new_id()
        await borrowing(session, library, company.sun, thing="乙")
        return company

    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            (RequestFilter(), {"借用甲", "借用乙"}),
            (RequestFilter(state=RequestState.PENDING), {"借用乙"}),
            (RequestFilter(outcome=OutcomeState.FAILED), {"借用甲"}),
            (RequestFilter(kind="borrow", department_ids=[RESEARCH]), {"借用甲"}),
            (RequestFilter(department_ids=[]), set()),
            (RequestFilter(late_at=MONDAY_9AM), set()),
            (RequestFilter(late_at=LATER), {"借用乙"}),
            (RequestFilter(group_id=new_id()), set()),
            (RequestFilter(sight=Sight(departments=frozenset([PERSONNEL]))), {"借用乙"}),
            (RequestFilter(state=RequestState.PENDING, sight=Sight(departments=frozenset([RESEARCH]))), set()),
            (RequestFilter(sight=Sight()), set()),
        ],
    )
    async def test_each_filter(
        self, session: AsyncSession, company: Company, wanted: RequestFilter, titles: set[str]
    ) -> None:
        assert await listed(session, requests.matching(wanted), lambda row: row.title) == titles

    async def test_of_one_person_in_whatever_part(self, session: AsyncSession, company: Company) -> None:
        for person, titles in ((company.li, {"借用甲"}), (company.wang, {"借用甲"}), (company.han, {"借用乙"})):
            wanted = RequestFilter(involved_id=PersonId(person.id))
            assert await listed(session, requests.matching(wanted), lambda row: row.title) == titles


class TestTasks:
    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            (TaskFilter(), {"研", "人", "毕"}),
            (TaskFilter(is_open=True), {"研", "人"}),
            (TaskFilter(is_open=False), {"毕"}),
            (TaskFilter(state=TaskState.BLOCKED), {"人"}),
            (TaskFilter(department_ids=[RESEARCH]), {"研", "毕"}),
            (TaskFilter(late_at=FRIDAY_6PM), set()),
            (TaskFilter(late_at=FRIDAY_6PM + timedelta(minutes=1)), {"研", "人"}),
            (TaskFilter(is_open=True, sight=Sight(departments=frozenset([RESEARCH]))), {"研"}),
            (TaskFilter(sight=Sight()), set()),
        ],
    )
    async def test_each_filter(
        self, session: AsyncSession, company: Company, wanted: TaskFilter, titles: set[str]
    ) -> None:
        await task(session, company.zhao, company.li, title="研")
        blocked = await task(session, company.zhao, company.sun, title="人")
        done = await task(session, company.zhao, company.chen, title="毕")
        blocked.state, done.state = TaskState.BLOCKED, TaskState.DONE
        assert await listed(session, tasks.matching(wanted), lambda row: row.title) == titles


class TestAnnouncements:
    @pytest.mark.parametrize(
        ("wanted", "titles"),
        [
            (AnnouncementFilter(), {"研", "人"}),
            (AnnouncementFilter(message_class="urgent"), {"人"}),
            (AnnouncementFilter(state=AnnouncementState.CLOSED), {"人"}),
            (AnnouncementFilter(late_at=MONDAY_9AM), set()),
            (AnnouncementFilter(late_at=LATER), {"研"}),
            (AnnouncementFilter(sight=Sight(departments=frozenset([PERSONNEL]))), {"人"}),
            (AnnouncementFilter(sight=Sight()), set()),
        ],
    )
    async def test_each_filter(
        self, session: AsyncSession, company: Company, wanted: AnnouncementFilter, titles: set[str]
    ) -> None:
        first = await announcement(session, company.wang, title="研", people=["li"])
        closed = await announcement(session, company.han, title="人", message_class="urgent", people=["li"])
        for notice in (first, closed):
            await card_reaches(session, notice, company.li)
        closed.state = AnnouncementState.CLOSED
        assert await listed(session, announcements.matching(wanted), lambda row: row.title) == titles


class TestGroups:
    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            (GroupFilter(), {"研", "人"}),
            (GroupFilter(department_ids=[PERSONNEL]), {"人"}),
            (GroupFilter(has_findings=True), {"研"}),
            (GroupFilter(has_findings=False), {"人"}),
            (GroupFilter(has_findings=True, department_ids=[PERSONNEL]), set()),
            (GroupFilter(sight=Sight(departments=frozenset([PERSONNEL]))), {"人"}),
            (GroupFilter(sight=Sight()), set()),
        ],
    )
    async def test_each_filter(
        self, session: AsyncSession, company: Company, wanted: GroupFilter, names: set[str]
    ) -> None:
        research = await groups.group(session, name="研", owner=company.li, members=[company.wang])
        personnel = await groups.group(session, name="人", owner=company.sun, members=[company.han])
        for group, state in ((research, FindingState.OPEN), (personnel, FindingState.RESOLVED)):
            group.department_id = None
            session.add(
                GroupFinding(
                    group_id=group.id,
                    kind=FindingKind.RENAMED,
                    state=state,
                    details={},
                    policy_version_id=company.policy.id,
                    rule_key="group.name",
                    correlation_id="0" * 32,
                    first_seen_at=MONDAY_9AM,
                )
            )
        assert await listed(session, registered.matching(wanted), lambda row: row.desired_name) == names
        owned = GroupFilter(owner_id=PersonId(company.li.id))
        assert await listed(session, registered.matching(owned), lambda row: row.desired_name) == {"研"}


class TestMembers:
    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            (MemberFilter(department_ids=[PERSONNEL]), {"韩梅", "孙宁", "周敏"}),
            (MemberFilter(department_ids=[PERSONNEL], status=PersonStatus.DISABLED), {"周敏"}),
            (MemberFilter(name="王"), {"王芳"}),
            (MemberFilter(name="WANG"), {"王芳"}),
            (MemberFilter(name="%"), set()),
            (MemberFilter(name="王", sight=Sight(departments=frozenset([PERSONNEL]))), set()),
            (MemberFilter(sight=Sight()), set()),
        ],
    )
    async def test_each_filter(
        self, session: AsyncSession, company: Company, wanted: MemberFilter, names: set[str]
    ) -> None:
        await org.person(session, "zhou", "周敏", departments=[PERSONNEL], status=PersonStatus.DISABLED)
        assert await listed(session, org_service.members(wanted), lambda row: row.name) == names

    async def test_a_department_with_everything_below_it(self, session: AsyncSession, company: Company) -> None:
        whole = await org_service.subtree(session, HEADQUARTERS)
        assert whole == frozenset([HEADQUARTERS, RESEARCH, PERSONNEL])
        assert await org_service.subtree(session, None) is None
        everybody = {person.name for person in company.people.values()}
        statement = org_service.members(MemberFilter(department_ids=whole))
        assert await listed(session, statement, lambda row: row.name) == everybody


class TestRest:
    """The figures of the overview lead to these lists."""

    async def test_filters_over_rest(self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                await borrowing(session, Library(HEAD), company.li)
                await task(session, company.zhao, company.li)
                notice = await announcement(session, company.wang, people=["li"])
                await card_reaches(session, notice, company.li)
                await groups.group(session, owner=company.li, members=[company.wang])
            clock.advance(timedelta(days=30))
            lists: list[tuple[str, dict[str, Any], int]] = [
                ("/tasks", {"late": "true", "open": "true", "department": HEADQUARTERS}, 1),
                ("/tasks", {"open": "false"}, 0),
                ("/tasks", {"department": PERSONNEL}, 0),
                ("/announcements", {"late": "true", "class": "work", "state": "published"}, 1),
                ("/announcements", {"class": "urgent"}, 0),
                ("/groups", {"findings": "false", "owner": "li", "department": HEADQUARTERS}, 1),
                ("/groups", {"findings": "true"}, 0),
                ("/requests", {"state": "pending", "late": "true", "department": RESEARCH}, 1),
                ("/requests", {"outcome": "failed"}, 0),
                ("/requests", {"department": PERSONNEL}, 0),
                ("/members", {"department": HEADQUARTERS}, 1),
                ("/members", {"department": HEADQUARTERS, "below": "true"}, 6),
            ]
            async with serving(sessions, clock, settings) as client:
                for path, params, count in lists:
                    told = await answer(client.get(path, params=params))
                    assert len(told["items"]) == count, (path, params)
                await answer(client.get("/tasks", params={"late": "yes"}), 422)
