"""What `/metrics` shows beside what this process has counted: read from the database at most every 15 seconds, and so
the same in every process, whichever does the work.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from time import monotonic
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import QueuePool

from app.limits.report import refresh_gauges
from app.observability import (
    BUILD_INFO,
    CLOCK_OFFSET,
    DEGRADED,
    INBOX_LAG,
    OLDEST_WAITING,
    POOL_CONNECTIONS,
    READY,
    get_logger,
)
from app.probes import queries
from app.web.deps import WebServices

log = get_logger()

LAST_SECONDS: Final = 15.0
PATIENCE: Final = timedelta(seconds=3)

BUILD_INFO.labels(version=version("wecom-steward"), python=platform.python_version()).set(1)


def show_readiness(what: Sequence[str], *, ready: bool) -> None:
    """`steward_degraded{what}` mirrors `/readyz`: one line for each entry, and none once it is gone."""
    DEGRADED.clear()
    for each in what:
        DEGRADED.labels(what=each).set(1)
    READY.set(1 if ready else 0)


def show_pool(engine: AsyncEngine) -> None:
    pool = engine.pool
    if not isinstance(pool, QueuePool):
        return
    POOL_CONNECTIONS.labels(state="in_use").set(pool.checkedout())
    POOL_CONNECTIONS.labels(state="idle").set(pool.checkedin())
    POOL_CONNECTIONS.labels(state="allowed").set(pool.size() + pool._max_overflow)  # noqa: SLF001 -- nothing public tells


async def show_ages(session: AsyncSession, *, now: datetime) -> None:
    """How long the oldest of each kind has waited for a worker, although it may go."""
    for what, since in (
        ("callback", await queries.oldest_waiting(session)),
        ("call", await queries.oldest_ready_call(session, now=now)),
        ("job", await queries.oldest_due_job(session, now=now)),
        ("deadline", await queries.oldest_due_timer(session, now=now)),
    ):
        age = max(0.0, (now - since).total_seconds()) if since else 0.0
        OLDEST_WAITING.labels(what=what).set(age)
        if what == "callback":
            INBOX_LAG.set(age)


async def show_clock(session: AsyncSession, *, now: datetime) -> None:
    CLOCK_OFFSET.labels(against="database").set((await queries.time_of_database(session) - now).total_seconds())


class StoredGauges:
    """The database is asked in passing: a scrape neither fails nor waits for it."""

    def __init__(self) -> None:
        self._read_at: float | None = None

    def is_due(self) -> bool:
        return self._read_at is None or monotonic() - self._read_at >= LAST_SECONDS

    async def refresh(self, services: WebServices) -> None:
        self._read_at = monotonic()
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()), services.sessions() as session:
                now = services.clock.now()
                await refresh_gauges(session, now=now)
                await show_ages(session, now=now)
                await show_clock(session, now=services.clock.now())
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("metrics.not_read", error=type(error).__name__)
