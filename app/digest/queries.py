"""How far a morning's digest has come, and who is next."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.digests import MorningDigest


async def open_day(session: AsyncSession, day: date, *, now: datetime) -> bool:
    """Write the row of the day. False when it is there: its digest has begun before."""
    row = {"day": day, "began_at": now, "people": 0}
    statement = insert(MorningDigest).values(row).on_conflict_do_nothing().returning(col(MorningDigest.day))
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def claim(session: AsyncSession, day: date) -> MorningDigest | None:
    """The row of the day while nobody else writes to it. Whoever finds it taken waits."""
    return await session.get(MorningDigest, day, with_for_update=True)
