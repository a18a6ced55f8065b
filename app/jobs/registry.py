"""What a job and a timer are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Sessions
from app.settings import Settings
from app.wecom.client import Platform

CLAIMS_AT_ONCE = 2
"""One claim does its work while another waits for the database."""


@dataclass(frozen=True)
class JobContext:
    """What a job may use. It opens its own short transactions; none is open while the platform is called (D5)."""

    sessions: Sessions
    clock: Clock
    platform: Platform
    settings: Settings
    claiming: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CLAIMS_AT_ONCE), repr=False)
    """Taken by jobs whose first step waits for rows that all of them want: they queue here, without a connection."""

    def now(self) -> datetime:
        return self.clock.now()


JobFunction = Callable[[JobContext, dict[str, Any]], Awaitable[None]]
"""Runs at least once and may overlap. Raises to be tried again."""

TimerHandler = Callable[[AsyncSession, str, datetime], Awaitable[None]]
"""`(session, subject, now)`, in the transaction that deletes the timer. No platform calls."""
