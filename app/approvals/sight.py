"""How far a permission goes among requests (D21)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, any_, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import service as org
from app.permissions import Sight
from models.approvals import ConcernedPerson, Request, RequestStep, StepApprover


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """Requests about groups of the sight or made by somebody of its departments, one's own, those about oneself, and
    those that one is or was asked to decide.
    """
    if sight.everything:
        return true()
    ids = select(col(Request.id))
    parts: list[Select[UUID]] = []
    if sight.groups:
        parts.append(ids.where(col(Request.group_id) == any_(literal(list(sight.groups), ARRAY(Uuid)))))
    if sight.person_id:
        parts += _own(sight)
    return org.among(col(Request.id), parts, col(Request.requester_id), sight.departments)


def _own(sight: Sight) -> list[Select[UUID]]:
    asked = (
        select(col(RequestStep.request_id))
        .join(StepApprover, col(StepApprover.step_id) == col(RequestStep.id))
        .where(col(StepApprover.person_id) == sight.person_id)
    )
    concerned = select(col(ConcernedPerson.request_id)).where(col(ConcernedPerson.person_id) == sight.person_id)
    return [select(col(Request.id)).where(col(Request.requester_id) == sight.person_id), asked, concerned]


async def is_seen(session: AsyncSession, sight: Sight, request_id: object) -> bool:
    statement = select(col(Request.id)).where(col(Request.id) == request_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None
