"""Every SELECT of received events, by intention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.ids import EventId
from models.inbox import EventState, ReceivedEvent, SubjectClaim


async def event(session: AsyncSession, event_id: EventId) -> ReceivedEvent | None:
    return await session.get(ReceivedEvent, event_id)


async def event_for_update(session: AsyncSession, event_id: EventId) -> ReceivedEvent | None:
    return await session.get(ReceivedEvent, event_id, with_for_update={"key_share": True}, populate_existing=True)


def listed(
    *, state: EventState | None = None, event_type: str | None = None, subject: str | None = None
) -> Select[ReceivedEvent]:
    """Received events for a list; the caller orders and pages."""
    statement = select(ReceivedEvent)
    if state is not None:
        statement = statement.where(col(ReceivedEvent.state) == state)
    if event_type is not None:
        statement = statement.where(col(ReceivedEvent.event_type) == event_type)
    if subject is not None:
        statement = statement.where(col(ReceivedEvent.subject) == subject)
    return statement


async def newest(
    session: AsyncSession, *, state: EventState | None, event_type: str | None, subject: str | None, limit: int
) -> Sequence[ReceivedEvent]:
    statement = listed(state=state, event_type=event_type, subject=subject)
    return (await session.scalars(statement.order_by(col(ReceivedEvent.id).desc()).limit(limit))).all()


async def due_for_update(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
    """(id, subject) of the oldest events that are due and whose subject nobody works on, locked."""
    held = exists().where(col(SubjectClaim.subject) == col(ReceivedEvent.subject))
    due = or_(col(ReceivedEvent.not_before).is_(None), col(ReceivedEvent.not_before) <= now)
    statement = (
        select(col(ReceivedEvent.id), col(ReceivedEvent.subject))
        # A literal, so that a prepared statement too may use the partial index for claims.
        .where(text("received_events.state = 'pending'"), due, ~held)
        .order_by(col(ReceivedEvent.id))
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True, of=ReceivedEvent)
    )
    return [(number or 0, subject) for number, subject in await session.execute(statement)]


async def claims_for_update(session: AsyncSession, *, subjects: Sequence[str], batch: int) -> Sequence[str]:
    """Those of our leases that still are ours, locked until the transaction ends, in sorted order."""
    statement = (
        select(col(SubjectClaim.subject))
        .where(col(SubjectClaim.subject).in_(subjects), col(SubjectClaim.batch) == batch)
        .order_by(col(SubjectClaim.subject))
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).all()
