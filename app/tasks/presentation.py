"""Tasks as REST shows them: ids of ours become userids, the rule key becomes a clause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import service as delivery
from app.org import queries as org
from app.policy import service as policies
from app.tasks import queries
from app.tasks.schemas import EntryOut, TaskOut, TaskSummary
from models.ids import PolicyVersionId
from models.tasks import Task, TaskEntry

_SAME = frozenset(
    {"id", "number", "title", "state", "progress", "due_at", "assigned_at", "accepted_at", "done_at", "updated_at"}
)
"""Columns that are called alike on the wire."""


async def summaries(session: AsyncSession, rows: Sequence[Task]) -> list[TaskSummary]:
    named = {person_id for row in rows for person_id in (row.owner_id, row.assigner_id)}
    userids = await org.last_userids_of(session, named)
    return [TaskSummary(**_own_columns(row, userids)) for row in rows]


async def task(session: AsyncSession, row: Task) -> TaskOut:
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    entries = await queries.entries_of(session, row.id)
    helpers = [person.id for person in await queries.collaborators_of(session, row.id)]
    acting = {entry.person_id for entry in entries if entry.person_id}
    userids = await org.last_userids_of(session, {row.owner_id, row.assigner_id, *helpers, *acting})
    return TaskOut(
        **_own_columns(row, userids),
        description=row.description,
        acceptance=row.acceptance,
        collaborators=[userids.get(person_id, "") for person_id in helpers],
        entries=[_entry(entry, userids) for entry in entries],
        reminders_delivered=await queries.reminders_delivered(session, row.id),
        delivery=await delivery.counts_by_state(session, message_id=row.card_message_id),
        rule_key=row.rule_key,
        clause=policy.cite(row.rule_key).clause,
        policy_version=policy.number,
        correlation_id=row.correlation_id,
    )


def _entry(row: TaskEntry, userids: Mapping[UUID, str]) -> EntryOut:
    person = userids.get(row.person_id, "") if row.person_id else None
    return EntryOut(person=person, **row.model_dump(include={"kind", "progress", "note", "via", "at"}))


def _own_columns(row: Task, userids: Mapping[UUID, str]) -> dict[str, Any]:
    return row.model_dump(include=set(_SAME)) | {
        "assigner": userids.get(row.assigner_id, ""),
        "owner": userids.get(row.owner_id, ""),
        "group": row.group_id,
        "late": row.done_at is not None and row.done_at > row.due_at,
    }
