"""Runs jobs: PgQueuer for the queue and the recurring schedule, a loop for the timers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any, Final

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job, Schedule
from sqlalchemy import text

from app.database import USUAL, Patience, end_stopped, is_away, is_passing, transaction
from app.database_url import DatabaseUrl, read_url
from app.jobs.held import note_given_up, note_wait, rescue
from app.jobs.job import Job as QueuedJob
from app.jobs.job import JobContext, JobFunction, Nothing
from app.jobs.queue import enqueue, follow_clock
from app.jobs.retry import delay_after, is_wait
from app.jobs.timers import sweep
from app.manifest import Registry
from app.observability import JOBS, bound_correlation, get_logger

log = get_logger()

HEARTBEAT = timedelta(seconds=30)
SWEEP_EVERY = timedelta(milliseconds=500)
RESCUE_EVERY = timedelta(seconds=10)
FOLLOW_EACH = 6
"""Rounds of the rescue: each minute."""
NOTICED = timedelta(seconds=30)
"""A clock that is set back by less changes nothing that anybody would notice."""
LOG_KEPT = timedelta(days=7)
RECONNECT_AFTER = timedelta(seconds=1)
ANSWERS_WITHIN = timedelta(seconds=10)
"""A statement of the queue takes milliseconds: a connection that does not answer within this time is lost."""
AWAY_PAUSE = timedelta(seconds=2)
AWAY_TRIES = 60
"""After so many it is asked whether it is the database that is away. While it is, the job waits, however long."""
_READ_ONLY = text("SELECT current_setting('transaction_read_only')::bool")
DRAIN = timedelta(seconds=4)
"""What is under way at a shutdown may take this long; a supervisor waits for ten, and giving back takes some."""
POOL_CLOSES_WITHIN = timedelta(seconds=1)

_AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""The errors that a restarting database causes here."""


def entrypoint(
    name: str, function: JobFunction, ctx: JobContext, under_way: set[asyncio.Task[Any]]
) -> Callable[[Job], Awaitable[None]]:
    """Wrap a job: bind its correlation id, count it, and turn an error into a retry or, at last, a held job."""

    async def run(job: Job) -> None:
        if (task := asyncio.current_task()) is not None:
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        correlation_id = str((job.headers or {}).get("correlation_id") or "") or None
        with bound_correlation(correlation_id):
            try:
                await _carry_out(name, function, ctx, json.loads(job.payload or b"{}"))
            except Exception as error:
                waits = (job.headers or {}).get("waits")
                delay = delay_after(error, job.attempts + 1, waits=waits if isinstance(waits, int) else 0)
                JOBS.labels(name=name, outcome="retried" if delay else "held").inc()
                log.warning("job.failed", job=name, attempt=job.attempts + 1, error=repr(error), exc_info=error)
                await _note(ctx, job.id, error, given_up=delay is None)
                if delay is None:
                    raise
                raise RetryRequested(delay=delay, reason=repr(error)[:200]) from error
            except asyncio.CancelledError as cut_off:
                # A shutdown that waits no longer. PgQueuer would strike a cancelled job off the list: give it back.
                JOBS.labels(name=name, outcome="cut_off").inc()
                raise RetryRequested(delay=timedelta(), reason="cut off by a shutdown") from cut_off
            JOBS.labels(name=name, outcome="done").inc()

    return run


async def _note(ctx: JobContext, job_id: int, error: Exception, *, given_up: bool) -> None:
    """What is not noted, as the database is away, costs a try or gives one more: it is no reason to fail."""
    if not given_up and not is_wait(error):
        return
    try:
        async with transaction(ctx.sessions) as session:
            await (note_given_up if given_up else note_wait)(session, job_id)
    except Exception as unwritten:  # noqa: BLE001 -- as said above
        log.warning("job.not_noted", job_id=job_id, error=repr(unwritten))


async def _carry_out(name: str, function: JobFunction, ctx: JobContext, payload: dict[str, Any]) -> None:
    """While the database is away, or after a deadlock, the job waits and starts again. That is no attempt."""
    for attempt in count():
        try:
            await function(ctx, payload)
            break
        except Exception as error:
            if not is_passing(error) or (attempt >= AWAY_TRIES and await _answers(ctx)):
                raise
            log.warning("job.database_away", job=name, error=repr(error))
            await asyncio.sleep(AWAY_PAUSE.total_seconds())


async def _answers(ctx: JobContext) -> bool:
    """Whether the database takes writes, so that it is something else which fails again and again."""
    try:
        async with transaction(ctx.sessions) as session:
            return not (await session.execute(_READ_ONLY)).scalar_one()
    except Exception as error:
        if is_away(error):
            return False
        raise


def scheduled(name: str, ctx: JobContext) -> Callable[[Schedule], Awaitable[None]]:
    """Enqueue the recurring job, unless it still waits from the last time."""

    async def run(_schedule: Schedule) -> None:
        async with transaction(ctx.sessions) as session:
            await enqueue(session, name, {}, dedupe_key=f"schedule:{name}")

    return run


class JobRunner:
    """`run()` works until `stop()`. What is under way is finished first, or given back when it takes too long.

    A database that restarts is waited for.
    """

    def __init__(
        self,
        registry: Registry,
        ctx: JobContext,
        database_url: str,
        *,
        drain: timedelta = DRAIN,
        patience: Patience = USUAL,
    ) -> None:
        self._registry = registry
        self._ctx = ctx
        self._database = read_url(database_url)
        self._queuer: PgQueuer | None = None
        self._stopping = asyncio.Event()
        self._drain = drain
        self._patience = patience
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        limit = asyncio.create_task(self._cut_off_late())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._work_off_queue())
                group.create_task(self._sweep_timers())
                group.create_task(self._rescue_jobs())
        finally:
            limit.cancel()

    def stop(self) -> None:
        self._stopping.set()
        if self._queuer is not None:
            self._queuer.shutdown.set()

    async def _work_off_queue(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._run_queuer()
            except Exception as error:
                # PgQueuer and its driver have many names for a database that is away, groups of them too.
                if _is_cancelled():
                    # PgQueuer's driver, unwinding, puts an error of its own in the place of the cancellation.
                    raise asyncio.CancelledError from error
                log.error("jobs.interrupted", error=repr(error))  # noqa: TRY400 -- PgQueuer's frames say nothing more
                await self._pause(RECONNECT_AFTER)

    async def _run_queuer(self) -> None:
        """Run one PgQueuer. It ends with the first database error, so each connection gets a new one."""
        async with connections(self._database, self._patience) as pool:
            queuer = self._queuer = PgQueuer.from_asyncpg_pool(pool)
            for name, function in self._registry.jobs.items():
                queuer.entrypoint(name, on_failure="hold")(entrypoint(name, function, self._ctx, self._under_way))
            for name, expression in self._registry.schedule.items():
                queuer.schedule(f"schedule.{name}", expression)(scheduled(name, self._ctx))
            if self._stopping.is_set():
                return
            # The poll each second stands in for a listener that died: ending for it would wait for the longest job.
            await queuer.run(batch_size=20, dequeue_timeout=timedelta(seconds=1), heartbeat_timeout=HEARTBEAT)

    async def _cut_off_late(self) -> None:
        """Cancel the jobs one by one: PgQueuer, if cancelled, would still wait for the jobs it has started."""
        await self._stopping.wait()
        await asyncio.sleep(self._drain.total_seconds())
        for task in self._under_way:
            task.cancel()

    async def _pause(self, pause: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause.total_seconds())

    async def _sweep_timers(self) -> None:
        looked_at, set_back = self._ctx.clock.now(), False
        while not self._stopping.is_set():
            now = self._ctx.clock.now()
            set_back, looked_at = set_back or looked_at - now > NOTICED, now
            try:
                if set_back:
                    await self._start_anew()
                    set_back = False
                await sweep(self._ctx.sessions, self._ctx.clock, self._registry.timers)
            except Exception as error:  # noqa: BLE001 -- the database may be away for a moment; the next round tries again
                log.warning("timers.sweep_failed", error=repr(error))
            await self._pause(SWEEP_EVERY)

    async def _start_anew(self) -> None:
        """Our clock was set back. What was to come so long after a moment that is still to come is reckoned as at a
        start: recurring timers, and calls that wait (`Domain.start_up`).
        """
        now = self._ctx.clock.now()
        async with transaction(self._ctx.sessions) as session:
            for step in self._registry.start_up:
                await step(session, now=now, settings=self._ctx.settings)
        log.warning("clock.set_back", now=now.isoformat())

    async def _rescue_jobs(self) -> None:
        for turn in count():
            if self._stopping.is_set():
                break
            try:
                async with transaction(self._ctx.sessions) as session:
                    ended = await end_stopped(session, idle=self._patience.idle)
                if ended:
                    log.warning("database.stopped_sessions_ended", whose=sorted(ended))
                async with transaction(self._ctx.sessions) as session:
                    rescued = await rescue(session)
                    if turn % FOLLOW_EACH == 0:
                        await follow_clock(session)
            except Exception as error:  # noqa: BLE001 -- as above: the next round tries again
                log.warning("jobs.rescue_failed", error=repr(error))
            else:
                if rescued:
                    log.info("jobs.rescued", jobs=rescued)
            await self._pause(RESCUE_EVERY)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def connections(database: DatabaseUrl, patience: Patience) -> AsyncIterator[asyncpg.Pool]:
    """The queue's own, for as long as it runs."""

    async def say(connection: asyncpg.Connection) -> None:
        await connection.execute(patience.statements)

    async def reset(connection: asyncpg.Connection) -> None:
        """In one question: the usual reset forgets what was set."""
        await connection.execute(connection.get_reset_query() + patience.statements)

    pool = await asyncpg.create_pool(
        **database.arguments("queue"),
        init=say,
        reset=reset,
        min_size=2,
        max_size=6,
        command_timeout=ANSWERS_WITHIN.total_seconds(),
    )
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), POOL_CLOSES_WITHIN.total_seconds())
        except _AWAY:
            pool.terminate()


async def prune_queue_log(ctx: JobContext, _payload: Nothing) -> None:
    """Delete lines of the queue's log that are older than a week."""
    async with transaction(ctx.sessions) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM pgqueuer_log WHERE created < $1", (ctx.now() - LOG_KEPT,))


PRUNE_LOG = QueuedJob("jobs.prune_log", Nothing)

JOBS_OF_THE_QUEUE: dict[str, JobFunction] = PRUNE_LOG.run_by(prune_queue_log)
SCHEDULE_OF_THE_QUEUE: dict[str, str] = {PRUNE_LOG.name: "17 3 * * *"}
