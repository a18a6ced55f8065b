"""Sync runs as REST shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries as org_queries
from app.org import service as org
from app.org.service import NamedPerson
from app.sync import queries
from app.sync.schemas import SyncChangeOut, SyncRunOut, SyncRunSummary
from models.org import OrgChange, SyncRun


def summaries(rows: Sequence[SyncRun]) -> list[SyncRunSummary]:
    return [SyncRunSummary.model_validate(row, from_attributes=True) for row in rows]


async def changes(session: AsyncSession, rows: Sequence[OrgChange]) -> list[SyncChangeOut]:
    """Each with its name: three statements for a page."""
    people = await org.named_people(session, [UUID(row.object_id) for row in rows if row.object_kind in _OF_PEOPLE])
    departments = await org_queries.department_names(session, _numbers(rows, "department"))
    tags = await queries.tag_names(session, _numbers(rows, "tag"))
    return [_change(row, people, departments, tags) for row in rows]


_OF_PEOPLE = frozenset({"person", "membership"})


def _numbers(rows: Sequence[OrgChange], kind: str) -> list[int]:
    return [int(row.object_id) for row in rows if row.object_kind == kind]


def _change(
    row: OrgChange, people: Mapping[UUID, NamedPerson], departments: Mapping[int, str], tags: Mapping[int, str]
) -> SyncChangeOut:
    person = people.get(UUID(row.object_id)) if row.object_kind in _OF_PEOPLE else None
    names = {"department": departments, "tag": tags}.get(row.object_kind)
    return SyncChangeOut(
        **row.model_dump(include={"id", "object_kind", "object_id", "change", "before", "after", "at"}),
        name=person.name if person else names.get(int(row.object_id), "") if names else "",
        userid=person.userid if person else None,
    )


def run(row: SyncRun) -> SyncRunOut:
    return SyncRunOut.model_validate(row, from_attributes=True)
