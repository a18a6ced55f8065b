"""Whom to tell, and whether they have been told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.audit import ObjectKind
from models.delivery import Message
from models.org import Person


async def lock_person(session: AsyncSession, person_id: UUID) -> None:
    """A job that runs twice at once tells once."""
    await session.execute(select(col(Person.id)).where(col(Person.id) == person_id).with_for_update(key_share=True))


async def was_told(session: AsyncSession, person_id: UUID, purpose: str, *, correlation_id: str) -> bool:
    """Whether what has this correlation id has led to a message of the purpose already."""
    statement = select(col(Message.id)).where(
        col(Message.origin_kind) == ObjectKind.PERSON.value,
        col(Message.origin_id) == str(person_id),
        col(Message.purpose) == purpose,
        col(Message.correlation_id) == correlation_id,
    )
    return (await session.scalars(statement.limit(1))).first() is not None
