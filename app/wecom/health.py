"""What we last saw of the platform, kept for `/readyz` and the doctor: nobody calls the platform to ask how it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import Clock
from app.database import Sessions, transaction
from app.observability import CLOCK_OFFSET, get_logger
from models.installation import PlatformState

log = get_logger()

CLOCK = "clock"

# Callbacks and tickets carry times; half a minute is far beyond any network and far below the replay window.
TOLERATED_OFFSET = timedelta(seconds=30)
WORTH_WRITING = timedelta(seconds=5)
REWRITE_AFTER = timedelta(minutes=5)


async def note_state(
    session: AsyncSession,
    *,
    key: str,
    healthy: bool,
    now: datetime,
    detail: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """Remember how a part of the platform is. `since` moves only when it turns from one to the other."""
    row = insert(PlatformState).values(key=key, healthy=healthy, detail=detail, facts=facts, since=now, updated_at=now)
    turned = col(PlatformState.healthy) != row.excluded.healthy
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "healthy": row.excluded.healthy,
                "detail": row.excluded.detail,
                "facts": row.excluded.facts,
                "since": case((turned, row.excluded.since), else_=PlatformState.since),
                "updated_at": row.excluded.updated_at,
            },
        )
    )


class ClockWatch:
    """Compares the platform's clock (the `Date` of its answers) with ours."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._written: timedelta | None = None
        self._written_at: datetime | None = None

    async def observe(self, date: str | None) -> None:
        """Never fails a call: what it learns is worth less than the answer it came with."""
        now = self._clock.now()
        offset = _offset(date, now)
        if offset is None:
            return
        CLOCK_OFFSET.labels(against="platform").set(offset.total_seconds())
        if not self._is_news(offset, now):
            return
        self._written, self._written_at = offset, now
        try:
            async with transaction(self._sessions) as session:
                await _note_clock(session, offset, now)
        except (SQLAlchemyError, OSError):
            log.warning("clock.not_noted", exc_info=True)

    def _is_news(self, offset: timedelta, now: datetime) -> bool:
        if self._written is None or self._written_at is None:
            return True
        return abs(offset - self._written) > WORTH_WRITING or now - self._written_at >= REWRITE_AFTER


async def _note_clock(session: AsyncSession, offset: timedelta, now: datetime) -> None:
    seconds = round(offset.total_seconds())
    healthy = abs(offset) <= TOLERATED_OFFSET
    told = f"本机时钟比企业微信{'慢' if seconds > 0 else '快'} {abs(seconds)} 秒，请校准时间（NTP）。"
    await note_state(
        session,
        key=CLOCK,
        healthy=healthy,
        detail="" if healthy else told,
        facts={"offset_seconds": seconds},
        now=now,
    )


def _offset(date: str | None, now: datetime) -> timedelta | None:
    """How far the platform's clock is ahead of ours."""
    if not date:
        return None
    try:
        return parsedate_to_datetime(date) - now
    except (TypeError, ValueError):
        return None
