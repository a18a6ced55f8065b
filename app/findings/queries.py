"""Every SELECT of findings, by intention."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.findings.errors import FindingNotFound
from models.groups import FindingKind, FindingState, GroupFinding
from models.ids import FindingId, GroupId


async def finding(session: AsyncSession, group_id: GroupId, finding_id: FindingId) -> GroupFinding:
    statement = (
        select(GroupFinding)
        .where(col(GroupFinding.id) == finding_id, col(GroupFinding.group_id) == group_id)
        .with_for_update(key_share=True)
    )
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise FindingNotFound("这个群没有这条差异", "This group has no such finding")
    return found


async def known(session: AsyncSession, finding_id: UUID) -> GroupFinding:
    return await session.get_one(GroupFinding, finding_id, populate_existing=True)


async def open_findings(session: AsyncSession, group_id: UUID) -> Sequence[GroupFinding]:
    statement = select(GroupFinding).where(
        col(GroupFinding.group_id) == group_id, col(GroupFinding.state) == FindingState.OPEN
    )
    return (await session.scalars(statement)).all()


async def groups_with(session: AsyncSession, kind: FindingKind) -> list[GroupId]:
    """Those with an open finding of this kind."""
    statement = (
        select(col(GroupFinding.group_id))
        .where(col(GroupFinding.kind) == kind, col(GroupFinding.state) == FindingState.OPEN)
        .distinct()
        .order_by(col(GroupFinding.group_id))
    )
    return [GroupId(one) for one in await session.scalars(statement)]


def findings(*, group_id: UUID | None, state: FindingState | None) -> Select[GroupFinding]:
    statement = select(GroupFinding)
    if group_id is not None:
        statement = statement.where(col(GroupFinding.group_id) == group_id)
    return statement if state is None else statement.where(col(GroupFinding.state) == state)
