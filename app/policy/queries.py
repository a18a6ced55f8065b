"""Every SELECT of the policy, by intention."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.policy import PolicyVersion

VERSIONS_LOCK = 0x90_11C1
"""Advisory lock: one new version at a time, so that numbers have no gaps and two starting replicas make one."""


async def id_in_force(session: AsyncSession, *, now: datetime) -> UUID | None:
    """The newest version whose day has come. A later version replaces all earlier ones, scheduled ones included.

    Version 1 is in force from the beginning of time: where the clock was ahead when it was stored and is set back,
    there would be none.
    """
    statement = (
        select(col(PolicyVersion.id))
        .where(or_(col(PolicyVersion.effective_at) <= now, col(PolicyVersion.number) == 1))
        .order_by(col(PolicyVersion.number).desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def version(session: AsyncSession, version_id: UUID) -> PolicyVersion | None:
    return await session.get(PolicyVersion, version_id)


async def version_numbered(session: AsyncSession, number: int) -> PolicyVersion | None:
    return (await session.scalars(select(PolicyVersion).where(col(PolicyVersion.number) == number))).one_or_none()


async def newest_version(session: AsyncSession) -> PolicyVersion | None:
    return (await session.scalars(select(PolicyVersion).order_by(col(PolicyVersion.number).desc()).limit(1))).first()


def all_versions() -> Select[PolicyVersion]:
    return select(PolicyVersion)


async def lock_versions(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": VERSIONS_LOCK})
