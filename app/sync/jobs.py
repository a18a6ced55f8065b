"""The jobs of the sync."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import transaction
from app.inbox.service import SYNC, SyncPayload
from app.jobs.job import JobContext, JobFunction, TimerHandler
from app.observability import get_logger
from app.settings import Settings
from app.sync import queries, refresh, runs
from app.sync.errors import SyncAlreadyRunning
from app.sync.full_run import run_sync
from app.sync.job_payloads import (
    REFRESH_DEPARTMENT,
    REFRESH_PERSON,
    REFRESH_TAG,
    DepartmentPayload,
    PersonPayload,
    TagPayload,
)
from app.sync.reading.app_name import read_app_name

log = get_logger()


async def sync(ctx: JobContext, payload: SyncPayload) -> None:
    """A full run: the one named, or a new one (`reason`, `dry_run`).

    A new one ends here while another is at work. Who asks for it is `inbox.gaps`, which asks again each minute until a
    run has begun after the gap: waiting here would only add a run that nobody needs.
    """
    run_id = payload.run_id
    if run_id is None:
        try:
            run_id = await _new_run(ctx, payload)
        except SyncAlreadyRunning as refusal:
            log.info("org.sync_skipped", reason=payload.reason, running=refusal.facts["run_id"])
            return
    await read_app_name(ctx.sessions, ctx.platform)
    if await run_sync(ctx.sessions, ctx.platform, ctx.clock, run_id=run_id) is None:
        await _look_again(ctx, run_id)


async def _new_run(ctx: JobContext, payload: SyncPayload) -> UUID:
    async with transaction(ctx.sessions) as session:
        run = await runs.request(session, reason=payload.reason, now=ctx.now(), dry_run=payload.dry_run, queue=False)
    return run.id


async def _look_again(ctx: JobContext, run_id: UUID) -> None:
    """The run is at work elsewhere, or its worker has just died: a dead worker's job comes back before its run counts
    as dead.
    """
    async with transaction(ctx.sessions) as session:
        if await queries.is_running(session, run_id):
            await SYNC.enqueue(session, SyncPayload(run_id=run_id), run_after=runs.DEAD_AFTER)


async def refresh_person(ctx: JobContext, payload: PersonPayload) -> None:
    await refresh.refresh_person(
        ctx.sessions,
        ctx.platform,
        ctx.clock,
        userid=payload.userid,
        new_userid=payload.new_userid,
        deleted=payload.deleted,
        callbacks=payload.callbacks,
    )


async def refresh_department(ctx: JobContext, payload: DepartmentPayload) -> None:
    await refresh.refresh_department(
        ctx.sessions,
        ctx.platform,
        ctx.clock,
        department_id=payload.department_id,
        deleted=payload.deleted,
        callbacks=payload.callbacks,
    )


async def refresh_tag(ctx: JobContext, payload: TagPayload) -> None:
    await refresh.refresh_tag(ctx.sessions, ctx.platform, ctx.clock, tag_id=payload.tag_id, callbacks=payload.callbacks)


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:
    """Schedule the recurring run. After a downtime it starts at once (F26)."""
    await runs.ensure_scheduled(session, now=now, interval=settings.sync_interval)


JOBS: dict[str, JobFunction] = (
    SYNC.run_by(sync)
    | REFRESH_PERSON.run_by(refresh_person)
    | REFRESH_DEPARTMENT.run_by(refresh_department)
    | REFRESH_TAG.run_by(refresh_tag)
)
TIMERS: dict[str, TimerHandler] = {runs.SYNC_DUE: runs.sync_due}
