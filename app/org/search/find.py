"""Find people and departments as somebody types. What the reader may see limits what is found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from app.org.named_people import NamedPerson, named_people
from app.org.search import queries
from app.org.search.queries import Search
from app.org.search.spelling import folded

AT_ONCE: Final = 20
"""What a list under a field shows."""


async def search_people(
    session: AsyncSession, typed: str, *, within: ColumnElement[bool] | None = None, limit: int = AT_ONCE
) -> list[NamedPerson]:
    """Who is employed, and whose name, its pinyin, its initials or userid begin so; a name at any of its signs.

    `within` is a condition on `Person`: `sight.seen_by(…)`. The best come first; nothing for a text without letters.
    """
    if not folded(typed):
        return []
    ids = await queries.find_people(session, Search(typed, within, limit))
    named = await named_people(session, ids)
    return [named[one] for one in ids]


@dataclass(frozen=True)
class FoundDepartment:
    id: int
    name: str
    above: str
    """The name of the department above it: there are many with the same name."""


async def search_departments(
    session: AsyncSession, typed: str, *, within: ColumnElement[bool] | None = None, limit: int = AT_ONCE
) -> list[FoundDepartment]:
    """Departments in the same way. `within` is a condition on `Department`."""
    if not folded(typed):
        return []
    found = await queries.find_departments(session, Search(typed, within, limit))
    return [FoundDepartment(department.id, department.name, above) for department, above in found]


async def departments_by_id(
    session: AsyncSession, ids: Collection[int], *, within: ColumnElement[bool]
) -> list[FoundDepartment]:
    """Those of these that are there and within the condition, in the platform's order."""
    return [
        FoundDepartment(row.id, row.name, above) for row, above in await queries.departments_of(session, within, ids)
    ]


async def first_departments(
    session: AsyncSession, *, within: ColumnElement[bool], limit: int = AT_ONCE
) -> list[FoundDepartment]:
    """Before anything is typed: the first in the platform's order."""
    found = await queries.departments_of(session, within, limit=limit)
    return [FoundDepartment(row.id, row.name, above) for row, above in found]
