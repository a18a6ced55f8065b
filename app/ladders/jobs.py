"""Background entry points: what has fallen due is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.job import TimerHandler
from app.ladders.tell import TELL, tell


async def tell_what_is_due(session: AsyncSession, _subject: str, now: datetime) -> None:
    await tell(session, now=now)


TIMERS: dict[str, TimerHandler] = {TELL: tell_what_is_due}
