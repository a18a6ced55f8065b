"""Who is in a new group: the people whom the application names, and who may act in its departments (F44)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.groups.errors import UnknownPeople
from app.groups.roster import check_may_act
from app.groups.schemas import CreationSubject
from app.org import queries as org
from app.org.rules import MAY_ACT
from models.org import Person


async def people_asked_for(session: AsyncSession, asked: CreationSubject) -> dict[UUID, Person]:
    """Everybody must be able to act: one bad userid spoils the platform's call."""
    people = await org.people_by_id(session, asked.people)
    check_may_act(*(people[person_id] for person_id in asked.people))
    return people


async def people_of_departments(session: AsyncSession, asked: CreationSubject) -> list[Person]:
    """Whose account is not activated yet is left out, and joins by application later."""
    ids = asked.whole_departments
    unknown = [str(one) for one in ids if await org.department(session, one) is None]
    if unknown:
        raise UnknownPeople(
            f"没有这些部门：{'、'.join(unknown)}",
            f"There is no department {', '.join(map(str, unknown))}",
            departments=unknown,
        )
    return await org.people_in_departments(session, ids, statuses=MAY_ACT)
