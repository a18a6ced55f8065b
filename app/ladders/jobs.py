"""Background entry points: what has fallen due is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.job import TimerHandler
from app.ladders.tell import TELL, judge_again, tell
from app.settings import Settings


async def tell_what_is_due(session: AsyncSession, _subject: str, now: datetime) -> None:
    await tell(session, now=now)


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:  # noqa: ARG001 -- all steps are called alike
    """At start, and when our clock was set back: what waits for the end of a rest period waits for that of now."""
    await judge_again(session, now=now)


TIMERS: dict[str, TimerHandler] = {TELL: tell_what_is_due}
