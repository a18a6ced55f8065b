"""What a preview says before is what publishing does: as many people, and among them those who are named."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.announcements.errors import NobodyConcerned, UnknownAudience
from app.announcements.publishing.audience import AudienceWanted, measure_audience, resolve
from models.org import Department, Membership, Person, PersonStatus
from tests.builders import groups
from tests.company import HEADQUARTERS, PERSONNEL, RESEARCH, Company
from tests.fakes.clock import MONDAY_9AM

MANY_DEPARTMENTS = 150
"""More than are looked up one by one."""


async def also_in(session: AsyncSession, person: Person, department_id: int) -> None:
    place = Membership(
        person_id=person.id, department_id=department_id, sort_order=0, is_leader=False, started_at=MONDAY_9AM
    )
    session.add(place)
    await session.flush()


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("seed", range(8))
async def test_both_find_the_same_people(session: AsyncSession, company: Company, seed: int, is_wide: bool) -> None:
    """Whoever is named twice, has two places, has left or is disabled, is the author: by every way of naming them."""
    random = Random(seed)  # noqa: S311 -- a repeatable story
    if is_wide:
        session.add_all(
            Department(id=100 + number, parent_id=HEADQUARTERS, name=f"部门{number}", updated_at=MONDAY_9AM)
            for number in range(MANY_DEPARTMENTS)
        )
        await session.flush()
    await also_in(session, company.li, PERSONNEL)
    gone = random.choice([company.chen, company.sun])
    status = random.choice([PersonStatus.DISABLED, PersonStatus.LEFT])
    await session.execute(update(Person).where(col(Person.id) == gone.id).values(status=status))
    project = await groups.group(session, owner=company.wang, members=[company.li, company.han])
    for _ in range(12):
        wanted = AudienceWanted(
            groups=random.sample([project.id], random.randint(0, 1)),
            departments=random.sample([HEADQUARTERS, RESEARCH, PERSONNEL], random.randint(0, 3)),
            people=random.sample(list(company.people), random.randint(0, 4)),
        )
        author = random.choice([None, company.wang, company.li])
        try:
            everybody = (await resolve(session, wanted, author)).sources
        except NobodyConcerned:
            with pytest.raises(NobodyConcerned):
                await measure_audience(session, wanted, author)
            continue
        size = await measure_audience(session, wanted, author, first=3)
        assert size.people == len(everybody)
        assert list(size.first) == list(everybody)[:3]


async def test_both_refuse_what_does_not_exist(session: AsyncSession, company: Company) -> None:
    for wanted in (AudienceWanted(departments=[99]), AudienceWanted(people=["nobody", "li"])):
        with pytest.raises(UnknownAudience):
            await resolve(session, wanted, company.wang)
        with pytest.raises(UnknownAudience):
            await measure_audience(session, wanted, company.wang)
