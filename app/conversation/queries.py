"""Every SELECT of the conversation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.why import About
from models.delivery import Delivery, Message


async def is_answered(session: AsyncSession, about: About) -> bool:
    """Whether this event has had its answer."""
    answered = exists().where(col(Message.origin_kind) == about.kind, col(Message.origin_id) == about.key)
    return bool(await session.scalar(select(answered)))


async def answers_since(
    session: AsyncSession, person_id: UUID, purpose: str, *, short: datetime, day: datetime
) -> tuple[int, int]:
    """How many answers this person has had since either moment."""
    statement = (
        select(func.count().filter(col(Message.created_at) > short), func.count())
        .select_from(Delivery)
        .join(Message, col(Message.id) == col(Delivery.message_id))
        .where(col(Delivery.person_id) == person_id, col(Delivery.part) == 1)
        .where(col(Message.purpose) == purpose, col(Message.created_at) > day)
    )
    in_short, in_a_day = (await session.execute(statement)).one()
    return in_short, in_a_day
