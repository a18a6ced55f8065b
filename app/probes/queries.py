"""What the probes ask of the tables of all domains: whether an event could be stored, and what is not well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.delivery import (
    ARRIVED_CALLS,
    FAILED_CALLS,
    CallKind,
    CallState,
    Delivery,
    DeliveryState,
    FailReason,
    OutgoingCall,
)
from models.inbox import EventState, ReceivedEvent
from models.installation import PlatformState
from models.intake import CallbackGap
from models.org import SyncKind, SyncRun, SyncState, UseridReview
from models.policy import Timer

# A full disk, a read-only server and a commit that does not end are found here. The inner block is taken back by its
# own error; the statement still has a transaction number, so that its commit is written and waited for.
_STORE = text(
    """\
DO $$ BEGIN
    INSERT INTO received_events (app_id, dedup_key, event_type, subject, actor_userid, occurred_at, received_at,
        body_digest, repeats, state, attempts, correlation_id)
    VALUES ('probe', decode(md5(random()::text), 'hex'), 'probe', 'probe', '', now(), now(), '', 0, 'done', 0, '');
    RAISE SQLSTATE 'PROBE';
EXCEPTION WHEN SQLSTATE 'PROBE' THEN
    NULL;
END $$"""
)


async def store_probe(session: AsyncSession) -> None:
    """Write what an intake would write, and commit with nothing left behind."""
    await session.execute(_STORE)


async def time_of_database(session: AsyncSession) -> datetime:
    found: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return found


async def unhealthy(session: AsyncSession) -> Sequence[PlatformState]:
    """What the platform refuses us."""
    return (await session.scalars(select(PlatformState).where(col(PlatformState.healthy).is_(False)))).all()


async def open_gap_start(session: AsyncSession) -> datetime | None:
    """Since when callbacks may have been lost, with nothing done about it yet."""
    statement = select(func.min(col(CallbackGap.started_at))).where(col(CallbackGap.closed_at).is_(None))
    return (await session.scalars(statement)).one()


async def organisation_unread_since(session: AsyncSession) -> datetime | None:
    """When the first sync failed after the last one that read the organisation."""
    full = (col(SyncRun.kind) == SyncKind.FULL, col(SyncRun.dry_run).is_(False), col(SyncRun.finished_at).is_not(None))
    read = select(func.max(col(SyncRun.finished_at))).where(*full, col(SyncRun.state) != SyncState.FAILED)
    last = (await session.scalars(read)).one()
    failed = select(func.min(col(SyncRun.finished_at))).where(*full, col(SyncRun.state) == SyncState.FAILED)
    if last is not None:
        failed = failed.where(col(SyncRun.finished_at) > last)
    return (await session.scalars(failed)).one()


async def sync_held_since(session: AsyncSession) -> datetime | None:
    """Since when a sync holds losses back that nobody has released or rejected."""
    statement = select(func.min(col(SyncRun.finished_at))).where(col(SyncRun.state) == SyncState.HELD)
    return (await session.scalars(statement)).one()


async def returned_userids(session: AsyncSession) -> int:
    """Userids that came back after their person had left, and about which nobody has decided."""
    return await _count(session, select(UseridReview).where(col(UseridReview.decision).is_(None)))


async def oldest_waiting(session: AsyncSession) -> datetime | None:
    """When the oldest callback came that still waits to be handled."""
    waiting = col(ReceivedEvent.state).in_([EventState.PENDING, EventState.RUNNING])
    statement = select(func.min(col(ReceivedEvent.received_at))).where(waiting)
    return (await session.scalars(statement)).one()


async def oldest_ready_call(session: AsyncSession, *, now: datetime) -> datetime | None:
    """Since when the oldest call could have been made that nobody has made."""
    may_go = func.coalesce(col(OutgoingCall.not_before), col(OutgoingCall.created_at))
    statement = select(func.min(may_go)).where(col(OutgoingCall.state) == CallState.READY, may_go <= now)
    return (await session.scalars(statement)).one()


async def oldest_due_job(session: AsyncSession, *, now: datetime) -> datetime | None:
    statement = text("SELECT min(execute_after) FROM pgqueuer WHERE status = 'queued' AND execute_after <= :now")
    found: datetime | None = (await session.execute(statement, {"now": now})).scalar_one()
    return found


async def oldest_due_timer(session: AsyncSession, *, now: datetime) -> datetime | None:
    statement = select(func.min(col(Timer.due_at))).where(col(Timer.due_at) <= now, col(Timer.parked_at).is_(None))
    return (await session.scalars(statement)).one()


async def parked_events(session: AsyncSession) -> int:
    return await _count(session, select(ReceivedEvent).where(col(ReceivedEvent.state) == EventState.PARKED))


async def parked_timers(session: AsyncSession) -> int:
    return await _count(session, select(Timer).where(col(Timer.parked_at).is_not(None)))


async def unknown_calls(session: AsyncSession) -> int:
    """Calls of which nobody knows whether they had their effect."""
    return await _count(session, select(OutgoingCall).where(col(OutgoingCall.state) == CallState.UNKNOWN))


async def arrived_calls(session: AsyncSession) -> int:
    """Calls that had their effect although a person had called them failed, and at which nobody has looked since."""
    return await _count(session, select(OutgoingCall).where(text(ARRIVED_CALLS)))


_TOLD_ELSEWHERE = (CallKind.MESSAGE_SEND, CallKind.CARD_UPDATE)
"""Messages are counted by recipient; a card that cannot be changed is followed by a new one."""

FAILED_LATELY = timedelta(days=1)


async def failed_deliveries(session: AsyncSession, *, now: datetime) -> int:
    """Recipients of the last day whom nothing reached for a reason of the platform's. Who has left is none of them."""
    reasons = or_(col(Delivery.reason).like("refused:%"), col(Delivery.reason) == FailReason.NOT_REACHED)
    statement = select(Delivery).where(col(Delivery.state) == DeliveryState.FAILED, reasons)
    return await _count(session, statement.where(col(Delivery.updated_at) >= now - FAILED_LATELY))


async def failed_calls(session: AsyncSession, *, now: datetime) -> int:
    """Changes of groups, posts and menus of the last day that the platform refused."""
    statement = select(OutgoingCall).where(
        text(f"outgoing_calls.{FAILED_CALLS}"),  # a literal, for the partial index
        col(OutgoingCall.kind).not_in(_TOLD_ELSEWHERE),
        col(OutgoingCall.hold_reason).like("refused:%"),
        col(OutgoingCall.finished_at) >= now - FAILED_LATELY,
    )
    return await _count(session, statement)


async def held_jobs(session: AsyncSession) -> int:
    """Jobs that failed to the end."""
    return int((await session.execute(text("SELECT count(*) FROM pgqueuer WHERE status = 'failed'"))).scalar_one())


async def _count(session: AsyncSession, statement: Select[Any]) -> int:
    return (await session.scalars(statement.with_only_columns(func.count(), maintain_column_froms=True))).one()
