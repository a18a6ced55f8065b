"""The SELECTs of the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.events import EventHead, PublishedEvent
from models.policy import PolicyVersion

LOOKED_THROUGH: Final = 50_000
"""So many events are looked at for one answer, however few of them are of the types that are asked for."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of the feed as one snapshot shows it."""

    events: list[tuple[PublishedEvent, int | None]]
    """Each with the number of the policy version that it rests on."""
    seen: int
    """Everything up to this position was looked at."""
    pruned: int
    """The last position whose event was deleted."""
    newest: int
    """The last position that was given."""


async def stretch_after(
    session: AsyncSession, after: int | None, *, types: frozenset[str] | None, limit: int
) -> Stretch | None:
    """The events behind a position, or from the oldest that is kept. None when the feed has no head.

    One statement: its rows and its bounds are of one moment, whatever is placed or deleted meanwhile.
    """
    start: Any = col(EventHead.pruned) if after is None else literal(after)
    wanted = [
        col(PublishedEvent.position) > start,
        col(PublishedEvent.position) <= start + LOOKED_THROUGH,
    ]
    if types is not None:
        wanted.append(col(PublishedEvent.type).in_(sorted(types)))
    found = select(PublishedEvent).where(*wanted).order_by(col(PublishedEvent.position)).limit(limit)
    event = aliased(PublishedEvent, found.correlate(EventHead).lateral("found"))
    statement = (
        select(col(EventHead.position), col(EventHead.pruned), event, col(PolicyVersion.number))
        .select_from(EventHead)
        .outerjoin(event, true())
        .outerjoin(PolicyVersion, col(PolicyVersion.id) == col(event.policy_version_id))
        .order_by(col(event.position))
    )
    rows = (await session.execute(statement)).all()
    if not rows:
        return None
    newest, pruned = rows[0][0], rows[0][1]
    events: list[tuple[PublishedEvent, int | None]] = [(row[2], row[3]) for row in rows if row[2] is not None]
    begin = pruned if after is None else after
    seen = events[-1][0].position if len(events) == limit else min(begin + LOOKED_THROUGH, newest)
    return Stretch(events, seen or 0, pruned, newest)
