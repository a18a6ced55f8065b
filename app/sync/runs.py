"""The states of a sync run: one at a time, with a heartbeat, held or finished (F32, F33)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from app.inbox.service import SYNC, SyncPayload
from app.jobs.timers import cancel_timer, set_timer
from app.observability import SYNC_RUNS, current_correlation_id, get_logger
from app.policy import service as policies
from app.sync import messages, queries
from app.sync.changes.report import Counts, SyncReport
from app.sync.errors import RunLost, SyncAlreadyRunning, SyncRunNotHeld, SyncRunUnknown
from app.sync.reading import staging
from models.ids import SyncRunId
from models.org import SyncKind, SyncRun, SyncState
from models.policy import Timer

log = get_logger()

WAITING = "waiting"
"""Phase of a run that is queued and not begun."""
HEARTBEAT = timedelta(seconds=10)
DEAD_AFTER = timedelta(minutes=1)
"""Six heartbeats: long enough for a loop that was blocked, short enough that a restart goes on soon."""
AGAIN_AFTER = timedelta(seconds=30)
"""After a failed run, or one that did not read everything; doubled with each further one. For failures up to
`AGAIN_AT_MOST`."""
AGAIN_AT_MOST = timedelta(minutes=10)
MOST_DOUBLINGS = 16
SYNC_DUE = "org.sync_due"
"""Kind of the recurring timer; its subject is the interval in seconds."""
DECIDED = {SyncState.RELEASED: catalogue.SyncRunReleased, SyncState.REJECTED: catalogue.SyncRunRejected}
"""The event of each decision about losses that were held."""


async def request(
    session: AsyncSession, *, reason: str, now: datetime, dry_run: bool = False, queue: bool = True
) -> SyncRun:
    """A run, queued (or begun by the caller itself, with `queue=False`). Refused while another is at work.

    One waits at most: whoever asks again gets the one that waits, however long. A run at work whose heartbeat is old
    is dead: it is taken over.
    """
    await queries.lock_runs(session)
    running = await queries.running_run(session)
    if running is not None and queue and running.phase == WAITING and running.dry_run == dry_run:
        await _queue(session, running)
        return running
    if running is not None and not _is_dead(running, now=now):
        raise SyncAlreadyRunning(
            "已有同步正在进行，请等它结束", "A sync is running: wait until it has ended", run_id=str(running.id)
        )
    run = SyncRun(
        reason=reason,
        dry_run=dry_run,
        phase=WAITING,
        correlation_id=current_correlation_id(),
        heartbeat_at=now,
        started_at=now,
    )
    if running is not None:
        await _end(session, running, SyncState.FAILED, now=now, sentence=messages.taken_over(run.id))
    session.add(run)
    await session.flush()
    if queue:
        await _queue(session, run)
    return run


async def _queue(session: AsyncSession, run: SyncRun) -> None:
    """Its job once, also when the first one has been lost."""
    await SYNC.enqueue(session, SyncPayload(run_id=run.id), dedupe_key=f"org.sync:{run.id}")


def _is_dead(run: SyncRun, *, now: datetime) -> bool:
    """Also when the last heartbeat is still to come: our clock was set back, and whoever lives has beaten since."""
    return abs(now - run.heartbeat_at) > DEAD_AFTER


async def claim(session: AsyncSession, *, run_id: UUID, now: datetime) -> SyncRun | None:
    """Begin a queued run. None when it is not ours to begin: ended, or at work elsewhere.

    A repeated job finds its own dead run: that one ends, and a new one begins in its place.
    """
    await queries.lock_runs(session)
    run = await session.get(SyncRun, run_id, with_for_update={"key_share": True}, populate_existing=True)
    if run is None or run.state is not SyncState.RUNNING:
        return None
    if run.phase != WAITING:
        if not _is_dead(run, now=now):
            return None
        run = await request(session, reason=run.reason, now=now, dry_run=run.dry_run, queue=False)
    run.phase = "outline"
    run.heartbeat_at = run.started_at = now
    await staging.forget(session, run_id=run.id)
    return run


async def beat(session: AsyncSession, *, run_id: UUID, now: datetime, **progress: Any) -> None:
    """Record that the run is alive, and its progress. Raises `RunLost` when it was ended elsewhere."""
    statement = (
        update(SyncRun)
        .where(col(SyncRun.id) == run_id, col(SyncRun.state) == SyncState.RUNNING)
        .values(heartbeat_at=now, **progress)
        .returning(col(SyncRun.id))
    )
    if (await session.scalars(statement)).one_or_none() is None:
        raise RunLost(str(run_id))


async def fail(session: AsyncSession, *, run_id: UUID, now: datetime, sentences: list[str]) -> None:
    """End the run without any change. The next run comes earlier than its regular time."""
    run = await session.get(SyncRun, run_id, with_for_update={"key_share": True}, populate_existing=True)
    if run is None or run.state is not SyncState.RUNNING:
        return
    run.report = SyncReport.of(run).model_copy(update={"explanations": sentences}).dump()
    await _end(session, run, SyncState.FAILED, now=now)
    if not run.dry_run:
        await _come_back_soon(session, now)


async def _come_back_soon(session: AsyncSession, now: datetime) -> None:
    doublings = min(await queries.failures_in_a_row(session), MOST_DOUBLINGS) - 1
    await _come_back(session, now + min(AGAIN_AFTER * 2**doublings, AGAIN_AT_MOST))


async def _come_back(session: AsyncSession, at: datetime) -> bool:
    """The next run begins then at the latest. False when it comes earlier anyway, or nobody schedules runs."""
    waiting = update(Timer).where(col(Timer.kind) == SYNC_DUE, col(Timer.due_at) > at).values(due_at=at)
    return (await session.scalars(waiting.returning(col(Timer.kind)))).first() is not None


async def read_the_rest_soon(session: AsyncSession, *, now: datetime) -> str:
    """After a run that did not read everything: nobody is left out until the next day. Returns what to tell.

    The waits double with each such run in a row and end at the regular interval: what never can be read costs about
    ten runs more, once.
    """
    doublings = min(await queries.incomplete_in_a_row(session), MOST_DOUBLINGS)
    wait: timedelta = AGAIN_AFTER * 2**doublings
    at = now + wait
    return messages.incomplete(at if await _come_back(session, at) else None)


async def finish(
    session: AsyncSession,
    run: SyncRun,
    *,
    state: SyncState,
    now: datetime,
    counts: Counts,
    report: SyncReport,
) -> None:
    run.counts, run.report = counts.dump(), report.dump()
    await _end(session, run, state, now=now)


async def _end(session: AsyncSession, run: SyncRun, state: SyncState, *, now: datetime, sentence: str = "") -> None:
    run.state, run.phase, run.heartbeat_at, run.finished_at = state, "", now, now
    if sentence:
        run.report = SyncReport.of(run).explained(sentence).dump()
    if state is not SyncState.HELD:
        await staging.forget(session, run_id=run.id)
    await session.flush()
    SYNC_RUNS.labels(state=state.value).inc()
    log.info("org.sync_ended", run_id=str(run.id), state=state.value)


async def supersede_held(session: AsyncSession, *, by: UUID, now: datetime) -> None:
    """Reject older held runs: a newer run has compared again."""
    for run in await queries.held_runs(session):
        if run.id != by:
            run.decided_by, run.decided_at = "system:steward", now
            await _end(session, run, SyncState.REJECTED, now=now, sentence=messages.superseded(by))


async def get_held(session: AsyncSession, *, run_id: SyncRunId) -> SyncRun:
    """The run, locked, when it waits for a person."""
    return _held(
        await session.get(SyncRun, run_id, with_for_update={"key_share": True}, populate_existing=True), run_id
    )


async def held_run_to_read(session: AsyncSession, *, run_id: SyncRunId) -> SyncRun:
    """The same without a lock, for who only looks at it."""
    return _held(await session.get(SyncRun, run_id), run_id)


def _held(run: SyncRun | None, run_id: SyncRunId) -> SyncRun:
    if run is None:
        raise SyncRunUnknown(f"没有同步 {run_id}", f"There is no sync {run_id}")
    if run.state is not SyncState.HELD:
        raise SyncRunNotHeld("这次同步没有待放行的变更", "This sync holds no changes back", state=run.state.value)
    return run


async def decide_held(session: AsyncSession, run: SyncRun, *, state: SyncState, actor: Actor, now: datetime) -> None:
    """Record who released or rejected, and drop the staged rows."""
    run.decided_by, run.decided_at = str(actor), now
    await _end(session, run, state, now=now)
    held = SyncReport.of(run).held
    policy = await policies.in_force(session, now=now)
    await publish(
        session,
        DECIDED[state](sync_run_id=run.id),
        Why(actor, "org.loss_budget", policy.id),
        now=now,
        details={"counts": run.counts, "held": held.dump() if held else None},
    )


async def reject(session: AsyncSession, *, run_id: SyncRunId, actor: Actor, now: datetime) -> SyncRun:
    """A person rejects the run: none of the held changes is applied."""
    run = await get_held(session, run_id=run_id)
    await decide_held(session, run, state=SyncState.REJECTED, actor=actor, now=now)
    return run


async def ensure_scheduled(session: AsyncSession, *, now: datetime, interval: timedelta) -> None:
    """At start: set the recurring timer. It is due at once when the last run is older than the interval (F26).

    A run that was to come earlier, because the last one failed or left something out, still comes then.
    """
    subject = str(int(interval.total_seconds()))
    last = await queries.last_full_end(session)
    due = max(now, min(last, now) + interval) if last else now
    timers = (await session.scalars(select(Timer).where(col(Timer.kind) == SYNC_DUE))).all()
    for timer in timers:
        if timer.subject != subject:
            await cancel_timer(session, SYNC_DUE, timer.subject)
        else:
            due = min(due, max(now, timer.due_at))
    await set_timer(session, SYNC_DUE, subject, due)


async def sync_due(session: AsyncSession, subject: str, now: datetime) -> None:
    """The timer is due: queue a run unless one is at work, and set the next timer."""
    await set_timer(session, SYNC_DUE, subject, now + timedelta(seconds=int(subject)))
    try:
        await request(session, reason="schedule", now=now)
    except SyncAlreadyRunning:
        log.info("org.sync_skipped", reason="running")


async def open_hint_run(session: AsyncSession, *, run_id: UUID, reason: str, now: datetime) -> SyncRun:
    """A run about one object that a callback named. It begins and ends in one transaction."""
    run = SyncRun(
        id=run_id,
        kind=SyncKind.HINT,
        reason=reason,
        correlation_id=current_correlation_id(),
        heartbeat_at=now,
        started_at=now,
    )
    session.add(run)
    await session.flush()
    return run
