"""Work that has failed for good and waits for a person: held jobs and parked timers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.retry import MAX_ATTEMPTS
from app.overview.service import Asked, Figure, Level, Measure, Place, found_in
from app.permissions import Permission
from app.trace.service import MOST, Ref, TraceAsked, TraceEntry, TraceKind, job, timer

_LIST = text(
    "SELECT id::text AS id, entrypoint AS name, convert_from(payload, 'UTF8') AS payload, attempts, updated AS since"
    " FROM pgqueuer WHERE status = 'failed'"
    " UNION ALL"
    " SELECT 'timer:' || kind || '/' || subject, kind, subject, attempts, parked_at FROM timers"
    " WHERE parked_at IS NOT NULL ORDER BY since"
)

_RETRY_JOBS = text(
    "UPDATE pgqueuer SET status = 'queued', attempts = 0, headers = headers - 'waits' - 'given_up',"
    " queue_manager_id = NULL, execute_after = now(), updated = now()"
    " WHERE status = 'failed' AND (CAST(:ids AS text[]) IS NULL OR id::text = ANY(:ids)) RETURNING id"
)

_RETRY_TIMERS = text(
    "UPDATE timers SET parked_at = NULL, attempts = 0, last_error = NULL, due_at = :now WHERE parked_at IS NOT NULL"
    " AND (CAST(:ids AS text[]) IS NULL OR 'timer:' || kind || '/' || subject = ANY(:ids)) RETURNING kind"
)


_WAITED = text(
    "UPDATE pgqueuer SET headers = coalesce(headers, '{}')"
    " || jsonb_build_object('waits', coalesce((headers ->> 'waits')::int, 0) + 1) WHERE id = :id"
)

_GIVEN_UP = text(
    "UPDATE pgqueuer SET headers = coalesce(headers, '{}') || jsonb_build_object('given_up', true) WHERE id = :id"
)

_RESCUE = text(
    "UPDATE pgqueuer SET status = 'queued', attempts = attempts + 1, headers = coalesce(headers, '{}')"
    " || jsonb_build_object('waits', coalesce((headers ->> 'waits')::int, 0) + 1), queue_manager_id = NULL,"
    " updated = now(), execute_after = now() WHERE status = 'failed' AND headers -> 'given_up' IS NULL"
    # The release before gave up without a mark, and counted waits as tries.
    " AND (attempts + 1 < :most OR headers -> 'waits' IS NOT NULL) RETURNING entrypoint"
)

_COUNT = text(
    "SELECT (SELECT count(*) FROM pgqueuer WHERE status = 'failed'),"
    " (SELECT min(updated) FROM pgqueuer WHERE status = 'failed'), count(*), min(parked_at) FROM timers"
    " WHERE parked_at IS NOT NULL"
)

_JOBS = Measure(
    "jobs.held",
    Level.WRONG,
    "多次失败后停下的后台作业",
    "background jobs that failed to the end",
    Permission.SERVICE_READ,
    found_in(Place.JOBS),
)
_TIMERS = Measure(
    "timers.parked",
    Level.WRONG,
    "多次失败后停下的到期事项",
    "deadlines whose handling failed to the end",
    Permission.SERVICE_READ,
    found_in(Place.JOBS),
)


async def counted(session: AsyncSession, _asked: Asked) -> list[Figure]:
    """For the overview: what waits for a person."""
    row = (await session.execute(_COUNT)).one()
    return [_JOBS.figure(*row[0:2]), _TIMERS.figure(*row[2:4])]


_UNDER = text(
    "SELECT 'job' AS kind, id::text AS id, entrypoint AS name, status::text AS state, created AS began,"
    " execute_after AS due_at FROM pgqueuer WHERE headers ->> 'correlation_id' = :correlation_id"
    " UNION ALL"
    " SELECT 'timer', kind || '/' || subject, kind, CASE WHEN parked_at IS NULL THEN 'waiting' ELSE 'parked' END,"
    " created_at, due_at FROM timers WHERE correlation_id = :correlation_id"
    " ORDER BY due_at LIMIT :most"
)


async def traced(session: AsyncSession, asked: TraceAsked) -> list[TraceEntry]:
    """For a trace: jobs and deadlines that have not run, at the moment when they may."""
    rows = await session.execute(_UNDER, {"correlation_id": asked.correlation_id, "most": MOST})
    return [_waiting(row) for row in rows]


def _waiting(row: Any) -> TraceEntry:
    chinese, english = job(row.name) if row.kind == "job" else timer(row.name)
    what = ("后台作业", "background job") if row.kind == "job" else ("到期事项", "deadline")
    return TraceEntry(
        at=row.due_at,
        kind=TraceKind.WAITING,
        chinese=f"{what[0]}尚未办理：{chinese}",
        english=f"The {what[1]} has not run yet: {english}",
        ref=Ref(row.kind, row.id),
        state=row.state,
    )


async def note_wait(session: AsyncSession, job_id: int) -> None:
    """The job has waited for the platform or the database once more, which uses up no try."""
    await session.execute(_WAITED, {"id": job_id})


async def note_given_up(session: AsyncSession, job_id: int) -> None:
    """The job has used up its tries: it waits for a person."""
    await session.execute(_GIVEN_UP, {"id": job_id})


async def rescue(session: AsyncSession) -> list[str]:
    """Jobs that are held and were not given up: their retry could not be written because the database was away, and
    PgQueuer holds them then. They go on, however often they were tried. Returns their names.
    """
    return list((await session.execute(_RESCUE, {"most": MAX_ATTEMPTS})).scalars())


async def held_work(session: AsyncSession) -> list[dict[str, Any]]:
    """Jobs and timers that wait for a person, the longest waiting first. Ids of timers begin with `timer:`."""
    return [dict(row) for row in (await session.execute(_LIST)).mappings()]


async def try_again(session: AsyncSession, *, ids: list[str] | None, now: datetime) -> int:
    """Run these again, or all of them. Returns how many."""
    jobs = await session.execute(_RETRY_JOBS, {"ids": ids})
    timers = await session.execute(_RETRY_TIMERS, {"ids": ids, "now": now})
    return len(jobs.all()) + len(timers.all())
