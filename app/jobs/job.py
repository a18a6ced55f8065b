"""What a job is: its context, its typed payload, and how it is queued and read back. And what a timer is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Sessions
from app.jobs import queue
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


class Payload(BaseModel):
    """What a job carries. A row that an earlier version has queued must still be read: a new field needs a default,
    a renamed one an alias, and a field that is gone is ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Nothing(Payload):
    """The payload of a job without facts."""


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True)
class Job(Generic[P]):
    """The name of a job and what it carries. Jobs run at least once and may overlap: each claims its own row first."""

    name: str
    payload: type[P]

    async def enqueue(
        self,
        session: AsyncSession,
        payload: P,
        *,
        dedupe_key: str | None = None,
        run_after: timedelta | None = None,
        priority: int = 0,
    ) -> bool:
        """Queue it; it exists exactly when the session's transaction commits. False when `dedupe_key` skipped it.

        A `dedupe_key` skips the job while another of the same key waits *or runs*: use it for work that any later run
        does as well, never for "this changed, look again".
        """
        count = await self.enqueue_many(
            session,
            [payload],
            dedupe_keys=[dedupe_key] if dedupe_key else None,
            run_after=run_after,
            priority=priority,
        )
        return bool(count)

    async def enqueue_many(
        self,
        session: AsyncSession,
        payloads: Sequence[P],
        *,
        dedupe_keys: Sequence[str | None] | None = None,
        correlation_ids: Sequence[str] | None = None,
        run_after: timedelta | None = None,
        priority: int = 0,
    ) -> int:
        """Queue one job per payload in one statement. Returns how many were not skipped as duplicates."""
        return await queue.insert(
            session,
            queue.Batch(
                self.name,
                # Only what was said: a worker of the former version, still running during an update, reads it too.
                [payload.model_dump_json(by_alias=True, exclude_unset=True).encode() for payload in payloads],
                dedupe_keys,
                correlation_ids,
            ),
            run_after=run_after,
            priority=priority,
        )

    def read(self, raw: dict[str, Any]) -> P:
        """The payload of a queued row, also of one that an earlier version has written."""
        return self.payload.model_validate(raw)

    def run_by(self, function: Callable[[JobContext, P], Awaitable[None]]) -> dict[str, JobFunction]:
        """The entry for a manifest: `jobs=MAKE_CALL.run_by(make_call) | …`."""

        async def run(ctx: JobContext, raw: dict[str, Any]) -> None:
            await function(ctx, self.read(raw))

        return {self.name: run}


async def any_waits(session: AsyncSession, names: Sequence[str]) -> bool:
    """Whether one of these jobs could run now and has not been taken. Those at work are not counted."""
    waiting = "SELECT EXISTS (SELECT FROM pgqueuer WHERE status = 'queued' AND execute_after <= now()"
    statement = text(f"{waiting} AND attempts = 0 AND entrypoint = ANY (CAST(:names AS text[])))")
    return bool((await session.execute(statement, {"names": list(names)})).scalar_one())
