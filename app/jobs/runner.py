"""Runs jobs: PgQueuer for the queue and the recurring schedule, a loop for the timers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job, Schedule
from sqlalchemy.engine import make_url

from app.database import transaction
from app.jobs.queue import enqueue
from app.jobs.registry import JobContext, JobFunction, Registry
from app.jobs.retry import retry_delay
from app.jobs.timers import sweep
from app.observability import JOBS, bound_correlation, get_logger

log = get_logger()

HEARTBEAT = timedelta(seconds=30)
SWEEP_EVERY = timedelta(milliseconds=500)
LOG_KEPT = timedelta(days=7)


def entrypoint(name: str, function: JobFunction, ctx: JobContext) -> Callable[[Job], Awaitable[None]]:
    """Wrap a job: bind its correlation id, count it, and turn an error into a retry or, at last, a held job."""

    async def run(job: Job) -> None:
        correlation_id = str((job.headers or {}).get("correlation_id") or "") or None
        with bound_correlation(correlation_id):
            try:
                await function(ctx, json.loads(job.payload or b"{}"))
            except Exception as error:
                delay = retry_delay(job.attempts + 1)
                JOBS.labels(name=name, outcome="retried" if delay else "held").inc()
                log.warning("job.failed", job=name, attempt=job.attempts + 1, error=repr(error), exc_info=error)
                if delay is None:
                    raise
                raise RetryRequested(delay=delay, reason=repr(error)[:200]) from error
            JOBS.labels(name=name, outcome="done").inc()

    return run


def scheduled(name: str, ctx: JobContext) -> Callable[[Schedule], Awaitable[None]]:
    """A recurring job is enqueued like any other; one that still waits is not queued twice."""

    async def run(_schedule: Schedule) -> None:
        async with transaction(ctx.sessions) as session:
            await enqueue(session, name, {}, dedupe_key=f"schedule:{name}")

    return run


class JobRunner:
    """`run()` works until `stop()`; what is under way is finished first."""

    def __init__(self, registry: Registry, ctx: JobContext, database_url: str) -> None:
        self._registry = registry
        self._ctx = ctx
        self._dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._queuer: PgQueuer | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        async with asyncpg.create_pool(self._dsn, min_size=2, max_size=6) as pool:
            queuer = self._queuer = PgQueuer.from_asyncpg_pool(pool)
            for name, function in self._registry.jobs.items():
                queuer.entrypoint(name, on_failure="hold")(entrypoint(name, function, self._ctx))
            for name, expression in self._registry.schedule.items():
                queuer.schedule(f"schedule.{name}", expression)(scheduled(name, self._ctx))
            if self._stopping.is_set():
                return
            await asyncio.gather(
                queuer.run(batch_size=20, dequeue_timeout=timedelta(seconds=1), heartbeat_timeout=HEARTBEAT),
                self._sweep_timers(),
            )

    def stop(self) -> None:
        self._stopping.set()
        if self._queuer is not None:
            self._queuer.shutdown.set()

    async def _sweep_timers(self) -> None:
        while not self._stopping.is_set():
            try:
                await sweep(self._ctx.sessions, self._ctx.clock, self._registry.timers)
            except Exception as error:  # noqa: BLE001 -- the database may be away for a moment; the next round tries again
                log.warning("timers.sweep_failed", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), SWEEP_EVERY.total_seconds())


async def prune_queue_log(ctx: JobContext, _payload: dict[str, object]) -> None:
    """Jobs leave a line each; lines older than a week go."""
    async with transaction(ctx.sessions) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM pgqueuer_log WHERE created < $1", (ctx.now() - LOG_KEPT,))


JOBS_OF_THE_QUEUE: dict[str, JobFunction] = {"jobs.prune_log": prune_queue_log}
SCHEDULE_OF_THE_QUEUE: dict[str, str] = {"jobs.prune_log": "17 3 * * *"}
