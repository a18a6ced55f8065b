"""People as others read of them: name, department, account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import queries
from app.org.rules import why_not
from models.org import Department, Person


@dataclass(frozen=True)
class Introduced:
    """Somebody beside whom their department stands: names repeat in every company."""

    id: UUID
    name: str
    department: str
    userid: str
    """Empty for somebody who never had one."""
    why_not: str = ""
    """Why they may not act, as 已离职. Empty if they may."""


async def introduce(session: AsyncSession, person_ids: Iterable[UUID | None]) -> dict[UUID, Introduced]:
    """Everybody known among these, in three statements however many there are."""
    wanted = {person_id for person_id in person_ids if person_id is not None}
    if not wanted:
        return {}
    people = await queries.people_by_id(session, wanted)
    userids = await queries.last_userids_of(session, wanted)
    departments = await names_of_departments(session, (person.main_department_id for person in people.values()))
    return {
        person.id: Introduced(
            person.id,
            person.name or userids.get(person.id, ""),
            departments.get(person.main_department_id or 0, ""),
            userids.get(person.id, ""),
            why_not(person),
        )
        for person in people.values()
    }


async def introduce_one(session: AsyncSession, person: Person) -> Introduced:
    return (await introduce(session, [person.id]))[person.id]


async def names_of_departments(session: AsyncSession, department_ids: Iterable[int | None]) -> dict[int, str]:
    """Those that are known, whether or not they still exist."""
    wanted = {department_id for department_id in department_ids if department_id is not None}
    statement = select(col(Department.id), col(Department.name)).where(col(Department.id).in_(wanted))
    return {row.id: row.name for row in await session.execute(statement)} if wanted else {}
