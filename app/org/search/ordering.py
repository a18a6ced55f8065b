"""In which order people and departments stand wherever somebody reads a list of them."""

from __future__ import annotations

from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Select, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.web.pagination import PageQuery, paginate_rows
from models.org import Department, Person

PEOPLE_BY_NAME: Final[tuple[Any, Any]] = (col(Person.name_key), col(Person.id))
"""By pinyin; who sounds alike by the signs of the name; who is called the same by an id that never changes."""


def with_names(statement: Select[Any], person: Any) -> Select[Any]:
    """Rows about people, `person` being the column that says about whom, beside what they are sorted by."""
    return statement.join(Person, col(Person.id) == person).add_columns(*PEOPLE_BY_NAME)


async def page_by_name(
    session: AsyncSession, statement: Select[Any], person: Any, *, page: PageQuery
) -> tuple[list[Any], str | None]:
    """One page of rows of which nobody has two, by the names of the people; and the next cursor."""
    named = with_names(statement, person)
    rows, cursor = await paginate_rows(session, named, *PEOPLE_BY_NAME, page=page, descending=False)
    return [row[0] for row in rows], cursor


DEPARTMENTS_IN_ORDER: Final[tuple[Any, ...]] = (
    func.coalesce(col(Department.parent_id), 0).label("above"),
    (-col(Department.sort_order)).label("place"),
    col(Department.name_key),
    col(Department.id),
)
"""As WeCom has them: what is under one department stands together, a larger `order` first, the others by pinyin."""


class Sorted(Protocol):
    """A person, or a reading of one."""

    @property
    def id(self) -> UUID: ...

    @property
    def name_key(self) -> str: ...


def by_name(one: Sorted) -> tuple[str, UUID]:
    """`PEOPLE_BY_NAME`, of those who have been read already."""
    return one.name_key, one.id
