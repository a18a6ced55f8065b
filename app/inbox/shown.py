"""Received events, gaps and callers turned away, as lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.inbox import queries
from app.web.pagination import PageQuery, paginate
from models.inbox import EventState, ReceivedEvent
from models.intake import CallbackGap, CallbackRefusal


@dataclass(frozen=True)
class EventPage:
    items: Sequence[ReceivedEvent]
    next_cursor: str | None


async def events_listed(
    session: AsyncSession,
    *,
    state: EventState | None = None,
    event_type: str | None = None,
    subject: str | None = None,
    page: PageQuery,
) -> EventPage:
    """The newest first."""
    statement = queries.listed(state=state, event_type=event_type, subject=subject)
    rows, cursor = await paginate(session, statement, col(ReceivedEvent.id), page=page)
    return EventPage(rows, cursor)


@dataclass(frozen=True)
class Troubles:
    """What may have been lost, and who was turned away: the latest of both."""

    gaps: Sequence[CallbackGap]
    refusals: Sequence[CallbackRefusal]


async def troubles(session: AsyncSession, *, most: int) -> Troubles:
    gaps = await session.scalars(queries.gaps(is_open=True).order_by(col(CallbackGap.id).desc()).limit(most))
    refusals = await session.scalars(queries.refusals().order_by(col(CallbackRefusal.last_at).desc()).limit(most))
    return Troubles(list(gaps), list(refusals))
