"""Times in which events may have been lost: noticed by heartbeats, reported, closed by a full comparison (F17).

Every process that serves callbacks writes a sign of life. Any time in which none of them served is a gap: whoever
writes the first sign after a silence of all records it, and a process that started after the only other one was killed
records that time as soon as it is sure that the other is dead. While one serves, others come and go without a gap.
What a process could not write while the database was away it reports afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.inbox import queries
from app.inbox.job_payloads import RECONCILE, SYNC, ReconcilePayload, SyncPayload
from app.jobs.job import Job, Nothing
from app.observability import CALLBACK_GAPS, get_logger
from models.intake import CallbackGap, GapReason, IntakeServer
from models.org import SyncState

log = get_logger()

BEAT: Final = timedelta(seconds=5)
PATIENCE: Final = timedelta(seconds=15)
"""Three attempts of five seconds: as long as the platform goes on trying one event (callbacks §1.6)."""
GOODBYE: Final = timedelta(seconds=1)
"""After a clean stop the length is known exactly; refused a connection, the platform may try three times at once."""
SYNC_AGAIN_AFTER: Final = timedelta(minutes=10)
KEEP_SERVERS: Final = timedelta(days=7)
GAP_LOCK: Final = 0x6A9
CLOSE_GAPS: Final = Job("inbox.close_gaps", Nothing)

_HAS_READ: Final = frozenset({SyncState.DONE, SyncState.HELD, SyncState.RELEASED, SyncState.REJECTED})
"""A run whose losses are held, whatever a person decides about them, has applied all the rest (P6)."""

# The database's clock, also inside a transaction that waited for the lock.
_LAST_SEEN: Final = text("""
SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) AS silence,
    bool_or(stopped_at IS NULL AND seen_at > clock_timestamp() - CAST(:patience AS interval)) AS goes_on
FROM intake_servers
""")

_BEAT: Final = text("""
INSERT INTO intake_servers (id, name, started_at, seen_at, stopped_at)
VALUES (:id, :name, clock_timestamp(), clock_timestamp(), NULL)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, stopped_at = NULL
""")

# The last of those that were there when this process started. Below zero: it has been seen since.
_PREDECESSOR: Final = text("""
SELECT extract(epoch FROM mine.started_at - other.seen_at) AS silence,
    extract(epoch FROM clock_timestamp() - mine.started_at) AS age, other.stopped_at IS NOT NULL AS said_goodbye
FROM intake_servers AS mine JOIN intake_servers AS other ON other.id <> mine.id AND other.started_at <= mine.started_at
WHERE mine.id = :id ORDER BY other.seen_at DESC LIMIT 1
""")

_GOODBYE: Final = text(
    "UPDATE intake_servers SET seen_at = clock_timestamp(), stopped_at = clock_timestamp() WHERE id = :id"
)

_FORGET: Final = text("""
DELETE FROM intake_servers WHERE seen_at < clock_timestamp() - CAST(:keep AS interval)
    AND seen_at < (SELECT max(seen_at) FROM intake_servers)
""")


@dataclass(frozen=True, slots=True)
class Outage:
    """What one process saw of a database that was away."""

    started_at: datetime
    ended_at: datetime
    not_stored: int = 0
    stored_late: int = 0

    @property
    def is_gap(self) -> bool:
        """Events may be lost: some were, or the platform's patience was at its end."""
        return self.not_stored > 0 or self.ended_at - self.started_at > PATIENCE


async def beat(
    session: AsyncSession, *, server_id: UUID, server: str, is_new: bool, was_away: bool, now: datetime
) -> CallbackGap | None:
    """A sign of life. Returns the gap that this process is the first to notice.

    `is_new`: this process has not beaten before. `was_away`: its last try failed, so the silence was the database's.
    """
    await _one_at_a_time(session)
    last = (await session.execute(_LAST_SEEN, {"patience": PATIENCE})).one()
    await session.execute(_BEAT, {"id": server_id, "name": server})
    # Somebody who said no goodbye may go on: that is found out by `look_back`.
    if last.silence is None or last.goes_on:
        return None
    silence = timedelta(seconds=float(last.silence))
    if silence <= GOODBYE:
        return None
    reason = GapReason.DATABASE if was_away and not is_new else GapReason.NOT_SERVED
    return await _record(session, reason, server, Outage(now - silence, now), now=now)


async def look_back(session: AsyncSession, *, server_id: UUID, server: str, now: datetime) -> CallbackGap | None:
    """Was somebody serving when this process started? Asked once, `PATIENCE` after its first sign of life.

    Until then nobody knows whether another process, seen a moment before, goes on or was killed. It was killed if it
    has not been seen since.
    """
    await _one_at_a_time(session)
    last = (await session.execute(_PREDECESSOR, {"id": server_id})).one_or_none()
    if last is None:
        return None
    silence, started_at = timedelta(seconds=float(last.silence)), now - timedelta(seconds=float(last.age))
    if silence <= (GOODBYE if last.said_goodbye else timedelta(0)):
        return None
    return await _record(session, GapReason.NOT_SERVED, server, Outage(started_at - silence, started_at), now=now)


async def say_goodbye(session: AsyncSession, *, server_id: UUID) -> None:
    await session.execute(_GOODBYE, {"id": server_id})


async def report_outage(session: AsyncSession, *, server: str, outage: Outage, now: datetime) -> CallbackGap | None:
    """What this process could not write while the database was away. None when nothing can be lost."""
    if not outage.is_gap:
        return None
    await _one_at_a_time(session)
    return await _record(session, GapReason.DATABASE, server, outage, now=now)


async def _one_at_a_time(session: AsyncSession) -> None:
    """Several servers come back at the same moment; one of them records the gap."""
    await session.execute(select(func.pg_advisory_xact_lock(GAP_LOCK)))


async def _record(
    session: AsyncSession, reason: GapReason, server: str, outage: Outage, *, now: datetime
) -> CallbackGap:
    """A new gap, or the open one that it overlaps with, widened: several servers saw the same outage."""
    gap = await queries.overlapping_gap_for_update(session, started_at=outage.started_at, ended_at=outage.ended_at)
    if gap is None:
        gap = CallbackGap(
            reason=reason, server=server, started_at=outage.started_at, ended_at=outage.ended_at, recorded_at=now
        )
        session.add(gap)
        CALLBACK_GAPS.labels(reason.value).inc()
    gap.started_at, gap.ended_at = min(gap.started_at, outage.started_at), max(gap.ended_at, outage.ended_at)
    gap.not_stored += outage.not_stored
    gap.stored_late += outage.stored_late
    await session.flush()
    await CLOSE_GAPS.enqueue(session, Nothing())
    # Rosters have no event of their own, but who left the company meanwhile is still in them.
    await RECONCILE.enqueue(session, ReconcilePayload())
    tell = log.error if gap.not_stored else log.warning
    tell(
        "callbacks.gap",
        gap_id=gap.id,
        reason=gap.reason.value,
        seconds=round((gap.ended_at - gap.started_at).total_seconds()),
        not_stored=gap.not_stored,
        stored_late=gap.stored_late,
        what_follows="a full sync and a comparison of every group",
    )
    return gap


async def close_gaps(session: AsyncSession, *, now: datetime) -> int:
    """Close what a full sync has closed, and ask for one where none is under way. Returns how many were closed."""
    closed = 0
    for gap in await queries.open_gaps_for_update(session):
        # Later than now when the clock was put back: no run would begin after it.
        gap.started_at, gap.ended_at = min(gap.started_at, now), min(gap.ended_at, now)
        run = await queries.latest_full_run(session, since=gap.ended_at, states=_HAS_READ)
        if run is not None:
            gap.closed_at, gap.closed_by = now, run.id
            closed += 1
            log.info("callbacks.gap_closed", gap_id=gap.id, run_id=str(run.id))
    await session.flush()
    youngest = await queries.latest_open_gap_end(session)
    if youngest is not None and await _needs_sync(session, youngest, now=now):
        await SYNC.enqueue(session, SyncPayload(reason="gap"), dedupe_key="org.sync:gap")
    return closed


async def _needs_sync(session: AsyncSession, ended_at: datetime, *, now: datetime) -> bool:
    """Not while one is at work, and not again at once after one that failed."""
    if await queries.is_sync_running(session):
        return False
    latest = await queries.latest_full_run(session, since=ended_at)
    if latest is None:
        return True
    return latest.state is SyncState.FAILED and now - latest.started_at > SYNC_AGAIN_AFTER


async def forget_servers(session: AsyncSession) -> int:
    """Processes that ended long ago; the last one seen stays, whenever that was."""
    result = await session.execute(_FORGET, {"keep": KEEP_SERVERS})
    return cast("CursorResult[Any]", result).rowcount


async def servers(session: AsyncSession) -> list[IntakeServer]:
    return await queries.intake_servers(session)
