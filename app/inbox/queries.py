"""Every SELECT of received events, by intention."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Select, String, bindparam, exists, func, or_, select, text, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.inbox.messages import event_kind
from app.inbox.rules import BACK_OFF
from app.overview.service import Asked, Figure, Level, Measure, Place, counted_together, found_in
from app.permissions import Permission
from app.trace.service import MOST, Ref, TraceAsked, TraceEntry, TraceKind
from models.audit import ObjectKind
from models.ids import EventId
from models.inbox import EventState, ReceivedEvent, SubjectClaim
from models.intake import CallbackGap, CallbackRefusal, IntakeServer
from models.org import SyncKind, SyncRun, SyncState


class Due(NamedTuple):
    """A claimed event, with what handling it needs (`app.inbox.rules.Received`). No row of the mapper: reading
    thousands of those costs more than handling them in sets.
    """

    id: int
    app_id: str
    event_type: str
    subject: str
    received_at: datetime
    body: bytes | None
    attempts: int
    correlation_id: str


_DUE: Final[tuple[Any, ...]] = tuple(getattr(ReceivedEvent, name) for name in Due._fields)


async def event(session: AsyncSession, event_id: EventId) -> ReceivedEvent | None:
    return await session.get(ReceivedEvent, event_id)


async def event_for_update(session: AsyncSession, event_id: EventId) -> ReceivedEvent | None:
    return await session.get(ReceivedEvent, event_id, with_for_update={"key_share": True}, populate_existing=True)


def listed(
    *, state: EventState | None = None, event_type: str | None = None, subject: str | None = None
) -> Select[ReceivedEvent]:
    """Received events for a list; the caller orders and pages."""
    statement = select(ReceivedEvent)
    if state is not None:
        statement = statement.where(col(ReceivedEvent.state) == state)
    if event_type is not None:
        statement = statement.where(col(ReceivedEvent.event_type) == event_type)
    if subject is not None:
        statement = statement.where(col(ReceivedEvent.subject) == subject)
    return statement


async def newest(
    session: AsyncSession, *, state: EventState | None, event_type: str | None, subject: str | None, limit: int
) -> Sequence[ReceivedEvent]:
    statement = listed(state=state, event_type=event_type, subject=subject)
    return (await session.scalars(statement.order_by(col(ReceivedEvent.id).desc()).limit(limit))).all()


def _is_due(now: datetime) -> Any:
    not_before = col(ReceivedEvent.not_before)
    # Farther ahead than anything is put off: the clock was set back since.
    return or_(not_before.is_(None), not_before <= now, not_before > now + max(BACK_OFF))


async def due_for_update(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[str]:
    """The subjects of the oldest events that are due and whose subject nobody works on. The events are locked."""
    held = exists().where(col(SubjectClaim.subject) == col(ReceivedEvent.subject))
    statement = (
        select(col(ReceivedEvent.subject))
        # A literal, so that a prepared statement too may use the partial index for claims.
        .where(text("received_events.state = 'pending'"), _is_due(now), ~held)
        .order_by(col(ReceivedEvent.id))
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True, of=ReceivedEvent)
    )
    return (await session.scalars(statement)).all()


async def due_about(session: AsyncSession, subjects: Sequence[str], *, now: datetime, limit: int) -> list[Due]:
    """What is due about these subjects, in the order of its arrival."""
    statement = (
        select(*_DUE)
        .where(
            # The second for the index by subject, the first for the rest.
            text("received_events.state = 'pending'"),
            text("received_events.state IN ('pending', 'running')"),
            col(ReceivedEvent.subject) == func.any(bindparam(None, list(subjects), type_=ARRAY(String))),
            _is_due(now),
        )
        .order_by(col(ReceivedEvent.id))
        .limit(limit)
    )
    return [Due(*row) for row in await session.execute(statement)]


def is_ours(batch: int) -> Any:
    """Of an event that waits, and whose subject this batch has leased."""
    leased = exists().where(col(SubjectClaim.subject) == col(ReceivedEvent.subject), col(SubjectClaim.batch) == batch)
    return (col(ReceivedEvent.state) == EventState.PENDING) & leased


async def claims_for_update(session: AsyncSession, *, subjects: Sequence[str], batch: int) -> Sequence[str]:
    """Those of our leases that still are ours, locked until the transaction ends, in sorted order."""
    statement = (
        select(col(SubjectClaim.subject))
        .where(
            col(SubjectClaim.subject) == func.any(bindparam(None, list(subjects), type_=ARRAY(String))),
            col(SubjectClaim.batch) == batch,
        )
        .order_by(col(SubjectClaim.subject))
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).all()


# ---------------------------------------------------------------- the intake itself


def gaps(*, is_open: bool | None = None) -> Select[CallbackGap]:
    """Gaps for a list; the caller orders and pages."""
    statement = select(CallbackGap)
    if is_open is None:
        return statement
    closed_at = col(CallbackGap.closed_at)
    return statement.where(closed_at.is_(None) if is_open else closed_at.is_not(None))


def refusals(*, channel: str | None = None) -> Select[CallbackRefusal]:
    """Callers that were turned away, for a list; the caller orders and pages."""
    statement = select(CallbackRefusal)
    return statement if channel is None else statement.where(col(CallbackRefusal.channel) == channel)


async def overlapping_gap_for_update(
    session: AsyncSession, *, started_at: datetime, ended_at: datetime
) -> CallbackGap | None:
    """The newest open gap that has a moment in common with this time."""
    statement = (
        select(CallbackGap)
        .where(col(CallbackGap.closed_at).is_(None))
        .where(col(CallbackGap.started_at) <= ended_at, col(CallbackGap.ended_at) >= started_at)
        .order_by(col(CallbackGap.id).desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def open_gaps_for_update(session: AsyncSession) -> Sequence[CallbackGap]:
    statement = select(CallbackGap).where(col(CallbackGap.closed_at).is_(None)).order_by(col(CallbackGap.id))
    return (await session.scalars(statement.with_for_update(key_share=True))).all()


async def latest_open_gap_end(session: AsyncSession) -> datetime | None:
    statement = select(func.max(col(CallbackGap.ended_at))).where(col(CallbackGap.closed_at).is_(None))
    return (await session.scalars(statement)).one()


async def latest_full_run(
    session: AsyncSession, *, since: datetime, states: Collection[SyncState] | None = None
) -> SyncRun | None:
    """The last full run that began at or after `since` and may write."""
    statement = select(SyncRun).where(
        col(SyncRun.kind) == SyncKind.FULL, col(SyncRun.dry_run).is_(False), col(SyncRun.started_at) >= since
    )
    if states is not None:
        statement = statement.where(col(SyncRun.state).in_(states))
    return (await session.scalars(statement.order_by(col(SyncRun.started_at).desc()).limit(1))).one_or_none()


async def is_sync_running(session: AsyncSession) -> bool:
    running = exists().where(col(SyncRun.kind) == SyncKind.FULL, col(SyncRun.state) == SyncState.RUNNING)
    return bool((await session.scalars(select(running))).one())


async def intake_servers(session: AsyncSession) -> list[IntakeServer]:
    """The processes that serve or have served, the last seen first."""
    return list(await session.scalars(select(IntakeServer).order_by(col(IntakeServer.seen_at).desc())))


def any_of(numbers: Sequence[int]) -> Any:
    """One array parameter, however many: an IN list is another statement for every length."""
    return func.any(bindparam(None, list(numbers), type_=ARRAY(BigInteger)))


# ---------------------------------------------------------------- the overview

_WAITING = Measure(
    "callbacks.waiting",
    Level.WAITING,
    "等待处理的回调",
    "callbacks that wait to be handled",
    Permission.CALLBACK_READ,
    found_in(Place.CALLBACKS, state="pending"),
)
_PARKED = Measure(
    "callbacks.parked",
    Level.WRONG,
    "多次处理失败、等待人工的回调",
    "callbacks that failed to the end and wait for a person",
    Permission.CALLBACK_READ,
    found_in(Place.CALLBACKS, state="parked"),
)
_GAPS = Measure(
    "callbacks.gaps",
    Level.WRONG,
    "可能丢失回调、尚未对账的时段",
    "times in which callbacks may have been lost, not compared yet",
    Permission.CALLBACK_READ,
    found_in(Place.CALLBACK_GAPS, open="true"),
)


async def counted(session: AsyncSession, _asked: Asked) -> list[Figure]:
    """Received events that wait or were given up, and times in which some may have been lost."""
    received = select(func.count(), func.min(col(ReceivedEvent.received_at))).select_from(ReceivedEvent)
    # Literals, for the partial indexes.
    waiting = received.where(text("received_events.state = 'pending'"))
    parked = received.where(text("received_events.state = 'parked'"))
    gaps_open = select(func.count(), func.min(col(CallbackGap.started_at))).where(col(CallbackGap.closed_at).is_(None))
    row = await counted_together(session, waiting, parked, gaps_open)
    return [_WAITING.figure(*row[0:2]), _PARKED.figure(*row[2:4]), _GAPS.figure(*row[4:6])]


# ---------------------------------------------------------------- the trace

_HANDLED_WITHIN: Final = timedelta(hours=6)
"""Between coming and being handled: an outage takes longer, and then it is found by `GET /callbacks`."""
_LOOKED_BACK: Final = timedelta(days=1)
"""For what has had no effect."""
_STATES: Final = {
    EventState.PENDING: ("等待处理", "waits to be handled"),
    EventState.RUNNING: ("正在处理", "is being handled"),
    EventState.DONE: ("已处理", "handled"),
    EventState.PARKED: ("多次处理失败，等待人工", "failed to the end and waits for a person"),
    EventState.UNKNOWN: ("类型未知，已保存", "of an unknown type, kept"),
    EventState.IGNORED: ("无需处理", "needs nothing"),
}


async def traced(session: AsyncSession, asked: TraceAsked) -> list[TraceEntry]:
    """What the platform told us under a correlation id. There is no index by it: thousands of rows a second are
    written. What waits is found by its state, the rest by when it came.
    """
    since = asked.since - _HANDLED_WITHIN if asked.since else asked.now - _LOOKED_BACK
    until = asked.until or asked.now
    came = (col(ReceivedEvent.received_at) >= since) & (col(ReceivedEvent.received_at) <= until)
    waits = text("received_events.state = 'pending'"), text("received_events.state = 'parked'")
    columns = (
        col(ReceivedEvent.id),
        col(ReceivedEvent.event_type),
        col(ReceivedEvent.subject),
        col(ReceivedEvent.state),
        col(ReceivedEvent.received_at),
    )
    is_it = col(ReceivedEvent.correlation_id) == asked.correlation_id
    statement = union(*(select(*columns).where(is_it, where).limit(MOST) for where in (came, *waits)))
    return [
        TraceEntry(
            at=row.received_at,
            kind=TraceKind.RECEIVED,
            chinese=f"收到企业微信的回调（{event_kind(row.event_type).chinese}）：{_STATES[EventState(row.state)][0]}",
            english=f"WeCom called back ({event_kind(row.event_type).english}): {_STATES[EventState(row.state)][1]}",
            ref=Ref(ObjectKind.RECEIVED_EVENT, str(row.id)),
            state=row.state,
            actor="platform:wecom",
        )
        for row in await session.execute(statement)
    ]
