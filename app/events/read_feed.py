"""Reading the feed, at once or as soon as there is something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.events import queries
from app.events.errors import EventsGone, FeedHeadMissing, PositionAhead
from app.events.queries import Stretch

POLL: Final = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class FeedQuery:
    after: int | None
    """The position up to which the reader has seen everything; None for the oldest event that is kept."""
    types: frozenset[str] | None = None
    limit: int = 100


async def read(session: AsyncSession, query: FeedQuery) -> Stretch:
    """What comes behind `query.after`.

    Raises `EventsGone` when some of it was deleted, `PositionAhead` when the feed has not come so far.
    """
    stretch = await queries.stretch_after(session, query.after, types=query.types, limit=query.limit)
    if stretch is None:
        raise FeedHeadMissing
    if query.after is not None and query.after < stretch.pruned:
        raise EventsGone(
            f"位置 {stretch.pruned} 及以前的事件已过保留期，不能再读：请先用各列表的 updated_since 补齐，"
            f"再从 after={stretch.pruned} 继续",
            f"The events up to position {stretch.pruned} were deleted: catch up with updated_since of the "
            f"lists, then go on with after={stretch.pruned}",
            oldest=stretch.pruned + 1,
            resume_after=stretch.pruned,
        )
    if query.after is not None and query.after > stretch.newest:
        raise PositionAhead(
            f"事件流目前到位置 {stretch.newest}，还没有 {query.after}：请使用上一次回答里的 last_position",
            f"The newest position is {stretch.newest} and {query.after} is not there yet: use "
            "last_position of the answer before",
            newest=stretch.newest,
        )
    return stretch


async def read_or_wait(
    sessions: Sessions, query: FeedQuery, *, wait: timedelta, has_left: Callable[[], Awaitable[bool]]
) -> Stretch:
    """The same, waiting up to `wait` for the first event. No connection is held in between.

    `has_left` says that nobody will wait for the answer any longer.
    """
    clock = asyncio.get_running_loop()
    until = clock.time() + wait.total_seconds()
    while True:
        async with transaction(sessions) as session:
            stretch = await read(session, query)
        left = until - clock.time()
        if stretch.events or left <= 0 or await has_left():
            return stretch
        query = replace(query, after=stretch.seen)
        if stretch.seen == stretch.newest:
            await asyncio.sleep(min(POLL.total_seconds(), left))
