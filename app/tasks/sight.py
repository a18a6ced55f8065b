"""How far a permission goes among tasks (D21)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.org import service as org
from app.permissions import Permission, Sight
from models.org import Person
from models.tasks import Task, TaskCollaborator


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """Tasks in groups of the sight or of somebody in its departments, and those that one has, gave or helps with."""
    if sight.everything:
        return true()
    ids = select(col(Task.id))
    parts: list[Select[UUID]] = []
    if sight.groups:
        parts.append(ids.where(col(Task.group_id) == any_(literal(list(sight.groups), ARRAY(Uuid)))))
    if sight.person_id:
        parts += _own(sight)
    return org.among(col(Task.id), parts, col(Task.owner_id), sight.departments)


def _own(sight: Sight) -> list[Select[UUID]]:
    helping = select(col(TaskCollaborator.task_id)).where(
        col(TaskCollaborator.person_id) == sight.person_id, col(TaskCollaborator.ended_at).is_(None)
    )
    ids = select(col(Task.id))
    return [
        ids.where(col(Task.owner_id) == sight.person_id),
        ids.where(col(Task.assigner_id) == sight.person_id),
        helping,
    ]


async def is_seen(session: AsyncSession, sight: Sight, task_id: object) -> bool:
    statement = select(col(Task.id)).where(col(Task.id) == task_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None


async def assigns_everywhere(session: AsyncSession, person: Person, *, now: datetime) -> bool:
    """Whether they may assign tasks in the whole company, whichever way they come: a page, or a key in their name."""
    authority = await access.authority_of(session, person, now=now)
    return authority.sight_of(Permission.TASK_ASSIGN).everything
