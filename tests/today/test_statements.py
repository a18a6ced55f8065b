"""The services behind the employees' pages ask the same number of statements however many rows there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import service as approvals
from app.groups import service as register
from app.groups.service import DirectorySearch
from app.org import service as org
from app.org.search import keep
from app.today import service as today
from models.approvals import StepApprover
from models.ids import GroupId, RequestId
from tests.builders import groups
from tests.builders import org as people
from tests.builders.announcements import announcement
from tests.builders.approvals import Library, borrowing, decide, step, step_of
from tests.builders.tasks import task
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HEAD = [step("部门负责人", "department_head")]


async def furnish(session: AsyncSession, company: Company, number: int) -> None:
    """One more of everything that the lists show to 李军 and 王芳."""
    library = Library(HEAD)
    await borrowing(session, library, company.li, thing=f"相机{number}", borrower=company.chen)
    decided = await borrowing(session, library, company.li, thing=f"投影仪{number}")
    await decide(session, library, decided, company.wang)
    await announcement(session, company.zhao, people=["li", "wang"], title=f"通知{number}")
    await task(session, company.wang, company.li, title=f"任务{number}")
    owner = await people.person(session, f"owner{number}", f"群主{number}", departments=[2])
    await groups.group(session, f"群{number}", owner=owner, members=[company.li, company.wang], department_id=2)
    await people.department(session, 20 + number, f"研发{number}部")
    await keep.spell_people(session, [owner.id])
    await keep.spell_departments(session)


Page = Callable[[AsyncSession, Company], Awaitable[Any]]

PAGES: dict[str, Page] = {
    "waiting": lambda session, company: today.waiting_for(session, company.li.id, now=MONDAY_9AM),
    "how many wait": lambda session, company: today.count_waiting(session, company.li.id, now=MONDAY_9AM),
    "kept": lambda session, company: today.kept_about(session, company.li.id),
    "mine": lambda session, company: approvals.requests_mine(session, company.li.id),
    "about": lambda session, company: approvals.requests_about(session, company.chen.id),
    "to decide": lambda session, company: approvals.requests_waiting_for(session, company.wang.id),
    "decided": lambda session, company: approvals.requests_decided_by(session, company.wang.id),
    "groups": lambda session, company: register.groups_of_member(session, company.li.id, now=MONDAY_9AM),
    "directory": lambda session, company: register.find_groups(
        session, company.chen.id, DirectorySearch(department_id=2), now=MONDAY_9AM
    ),
    "people": lambda session, _company: org.search_people(session, "群主"),
    "departments": lambda session, _company: org.search_departments(session, "研发"),
}


@contextmanager
def counted(session: AsyncSession) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []
    connection = session.sync_session.connection()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(connection, "before_cursor_execute", note)


@pytest.mark.parametrize("name", PAGES)
async def test_as_many_for_many_as_for_one(session: AsyncSession, company: Company, name: str) -> None:
    await furnish(session, company, 1)
    await PAGES[name](session, company)
    session.expunge_all()
    with counted(session) as for_one:
        few = await PAGES[name](session, company)
    for number in range(2, 7):
        await furnish(session, company, number)
    session.expunge_all()
    with counted(session) as for_many:
        many = await PAGES[name](session, company)
    assert size(many) > size(few)
    assert len(for_many) <= len(for_one), for_many


def size(found: Any) -> int:
    """How many rows a page shows, of whatever form it is."""
    if isinstance(found, dict):
        return sum(found.values())
    rows = getattr(found, "items", found)
    return sum(len(getattr(one, "rows", [one])) for one in rows)


async def test_one_request_with_its_way_costs_no_more_for_a_long_one(session: AsyncSession, company: Company) -> None:
    """A step more is a few statements more; a person asked is none."""
    library = Library([step("人力资源", "role:hr")])
    request = await borrowing(session, library, company.li)
    session.expunge_all()
    with counted(session) as for_two:
        await approvals.follow(session, RequestId(request.id), now=MONDAY_9AM)
    many = [await people.person(session, f"hr{number}", f"人事{number}", departments=[3]) for number in range(6)]
    opened = await step_of(session, request)
    session.add_all([StepApprover(step_id=opened.id, person_id=one.id, added_at=MONDAY_9AM) for one in many])
    await session.flush()
    session.expunge_all()
    with counted(session) as for_eight:
        followed = await approvals.follow(session, RequestId(request.id), now=MONDAY_9AM)
    assert followed.line.open_step is not None
    assert len(followed.line.open_step.asked) == 8
    assert len(for_eight) == len(for_two)


async def test_a_group_costs_no_more_for_many_members(session: AsyncSession, company: Company) -> None:
    small = await groups.group(session, "小群", owner=company.wang, members=[company.chen])
    session.expunge_all()
    with counted(session) as for_two:
        await register.group_for(session, GroupId(small.id), company.li, now=MONDAY_9AM)
    many = [await people.person(session, f"m{number}", f"成员{number}", departments=[2]) for number in range(20)]
    large = await groups.group(session, "大群", owner=company.wang, members=many)
    session.expunge_all()
    with counted(session) as for_many:
        seen = await register.group_for(session, GroupId(large.id), company.li, now=MONDAY_9AM)
    assert seen.line.counts.seen == 21
    assert len(for_many) == len(for_two)
