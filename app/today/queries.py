"""What waits for somebody, as one SELECT over what the domains say (`Domain.waiting`): one page is one statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    Uuid,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.manifest import registry_of
from app.web.pagination import PageQuery, paginate_rows
from models.audit import ObjectKind
from models.base import UTC_TIME
from models.org import Person

WaitingStatement = Callable[[AsyncSession, UUID, datetime], Select[Any] | Awaitable[Select[Any]]]
"""`Domain.waiting`: `(session, person_id, now)` → a SELECT of `waiting_columns`, that nobody has run yet; a coroutine
where it depends on what the person holds."""

NO_DEADLINE = datetime(9999, 1, 1, tzinfo=UTC)
"""What has no deadline comes behind everything that has one."""


@dataclass(frozen=True)
class WaitingColumns:
    """Where a domain finds what it says of each thing that waits. `columns()` is what its SELECT begins with."""

    kind: str | ColumnElement[str]
    """What the person is asked to do: `request.decide`, `task.accept` …"""
    about: ObjectKind
    id: Any
    title: Any
    asked_at: Any
    due_at: Any = None
    number: Any = None
    asked_by: Any = None
    """The person who asks. Empty where the service does."""

    def columns(self) -> tuple[ColumnElement[Any], ...]:
        return (
            cast(self.kind, Text).label("kind"),
            literal(self.about.value, Text).label("about"),
            cast(self.id, Uuid).label("id"),
            cast(self.title, Text).label("title"),
            cast(self.asked_at, UTC_TIME).label("asked_at"),
            cast(_or_null(self.due_at), UTC_TIME).label("due_at"),
            cast(_or_null(self.number), BigInteger).label("number"),
            cast(_or_null(self.asked_by), Uuid).label("asked_by"),
        )


def _or_null(column: Any) -> Any:
    return null() if column is None else column


async def _everything(session: AsyncSession, person_id: UUID, now: datetime) -> Subquery | None:
    said: tuple[WaitingStatement, ...] = registry_of(session).waiting
    statements = []
    for one in said:
        found = one(session, person_id, now)
        statements.append(found if isinstance(found, Select) else await found)
    return union_all(*statements).subquery() if statements else None


async def page_of(
    session: AsyncSession, person_id: UUID, *, page: PageQuery, now: datetime
) -> tuple[list[Any], str | None]:
    """One page of rows with the columns of `WaitingColumns` and the asker's name: the nearest deadline first, so that
    what is late leads. And the next cursor.
    """
    waiting = await _everything(session, person_id, now)
    if waiting is None:
        return [], None
    due = func.coalesce(waiting.c.due_at, literal(NO_DEADLINE, UTC_TIME), type_=UTC_TIME).label("due")
    ordered = select(waiting, due).subquery()
    statement = select(ordered, func.coalesce(col(Person.name), "").label("asker")).outerjoin(
        Person, col(Person.id) == ordered.c.asked_by
    )
    columns = (ordered.c.due, ordered.c.asked_at, ordered.c.id)
    return await paginate_rows(session, statement, *columns, page=page, descending=False)


async def count(session: AsyncSession, person_id: UUID, *, now: datetime) -> dict[str, int]:
    """How many wait, by what the person is asked to do."""
    waiting = await _everything(session, person_id, now)
    if waiting is None:
        return {}
    rows = await session.execute(select(waiting.c.kind, func.count()).group_by(waiting.c.kind))
    return {row[0]: row[1] for row in rows}
