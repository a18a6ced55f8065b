"""Enqueue in the caller's transaction. Other packages use `Job.enqueue` (job.py), which knows what each job carries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings
from sqlalchemy import text
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from app.observability import current_correlation_id

_INSERT = QueryQueueBuilder(DBSettings()).build_enqueue_query("skip")


async def enqueue(
    session: AsyncSession,
    name: str,
    payload: dict[str, Any],
    *,
    dedupe_key: str | None = None,
    run_after: timedelta | None = None,
    priority: int = 0,
) -> bool:
    """Queue the job `name`; it exists exactly when the session's transaction commits.

    `dedupe_key` skips the job while another of the same key is waiting *or running*, and then returns False. Use it
    for work that any later run does as well (a sweep, a full sync), never for "this changed, look again": the
    running job may have looked already.
    """
    return bool(
        await enqueue_many(session, name, [payload], dedupe_keys=[dedupe_key], run_after=run_after, priority=priority)
    )


async def enqueue_many(
    session: AsyncSession,
    name: str,
    payloads: list[dict[str, Any]],
    *,
    dedupe_keys: list[str | None] | None = None,
    correlation_ids: list[str] | None = None,
    run_after: timedelta | None = None,
    priority: int = 0,
) -> int:
    """Queue one job per payload in one statement. Returns how many were not skipped as duplicates.

    `correlation_ids`: what each belongs to, where it is not what is under way here.
    """
    encoded = [json.dumps(payload, ensure_ascii=False, default=str).encode() for payload in payloads]
    return await insert(
        session, Batch(name, encoded, dedupe_keys, correlation_ids), run_after=run_after, priority=priority
    )


@dataclass(frozen=True)
class Batch:
    """Jobs of one name, each payload as JSON."""

    name: str
    payloads: Sequence[bytes]
    dedupe_keys: Sequence[str | None] | None = None
    correlation_ids: Sequence[str] | None = None


async def insert(session: AsyncSession, batch: Batch, *, run_after: timedelta | None, priority: int) -> int:
    """Queue the batch in one statement. Returns how many were not skipped as duplicates."""
    count = len(batch.payloads)
    if not count:
        return 0
    belongs_to = batch.correlation_ids or [current_correlation_id()] * count
    # The statement goes through SQLAlchemy's own connection: the raw driver connection, used before any SQLAlchemy
    # statement, would stand outside the transaction (D4).
    connection = await session.connection()
    result = await connection.exec_driver_sql(
        _INSERT,
        (
            [priority] * count,
            [batch.name] * count,
            list(batch.payloads),
            [run_after or timedelta()] * count,
            list(batch.dedupe_keys or [None] * count),
            [json.dumps({"correlation_id": correlation_id}) for correlation_id in belongs_to],
        ),
    )
    return len(result.all())


# Written in what is still to come for the server: its clock was set back since. The queue goes by that clock alone.
_SET_BACK = (
    text(
        "UPDATE pgqueuer SET execute_after = now() + greatest(execute_after - updated, interval '0'), updated = now()"
        " WHERE status = 'queued' AND updated > now() + interval '30 seconds' AND execute_after > now()"
    ),
    text(
        "UPDATE pgqueuer SET heartbeat = now(), updated = least(updated, now())"
        " WHERE status = 'picked' AND heartbeat > now() + interval '30 seconds'"
    ),
    text(
        "UPDATE pgqueuer_schedules SET next_run = now(), heartbeat = least(heartbeat, now()), updated = now()"
        " WHERE updated > now() + interval '30 seconds'"
    ),
)


async def follow_clock(session: AsyncSession) -> int:
    """After the server's clock was set back: jobs wait as long as they were to wait from now on, dead workers' jobs are
    found in time, the schedule goes on. Returns how many rows it was.
    """
    changed = 0
    for statement in _SET_BACK:
        changed += cast("CursorResult[Any]", await session.execute(statement)).rowcount
    return changed
