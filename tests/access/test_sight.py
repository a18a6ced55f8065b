"""For random companies, grants and objects: no list shows what a detail page refuses, and the other way round (D21).

A list asks once with everything that somebody holds taken together; a page asks holding by holding. Both must agree for
every kind of object and everybody.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.access.service import Wanted
from app.announcements.service import AudienceWanted, Draft, publish
from app.announcements.sight import seen_by as announcements_seen
from app.approvals.service import Application, submit
from app.approvals.sight import seen_by as requests_seen
from app.audit.actor import SYSTEM, person_actor
from app.audit.why import About
from app.errors import DomainError
from app.groups.sight import seen_by as groups_seen
from app.org.service import departments_seen_by
from app.org.service import seen_by as people_seen
from app.org.sight import MANY
from app.permissions import Permission, Reach, Sight
from app.tasks.sight import seen_by as tasks_seen
from models.announcements import Announcement
from models.approvals import Request
from models.audit import ObjectKind
from models.groups import Group
from models.org import Department, Membership, Person
from models.tasks import Task
from tests.builders import groups, org, tasks
from tests.builders.policy import policy_in_force
from tests.fakes.clock import MONDAY_9AM

KINDS: Sequence[tuple[ObjectKind, Permission, Any, Any]] = (
    (ObjectKind.PERSON, Permission.PERSON_READ, Person, people_seen),
    (ObjectKind.DEPARTMENT, Permission.DEPARTMENT_READ, Department, departments_seen_by),
    (ObjectKind.GROUP, Permission.GROUP_READ, Group, groups_seen),
    (ObjectKind.REQUEST, Permission.REQUEST_READ, Request, requests_seen),
    (ObjectKind.ANNOUNCEMENT, Permission.ANNOUNCEMENT_READ, Announcement, announcements_seen),
    (ObjectKind.TASK, Permission.TASK_READ, Task, tasks_seen),
)
BUNDLES = ("hr", "supervision", "it", "auditor", "administrator")
DEPARTMENTS, PEOPLE, GROUPS, THINGS, GRANTS = 6, 12, 4, 6, 5


async def random_company(session: AsyncSession, chance: random.Random) -> list[Person]:
    """A tree of departments, people in them, groups, requests, announcements, tasks, and grants of every reach."""
    await policy_in_force(session)
    for number in range(1, DEPARTMENTS + 1):
        parent = chance.randrange(1, number) if number > 1 else None
        await org.department(session, number, f"部门{number}", parent=parent)
    people = []
    for number in range(PEOPLE):
        places = chance.sample(range(1, DEPARTMENTS + 1), chance.choice([1, 1, 2]))
        leads = places[:1] if chance.random() < 0.3 else []
        people.append(await org.person(session, f"p{number}", f"人{number}", departments=places, leads=leads))
    made = []
    for number in range(GROUPS):
        owner, *members = chance.sample(people, 4)
        made.append(
            await groups.group(
                session,
                f"部门{number + 1}-群{number}",
                owner=owner,
                members=members,
                department_id=chance.choice([None, 1, 2, 3]),
            )
        )
    for _ in range(THINGS):
        one, two = chance.sample(people, 2)
        group = chance.choice(made)
        await tasks.task(session, one, two, group_id=chance.choice([None, group.id]))
        draft = Draft("通知", "内容", "work", AudienceWanted(people=[f"p{people.index(two)}"]))
        await publish(session, draft, author=one, actor=person_actor(one.id), now=MONDAY_9AM)
        payload = {"group_id": str(group.id), "title": "工程师", "contact": "8021"}
        application = Application("join", one, payload, submitted_by=person_actor(one.id), reason="协作")
        try:
            async with session.begin_nested():
                await submit(session, application, now=MONDAY_9AM)
        except DomainError:
            continue  # they are in it, or nobody may decide: this company has one request fewer
    for _ in range(GRANTS):
        reach = chance.choice([Reach.COMPANY, Reach.DEPARTMENT, Reach.GROUP])
        named = {
            Reach.COMPANY: "",
            Reach.DEPARTMENT: str(chance.randint(1, DEPARTMENTS)),
            Reach.GROUP: str(chance.choice(made).id),
        }
        wanted = Wanted(chance.choice(people), chance.choice(BUNDLES), "试验", reach, named[reach])
        try:
            await access.grant(session, wanted, actor=SYSTEM, authority=None, now=MONDAY_9AM)
        except DomainError:
            continue  # they have it already
    return people


async def leave(session: AsyncSession, person: Person) -> None:
    """Their places end with them."""
    still = col(Membership.ended_at).is_(None)
    mine = update(Membership).where(col(Membership.person_id) == person.id, still)
    await session.execute(mine.values(ended_at=MONDAY_9AM))
    person.ended_at = MONDAY_9AM
    await session.flush()


@pytest.mark.parametrize("seed", range(4))
async def test_who_sees_many_departments_sees_of_each_what_others_see(session: AsyncSession, seed: int) -> None:
    """Of many departments PostgreSQL is asked in another way who is inside."""
    chance = random.Random(seed)  # noqa: S311 -- a company, no secret
    people = await random_company(session, chance)
    for person in chance.sample(people, 3):
        await leave(session, person)
    empty = frozenset(range(1_000, 1_001 + MANY))
    some = frozenset(chance.sample(range(1, DEPARTMENTS + 1), 2))
    for few in (Sight(departments=some), Sight(departments=some, person_id=people[0].id)):
        many = Sight(departments=few.departments | empty, person_id=few.person_id)
        for kind, _, table, seen_by in KINDS:
            found = [set(await session.scalars(select(col(table.id)).where(seen_by(one)))) for one in (few, many)]
            assert found[0] == found[1], (seed, kind)
            if kind is ObjectKind.PERSON:
                assert found[0]


@pytest.mark.parametrize("seed", range(6))
async def test_a_list_shows_what_its_pages_show(session: AsyncSession, seed: int) -> None:
    people = await random_company(session, random.Random(seed))  # noqa: S311 -- a company, no secret
    for person in people:
        authority = await access.authority_of(session, person, now=MONDAY_9AM)
        for kind, permission, table, seen_by in KINDS:
            statement = select(col(table.id)).where(seen_by(authority.sight_of(permission)))
            listed = set(await session.scalars(statement))
            every: list[UUID | int] = list(await session.scalars(select(col(table.id))))
            opened = {one for one in every if (await access.may(session, authority, permission, About(kind, one))).may}
            assert listed == opened, (seed, kind, person.name)
