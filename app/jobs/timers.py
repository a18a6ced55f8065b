"""Deadlines as rows (D3): set and cancelled in the decision's transaction, claimed by a sweep.

When our clock is set back, a deadline stays the moment that it is: people have read it on their cards. What was to
come so long after some `now` is different: a timer that failed is tried again at once, and recurring ones are set anew
as at a start (`JobRunner`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import Clock
from app.database import Sessions, has_refused, transaction
from app.jobs.job import TimerHandler
from app.jobs.retry import LONGEST_DELAY, retry_delay
from app.observability import TIMERS, bound_correlation, current_correlation_id, get_logger
from models.policy import Timer

log = get_logger()

AWAY_PAUSE = timedelta(seconds=10)
"""A handler that meets a full disk or a lock that nobody gives back uses up no try: it waits so long, and goes on."""


async def set_timer(
    session: AsyncSession, kind: str, subject: str, due_at: datetime, *, basis: BaseModel | None = None
) -> None:
    """Set or move the one timer of (kind, subject).

    `basis` says how the moment was computed, so that a changed calendar can compute it again: the calendar gives it
    together with the moment.
    """
    await _upsert(session, kind, subject, due_at, basis=basis)


async def _upsert(
    session: AsyncSession,
    kind: str,
    subject: str,
    due_at: datetime,
    *,
    basis: BaseModel | None,
    only_earlier: bool = False,
) -> None:
    row = {
        "kind": kind,
        "subject": subject,
        "due_at": due_at,
        "basis": basis.model_dump(mode="json", by_alias=True, exclude_none=True) if basis else None,
        "correlation_id": current_correlation_id(),
        "created_at": func.now(),
        "attempts": 0,
        "last_error": None,
        "parked_at": None,
    }
    statement = insert(Timer).values(row)
    changed = {name: statement.excluded[name] for name in row if name not in {"kind", "subject"}}
    where = statement.excluded.due_at < col(Timer.due_at) if only_earlier else None
    await session.execute(
        statement.on_conflict_do_update(index_elements=["kind", "subject"], set_=changed, where=where)
    )


async def bring_forward(
    session: AsyncSession, kind: str, subject: str, due_at: datetime, *, basis: BaseModel | None = None
) -> None:
    """Set the timer, unless it is set for an earlier moment. Either way this transaction holds it from now on."""
    await _upsert(session, kind, subject, due_at, basis=basis, only_earlier=True)


async def cancel_timer(session: AsyncSession, kind: str, subject: str) -> None:
    """Remove the timer; nothing happens when it is gone already (it may be firing: its handler looks again)."""
    await session.execute(delete(Timer).where(_is(kind, subject)))


async def next_due(session: AsyncSession) -> datetime | None:
    statement = select(func.min(col(Timer.due_at))).where(col(Timer.parked_at).is_(None))
    return (await session.scalars(statement)).one()


async def due_of(session: AsyncSession, kind: str, subject: str) -> datetime | None:
    """When this timer is due. None when it is not set."""
    statement = select(col(Timer.due_at)).where(_is(kind, subject))
    return (await session.scalars(statement)).one_or_none()


def _is(kind: str, subject: str) -> ColumnElement[bool]:
    return and_(col(Timer.kind) == kind, col(Timer.subject) == subject)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """A timer that failed and waits for longer than any retry does is due: our clock was set back since."""
    set_back = and_(col(Timer.last_error).is_not(None), col(Timer.due_at) > now + 2 * LONGEST_DELAY)
    return or_(col(Timer.due_at) <= now, set_back)


async def sweep(sessions: Sessions, clock: Clock, handlers: Mapping[str, TimerHandler], *, limit: int = 200) -> int:
    """Fire what is due, each timer in a transaction of its own with its deletion. Returns how many fired."""
    async with sessions() as session:
        due = (
            await session.execute(
                select(col(Timer.kind), col(Timer.subject))
                .where(
                    _is_due(clock.now()),
                    col(Timer.parked_at).is_(None),
                    col(Timer.kind).in_(list(handlers)),
                )
                # What falls due together goes in the order in which it came: ids are in the order of time.
                .order_by(col(Timer.due_at), col(Timer.subject))
                .limit(limit)
            )
        ).all()
    fired = 0
    for kind, subject in due:
        fired += await _fire(sessions, clock, handlers[kind], kind, subject)
    return fired


async def _fire(sessions: Sessions, clock: Clock, handler: TimerHandler, kind: str, subject: str) -> bool:
    try:
        async with transaction(sessions) as session:
            timer = await _claim(session, kind, subject, clock.now())
            if timer is None:
                return False
            with bound_correlation(timer.correlation_id):
                await session.delete(timer)
                # Deleted before the handler runs, so that the handler may set the same timer anew.
                await session.flush()
                await handler(session, subject, clock.now())
    except Exception as error:  # noqa: BLE001 -- a timer's handler may fail in any way; the sweep goes on
        await _postpone(sessions, clock, kind, subject, error)
        return False
    TIMERS.labels(kind=kind, outcome="fired").inc()
    return True


async def _claim(session: AsyncSession, kind: str, subject: str, now: datetime) -> Timer | None:
    statement = (
        select(Timer)
        .where(_is(kind, subject), _is_due(now))
        .where(col(Timer.parked_at).is_(None))
        .with_for_update(key_share=True, skip_locked=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def _postpone(sessions: Sessions, clock: Clock, kind: str, subject: str, error: Exception) -> None:
    if has_refused(error):
        log.warning("timer.database_away", kind=kind, subject=subject, error=repr(error))
    else:
        log.error("timer.failed", kind=kind, subject=subject, error=repr(error), exc_info=error)
    TIMERS.labels(kind=kind, outcome="failed").inc()
    async with transaction(sessions) as session:
        timer = await session.get(Timer, (kind, subject), with_for_update={"key_share": True})
        if timer is None or not await session.scalar(select(_is_due(clock.now())).where(_is(kind, subject))):
            return  # cancelled or moved meanwhile: whoever moved it meant the new moment
        timer.last_error = repr(error)[:500]
        if has_refused(error):
            timer.due_at = clock.now() + AWAY_PAUSE
            return
        timer.attempts += 1
        delay = retry_delay(timer.attempts)
        if delay is None:
            timer.parked_at = clock.now()
        else:
            timer.due_at = clock.now() + max(delay, timedelta(seconds=1))
