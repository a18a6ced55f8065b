"""Every SELECT of the roles."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.groups import GroupMember


async def have_left(session: AsyncSession, group_id: UUID, person_ids: Collection[UUID]) -> set[UUID]:
    """Those of these people who have been in the group and whose stays have all ended."""
    is_over = func.bool_and(col(GroupMember.ended_at).is_not(None))
    statement = (
        select(col(GroupMember.person_id))
        .where(col(GroupMember.group_id) == group_id, col(GroupMember.person_id).in_(person_ids))
        .group_by(col(GroupMember.person_id))
        .having(is_over)
    )
    return set(await session.scalars(statement))
