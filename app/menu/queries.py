"""Every SELECT of the menu."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.delivery import OutgoingCall


async def last_call(session: AsyncSession, ordering_key: str) -> OutgoingCall | None:
    """The call by which a menu was last asked for."""
    statement = select(OutgoingCall).where(col(OutgoingCall.ordering_key) == ordering_key)
    return (await session.scalars(statement.order_by(col(OutgoingCall.id).desc()).limit(1))).one_or_none()
