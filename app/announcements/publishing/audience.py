"""Whom an announcement concerns: as it was asked for, in numbers, and by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ARRAY, Select, Uuid, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.announcements import rules
from app.announcements.errors import NobodyConcerned, UnknownAudience
from app.announcements.rules import Audience
from app.database import read_in_parts
from app.groups import queries as group_queries
from app.org import queries as org
from app.quotes import quoted
from models.ids import DepartmentId
from models.org import Person


class AudienceWanted(BaseModel):
    """Whom an announcement is for (`announcements.audience`): group ids, WeCom department ids, userids."""

    model_config = ConfigDict(frozen=True)

    groups: Sequence[UUID] = ()
    departments: Sequence[int] = ()
    people: Sequence[str] = ()


@dataclass(frozen=True)
class Part:
    """People who are concerned for one reason."""

    people: Select[UUID]
    """Ids, in order; somebody may come twice."""
    source: str


async def resolve(session: AsyncSession, wanted: AudienceWanted, author: Person | None) -> Audience:
    """Everybody by id, each with the first reason found. Raises `UnknownAudience` and `NobodyConcerned`."""
    audience = Audience()
    for part in await _parts(session, wanted):
        audience.add(await read_in_parts(session, part.people), part.source)
    if author is not None:
        audience.without(author.id)
    if not audience.sources:
        raise _nobody()
    return audience


@dataclass(frozen=True)
class AudienceSize:
    people: int
    first: Sequence[UUID]
    """Some of them, in the order in which `resolve` finds them."""


async def measure_audience(
    session: AsyncSession, wanted: AudienceWanted, author: Person | None, *, first: int = 0
) -> AudienceSize:
    """How many `resolve` would find, and the `first` of them, without reading 100,000 ids. Raises what it raises."""
    parts = await _parts(session, wanted)
    people = await _count(session, parts, author)
    if not people:
        raise _nobody()
    found: dict[UUID, None] = {}
    for part in parts:
        if len(found) < first:
            # One more than is missing: the author may be among them. And those who were found before.
            found |= dict.fromkeys(await session.scalars(part.people.distinct().limit(first + 1 + len(found))))
            if author is not None:
                found.pop(author.id, None)
    return AudienceSize(people, list(found)[:first])


async def _count(session: AsyncSession, parts: Sequence[Part], author: Person | None) -> int:
    if not parts:
        return 0
    [person] = union_all(*(part.people.order_by(None) for part in parts)).subquery().c
    statement = select(func.count(person.distinct()))
    if author is not None:
        statement = statement.where(person != author.id)
    return (await session.scalars(statement)).one()


async def _parts(session: AsyncSession, wanted: AudienceWanted) -> list[Part]:
    parts = [Part(group_queries.inside(group_id), f"{rules.GROUP}{group_id}") for group_id in wanted.groups]
    for number in wanted.departments:
        if await org.department(session, number) is None:
            raise UnknownAudience(f"没有 id 为 {number} 的部门", f"There is no department with the id {number}")
        below = await org.departments_below(session, [DepartmentId(number)])
        parts.append(Part(org.employed_in(below), f"{rules.DEPARTMENT}{number}"))
    named = await org.people_by_userids(session, wanted.people)
    if missing := [userid for userid in wanted.people if userid.strip().lower() not in named]:
        raise UnknownAudience(
            f"没有账号为 {'、'.join(missing)} 的成员", f"There is no member with the userid {', '.join(missing)}"
        )
    if named:
        person = func.unnest(literal([one.id for one in named.values()], ARRAY(Uuid))).column_valued("person")
        parts.append(Part(select(person).order_by(person), rules.PERSON))
    return parts


def _nobody() -> NobodyConcerned:
    return NobodyConcerned("接收范围里除了发布人没有别人", "There is nobody in the audience but the author")


EVERYBODY: Final = 0.9
"""The share of the employed from which an announcement counts as sent to everybody, however they were named."""


async def is_for_everybody(session: AsyncSession, wanted: AudienceWanted, author: Person) -> bool:
    """Whether it reaches the whole company but a few: by its root, piece by piece, by groups or by name (F197)."""
    try:
        size = await measure_audience(session, wanted, author)
    except NobodyConcerned:
        return False  # publishing says it, behind what else is wrong
    others = await org.count_employed(session) - 1
    return others > 0 and size.people >= EVERYBODY * others


async def name_audience(session: AsyncSession, wanted: AudienceWanted) -> str:
    """星辰科技及其下级；群“新品项目”；王芳: for whoever confirms it."""
    departments = await org.department_names(session, wanted.departments)
    groups = await group_queries.groups_by_id(session, wanted.groups)
    people = await org.people_by_userids(session, wanted.people)
    named = [f"{departments[number]}及其下级" for number in dict.fromkeys(wanted.departments) if number in departments]
    named += [f"群{quoted(group.desired_name)}" for group in groups.values()]
    return "；".join([*named, *(person.name for person in people.values())])
