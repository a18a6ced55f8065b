"""Events to publish, and the feed as a reader sees it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.audit.why import Why
from app.database import Sessions, transaction
from app.events.service import FeedQuery, catalogue, give_positions, publish, read
from models.events import PublishedEvent
from models.ids import new_id
from tests.fakes.clock import MONDAY_9AM

WHY = Why(SYSTEM, "approval.decide")


def approved(number: int, request_id: UUID | None = None) -> catalogue.RequestApproved:
    return catalogue.RequestApproved(request_id=request_id or new_id(), number=number, kind="join")


async def say(session: AsyncSession, *numbers: int, now: datetime = MONDAY_9AM) -> None:
    """Requests of these numbers were approved."""
    for number in numbers:
        await publish(session, approved(number), WHY, now=now)


async def given(sessions: Sessions, *numbers: int, now: datetime = MONDAY_9AM) -> None:
    """The same, committed and placed."""
    async with transaction(sessions) as session:
        await say(session, *numbers, now=now)
    async with transaction(sessions) as session:
        await give_positions(session)


async def seen(sessions: Sessions, after: int | None = 0) -> list[tuple[int | None, int]]:
    """Position and number of each request, as a reader sees them; 0 for whatever has no number."""
    async with transaction(sessions) as session:
        stretch = await read(session, FeedQuery(after, limit=1000))
    return [_told(event) for event, _ in stretch.events]


def _told(event: PublishedEvent) -> tuple[int | None, int]:
    return event.position, event.data.get("number", 0)
