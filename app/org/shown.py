"""People and departments as pages list them, as far as a sight goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.calendar import service as calendars
from app.database import portions_of
from app.org import queries
from app.org.lists import MemberFilter, members
from app.org.named_people import NamedPerson, named_people
from app.org.search.ordering import DEPARTMENTS_IN_ORDER
from app.org.search.queries import departments_spelled
from app.org.sight import departments_seen_by
from app.permissions import Sight
from app.spreadsheets.columns import Column, Sheet, person, words
from app.web.pagination import PageQuery, Sorting, paginate, paginate_rows
from models.org import Department, Membership, OrgChange, Person, PersonStatus

FIRST_PAGE = PageQuery(cursor=None, limit=50)


@dataclass(frozen=True)
class PersonLine:
    person: NamedPerson
    position: str
    updated_at: datetime


@dataclass(frozen=True)
class PersonPage:
    items: Sequence[PersonLine]
    next_cursor: str | None


@dataclass(frozen=True)
class ChangePage:
    """What has happened to an account and its places, the newest first."""

    items: Sequence[OrgChange]
    next_cursor: str | None


@dataclass(frozen=True)
class DepartmentLine:
    id: int
    name: str
    parent: str
    """Empty at the top."""
    leaders: Sequence[NamedPerson]
    members: int
    """Who is in exactly this one."""


_STATUSES: Final = {
    PersonStatus(status): said
    for status, said in {
        "active": ("在职", "active"),
        "missing": ("上次没有读到", "missing in the last reading"),
        "invisible": ("不在可见范围内", "out of range"),
        "not_activated": ("未激活", "not activated"),
        "disabled": ("已停用", "disabled"),
        "left": ("已离职", "left"),
    }.items()
}

PEOPLE_SORTED: Final = Sorting(
    {"name": col(Person.name_key), "position": col(Person.position), "status": col(Person.status)},
    ties=col(Person.id),
    usual="name",
)
"""Names by pinyin, other texts as the database sorts them."""


async def people_seen(
    session: AsyncSession, wanted: MemberFilter, *, sort: str = "", page: PageQuery = FIRST_PAGE
) -> PersonPage:
    """As far as the sight of the filter goes."""
    rows, cursor = await PEOPLE_SORTED.by(sort).page(session, members(wanted), page)
    return PersonPage(await _person_lines(session, rows), cursor)


async def _person_lines(session: AsyncSession, rows: Sequence[Person]) -> list[PersonLine]:
    named = await named_people(session, [row.id for row in rows])
    return [PersonLine(named[row.id], row.position, row.updated_at) for row in rows]


async def changes_listed(session: AsyncSession, person_id: UUID, *, page: PageQuery = FIRST_PAGE) -> ChangePage:
    """Every change of the person and of their departments."""
    rows, cursor = await paginate(session, queries.changes_of(person_id), col(OrgChange.id), page=page)
    return ChangePage(rows, cursor)


def people_sheet(session: AsyncSession, *, in_english: bool) -> Sheet[PersonLine]:
    columns: list[Column[PersonLine]] = [
        *person(lambda line: line.person),
        words("职务", "Position", lambda line: line.position),
        words("状态", "Status", lambda line: _STATUSES[line.person.status][in_english]),
    ]
    return Sheet("people" if in_english else "人员", columns, calendars.timezone_of(session), in_english)


async def people_lines(
    session: AsyncSession, wanted: MemberFilter, *, sort: str = ""
) -> AsyncIterator[Sequence[PersonLine]]:
    """Everybody whom the list holds, in its order, a portion at a time."""
    async for part in portions_of(session, PEOPLE_SORTED.by(sort).apply(members(wanted))):
        yield await _person_lines(session, part)


@dataclass(frozen=True)
class DepartmentPage:
    items: Sequence[DepartmentLine]
    next_cursor: str | None


async def departments_seen(
    session: AsyncSession, sight: Sight, *, name: str = "", page: PageQuery = FIRST_PAGE
) -> DepartmentPage:
    """In the platform's order."""
    statement = select(Department, *DEPARTMENTS_IN_ORDER).where(
        col(Department.ended_at).is_(None), departments_seen_by(sight)
    )
    if name:
        is_part = col(Department.name).icontains(name, autoescape=True)
        statement = statement.where(or_(is_part, col(Department.id).in_(departments_spelled(name))))
    found, cursor = await paginate_rows(session, statement, *DEPARTMENTS_IN_ORDER, page=page, descending=False)
    rows: list[Department] = [one[0] for one in found]
    ids = [row.id for row in rows]
    counts = await _members(session, ids)
    parents = await queries.department_names(session, {row.parent_id for row in rows if row.parent_id})
    leaders = await queries.people_by_userids(session, {userid for row in rows for userid in row.leader_userids})
    named = await named_people(session, [one.id for one in leaders.values()])
    by_userid: dict[str, NamedPerson] = {str(userid): named[one.id] for userid, one in leaders.items()}
    lines = [
        DepartmentLine(
            row.id,
            row.name,
            parents.get(row.parent_id, "") if row.parent_id else "",
            [by_userid[userid] for userid in row.leader_userids if userid in by_userid],
            counts.get(row.id, 0),
        )
        for row in rows
    ]
    return DepartmentPage(lines, cursor)


async def _members(session: AsyncSession, department_ids: Sequence[int]) -> dict[int, int]:
    statement = (
        select(col(Membership.department_id), func.count())
        .where(col(Membership.department_id).in_(department_ids), col(Membership.ended_at).is_(None))
        .group_by(col(Membership.department_id))
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def person_shown(session: AsyncSession, person_id: UUID) -> PersonLine | None:
    """None for nobody whom we know."""
    row = await session.get(Person, person_id)
    if row is None:
        return None
    return PersonLine((await named_people(session, [row.id]))[row.id], row.position, row.updated_at)
