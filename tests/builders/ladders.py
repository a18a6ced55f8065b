"""Timers as the sweep fires them, and then what has fallen due is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import REGISTRY
from app.ladders.tell import tell_due


async def rings(session: AsyncSession, kind: str, subject: str, now: datetime) -> None:
    """The timer fires, and nothing else falls due with it."""
    await REGISTRY.timers[kind](session, subject, now)
    await tell_due(session, now=now)
