"""Background entry points of the organisation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import transaction
from app.jobs.queue import enqueue
from app.jobs.registry import JobContext, JobFunction, TimerHandler
from app.settings import Settings
from app.sync import queries, refresh, runs
from app.sync.full_run import run_sync


async def sync(ctx: JobContext, payload: dict[str, Any]) -> None:
    """A full run: the one named, or a new one (`reason`, `dry_run`)."""
    if "run_id" in payload:
        run_id = UUID(payload["run_id"])
    else:
        async with transaction(ctx.sessions) as session:
            run = await runs.request(
                session,
                reason=str(payload.get("reason", "job")),
                now=ctx.now(),
                dry_run=bool(payload.get("dry_run", False)),
                queue=False,
            )
        run_id = run.id
    if await run_sync(ctx.sessions, ctx.platform, ctx.clock, run_id=run_id) is None:
        await _look_again(ctx, run_id)


async def _look_again(ctx: JobContext, run_id: UUID) -> None:
    """The run is at work elsewhere, or its worker has just died: a dead worker's job comes back before its run counts
    as dead.
    """
    async with transaction(ctx.sessions) as session:
        if await queries.is_running(session, run_id):
            await enqueue(session, "org.sync", {"run_id": str(run_id)}, run_after=runs.DEAD_AFTER)


async def refresh_person(ctx: JobContext, payload: dict[str, Any]) -> None:
    await refresh.refresh_person(
        ctx.sessions,
        ctx.platform,
        ctx.clock,
        userid=payload["userid"],
        new_userid=payload.get("new_userid"),
        deleted=bool(payload.get("deleted", False)),
    )


async def refresh_department(ctx: JobContext, payload: dict[str, Any]) -> None:
    await refresh.refresh_department(
        ctx.sessions,
        ctx.platform,
        ctx.clock,
        department_id=int(payload["department_id"]),
        deleted=bool(payload.get("deleted", False)),
    )


async def refresh_tag(ctx: JobContext, payload: dict[str, Any]) -> None:
    await refresh.refresh_tag(ctx.sessions, ctx.platform, ctx.clock, tag_id=int(payload["tag_id"]))


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:
    """The recurring run stands, and begins at once after a time down (F26)."""
    await runs.ensure_scheduled(session, now=now, interval=settings.sync_interval)


JOBS: dict[str, JobFunction] = {
    "org.sync": sync,
    "org.refresh_person": refresh_person,
    "org.refresh_department": refresh_department,
    "org.refresh_tag": refresh_tag,
}
TIMERS: dict[str, TimerHandler] = {runs.SYNC_DUE: runs.sync_due}
