"""Runs of the sync as people look into them: what each has changed, with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import queries as org_queries
from app.org import service as org
from app.org.service import NamedPerson
from app.sync import queries
from app.sync.queries import ChangeFilter
from app.web.pagination import PageQuery, paginate
from models.org import OrgChange, SyncKind, SyncRun, SyncState

_OF_PEOPLE: Final = frozenset({"person", "membership"})


@dataclass(frozen=True)
class Difference:
    """One thing that a run has changed."""

    id: int
    object_kind: str
    object_id: str
    name: str
    """Of the person, department or tag as we know it now."""
    userid: str | None
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime


@dataclass(frozen=True)
class RunPage:
    items: Sequence[SyncRun]
    next_cursor: str | None


@dataclass(frozen=True)
class DifferencePage:
    items: Sequence[Difference]
    next_cursor: str | None


async def runs_listed(
    session: AsyncSession,
    *,
    kind: SyncKind = SyncKind.FULL,
    state: SyncState | None = None,
    unread: bool = False,
    page: PageQuery,
) -> RunPage:
    """The newest first."""
    statement = queries.sync_runs(kind=kind, state=state, unread=unread)
    rows, cursor = await paginate(session, statement, col(SyncRun.started_at), col(SyncRun.id), page=page)
    return RunPage(rows, cursor)


async def differences_listed(
    session: AsyncSession, *, run_id: UUID, wanted: ChangeFilter, page: PageQuery
) -> DifferencePage:
    """In the order in which they were applied."""
    statement = queries.changes_in(run_id, wanted)
    rows, cursor = await paginate(session, statement, col(OrgChange.id), page=page, descending=False)
    return DifferencePage(await named_differences(session, rows), cursor)


async def named_differences(session: AsyncSession, rows: Sequence[OrgChange]) -> list[Difference]:
    """Each with its name: three statements for a page."""
    people = await org.named_people(session, [UUID(row.object_id) for row in rows if row.object_kind in _OF_PEOPLE])
    departments = await org_queries.department_names(session, _numbers(rows, "department"))
    tags = await queries.tag_names(session, _numbers(rows, "tag"))
    return [_difference(row, people, departments, tags) for row in rows]


def _numbers(rows: Sequence[OrgChange], kind: str) -> list[int]:
    return [int(row.object_id) for row in rows if row.object_kind == kind]


def _difference(
    row: OrgChange, people: Mapping[UUID, NamedPerson], departments: Mapping[int, str], tags: Mapping[int, str]
) -> Difference:
    person = people.get(UUID(row.object_id)) if row.object_kind in _OF_PEOPLE else None
    names = {"department": departments, "tag": tags}.get(row.object_kind)
    return Difference(
        **row.model_dump(include={"id", "object_kind", "object_id", "change", "before", "after", "at"}),
        name=person.name if person else names.get(int(row.object_id), "") if names else "",
        userid=person.userid if person else None,
    )
