"""Places in the feed, given after the commit by one writer at a time.

A number drawn before the commit lets a reader skip: it sees 8, and 7 is committed a moment later. So a row is placed
only when it is visible to everybody, behind all that were placed before, and whoever has seen a position has seen all
before it. What is rolled back never gets one, so there are no gaps.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.database import Sessions, transaction
from app.events.errors import FeedHeadMissing
from app.observability import get_logger
from models.events import EventHead, PublishedEvent

log = get_logger()

EVERY: Final = timedelta(milliseconds=250)
BATCH: Final = 1000
PRUNED_AT_ONCE: Final = 5000
CHANNEL: Final = "events"
"""Whoever listens to it hears at once that the feed has grown."""

_PLACE: Final = text("""
WITH unplaced AS (
    SELECT id FROM events WHERE position IS NULL ORDER BY id LIMIT :limit
), placed AS (
    SELECT id, :last + row_number() OVER (ORDER BY id) AS position FROM unplaced
)
UPDATE events SET position = placed.position FROM placed WHERE events.id = placed.id
""")


async def give_positions(session: AsyncSession, *, limit: int = BATCH) -> int:
    """Place up to `limit` committed events, in the order of their ids. Returns how many.

    Another writer waits for this transaction to end, and then sees what it has placed.
    """
    head = await _locked_head(session)
    placed = cast("CursorResult[Any]", await session.execute(_PLACE, {"limit": limit, "last": head.position})).rowcount
    if placed:
        head.position += placed
        await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
    return placed


async def prune(session: AsyncSession, *, before: datetime, limit: int = PRUNED_AT_ONCE) -> int:
    """Delete up to `limit` events from the beginning of the feed that are older than `before`. Returns how many.

    Only from the beginning: a hole further on would look like an event that never was.
    """
    head = await _locked_head(session)
    until = min(head.pruned + limit, head.position)
    concerned = (col(PublishedEvent.position) > head.pruned, col(PublishedEvent.position) <= until)
    young = select(col(PublishedEvent.position)).where(*concerned, col(PublishedEvent.occurred_at) >= before)
    first = await session.scalar(young.order_by(col(PublishedEvent.position)).limit(1))
    if first is not None:
        until = first - 1
    old = until - head.pruned
    if old:
        await session.execute(delete(PublishedEvent).where(*concerned, col(PublishedEvent.position) <= until))
        head.pruned = until
    return old


async def _locked_head(session: AsyncSession) -> EventHead:
    """Whoever holds it is the one writer."""
    head = await session.get(EventHead, 1, with_for_update={"key_share": True}, populate_existing=True)
    if head is None:
        raise FeedHeadMissing
    return head


class PositionWriter:
    """The loop of a worker. Several may run: one writes at a time. A database that is away is waited for."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def run(self, stop: asyncio.Event) -> None:
        """Place what is committed, until `stop` is set."""
        while not stop.is_set():
            try:
                await self.place_all()
            except Exception as error:  # noqa: BLE001 -- the database may be away for a moment; the next round tries again
                log.warning("events.placing_failed", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY.total_seconds())

    async def place_all(self) -> int:
        """Place everything that is committed now, in short transactions. Returns how many events."""
        total = 0
        while await self._is_waited_for():
            async with transaction(self._sessions) as session:
                total += await give_positions(session)
        return total

    async def _is_waited_for(self) -> bool:
        """Asked four times a second by each worker: without a lock, by an index of nothing but waiting rows."""
        waiting = select(exists().where(col(PublishedEvent.position).is_(None)))
        async with transaction(self._sessions) as session:
            return bool(await session.scalar(waiting))
