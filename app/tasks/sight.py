"""How far a permission goes among tasks (D21)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Uuid, any_, false, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import service as org
from app.permissions import Sight
from models.tasks import Task, TaskCollaborator


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """Tasks in groups of the sight or of somebody in its departments, and those that one has, gave or helps with."""
    if sight.everything:
        return true()
    return or_(
        col(Task.group_id) == any_(literal(list(sight.groups), ARRAY(Uuid))),
        col(Task.owner_id).in_(org.people_in(sight.departments)) if sight.departments else false(),
        _own(sight) if sight.person_id else false(),
    )


def _own(sight: Sight) -> ColumnElement[bool]:
    helping = select(col(TaskCollaborator.task_id)).where(
        col(TaskCollaborator.person_id) == sight.person_id, col(TaskCollaborator.ended_at).is_(None)
    )
    return or_(
        col(Task.owner_id) == sight.person_id, col(Task.assigner_id) == sight.person_id, col(Task.id).in_(helping)
    )


async def is_seen(session: AsyncSession, sight: Sight, task_id: object) -> bool:
    statement = select(col(Task.id)).where(col(Task.id) == task_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None
