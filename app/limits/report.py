"""How far each limit is used, what waits for it, and when it will be over: for people, programs and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.limits import numbers
from app.limits.breaker import blocked_now
from app.limits.catalogue import COUNTERS, Counter, Kept, Limit, Per
from app.limits.numbers import Number
from app.limits.usage import windows
from app.limits.usage.windows import COUNT_BITS, COUNT_MASK
from app.observability import LIMIT_ALLOWED, LIMIT_USED, LIMIT_WAITING, PATH_BLOCKED
from models.delivery import CallKind, CallState, HoldReason, OutgoingCall
from models.limits import LimitBlock

MOST_USED = 3
"""So many subjects are shown of a limit that each of many has."""

_NOBODY_NAMED = frozenset({Per.MEMBER, Per.WEBHOOK})
"""Whose subjects are not told: people, and addresses that are secrets."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One of those who have used the most. `name` is empty where it would name a person."""

    name: str
    used: int


@dataclass(frozen=True, slots=True)
class Use:
    """One limit, now."""

    counter: Counter
    number: Number
    top: list[Subject]
    blocked_until: datetime | None
    waiting_calls: int
    waiting_people: int
    full_at: datetime | None
    """When the limit is reached if it goes on like this."""
    cleared_at: datetime | None
    """When the last call that waits for it will have gone."""
    is_lifted: bool

    @property
    def limit(self) -> Limit:
        return self.number.limit

    @property
    def used(self) -> int:
        """Of the subject that has used the most."""
        return self.top[0].used if self.top else 0

    @property
    def percent(self) -> float:
        return round(100 * self.used / self.number.allowed, 1) if self.number.allowed else 100.0


@dataclass(frozen=True, slots=True)
class BlockedPath:
    path: str
    errcode: int
    window: str
    since: datetime
    until: datetime
    waiting_calls: int


@dataclass(frozen=True, slots=True)
class Report:
    limits: list[Use]
    blocked: list[BlockedPath]


async def report(session: AsyncSession, *, now: datetime) -> Report:
    """Every limit that is kept, in the order of the table."""
    kept = [counter for counter in COUNTERS.values() if counter.kept is not Kept.NO]
    in_force = await numbers.in_force(session, kept)
    waiting = await _waiting(session)
    blocks = await blocked_now(session, now=now)
    limits = [
        await _use(session, counter, in_force[limit.key], waiting.get(limit.key, _NONE), blocks, now)
        for counter in kept
        for limit in counter.limits
    ]
    return Report(limits, [await _blocked(session, block) for block in blocks])


@dataclass(frozen=True, slots=True)
class SharedUse:
    """How far a limit that nobody has for themselves is used now, by the subject that has used the most."""

    counter: Counter
    limit: Limit
    used: int
    allowed: int

    @property
    def percent(self) -> int:
        return 100 * self.used // self.allowed if self.allowed else 100


_SHARED = text("""
    SELECT counter, minute, hour, day, month FROM limit_counters
    WHERE counter = ANY(CAST(:counters AS text[])) AND touched_at >= :since
""")


async def shared_use(session: AsyncSession, *, now: datetime) -> list[SharedUse]:
    """Every limit of corp, app or path, in the order of the table. Those of members are one row for each member: they
    are in `report`.
    """
    counters = [one for one in COUNTERS.values() if one.kept is not Kept.NO and one.per not in _NOBODY_NAMED]
    in_force = await numbers.in_force(session, counters)
    names = [one.name for one in counters]
    since = now - windows.WINDOWS[windows.Span.MONTH].turnover
    rows = (await session.execute(_SHARED, {"counters": names, "since": since})).mappings().all()
    found: list[SharedUse] = []
    for counter in counters:
        mine = [row for row in rows if row["counter"] == counter.name]
        for limit in counter.limits:
            used = [windows.used(limit.window, windows.unpacked(row[limit.span]), now) for row in mine]
            found.append(SharedUse(counter, limit, max(used, default=0), in_force[limit.key].allowed))
    return found


async def refresh_gauges(session: AsyncSession, *, now: datetime) -> None:
    """What this process exposes; every process shows the same."""
    found = await report(session, now=now)
    for use in found.limits:
        LIMIT_USED.labels(use.limit.key).set(use.used)
        LIMIT_ALLOWED.labels(use.limit.key).set(use.number.allowed)
        LIMIT_WAITING.labels(use.limit.key).set(use.waiting_calls)
    PATH_BLOCKED.clear()
    for block in found.blocked:
        PATH_BLOCKED.labels(block.path).set((block.until - now).total_seconds())


@dataclass(frozen=True, slots=True)
class _Waiting:
    calls: int = 0
    people: int = 0
    last: datetime | None = None


_NONE = _Waiting()


async def _waiting(session: AsyncSession) -> dict[str, _Waiting]:
    statement = (
        select(
            col(OutgoingCall.limit_key),
            func.count(),
            func.coalesce(func.sum(col(OutgoingCall.limit_amount)), 0),
            func.max(col(OutgoingCall.not_before)),
        )
        .where(col(OutgoingCall.limit_key).is_not(None))
        .group_by(col(OutgoingCall.limit_key))
    )
    rows = (await session.execute(statement)).all()
    return {str(key): _Waiting(int(calls), int(people), last) for key, calls, people, last in rows}


async def _use(
    session: AsyncSession,
    counter: Counter,
    number: Number,
    waiting: _Waiting,
    blocks: Sequence[LimitBlock],
    now: datetime,
) -> Use:
    limit = number.limit
    rows = await _most_used(session, limit, now)
    top = [Subject("" if counter.per in _NOBODY_NAMED else row.subject, int(row.used)) for row in rows]
    uses = windows.unpacked(rows[0].slots) if rows else []
    mine = [block.blocked_until for block in blocks if counter.covers(block.path) and block.window == limit.span]
    is_full = bool(top) and top[0].used >= number.allowed
    forecast = windows.full_at(limit.window, uses, most=number.allowed, now=now)
    return Use(
        counter=counter,
        number=number,
        top=top,
        blocked_until=max(mine, default=None),
        waiting_calls=waiting.calls,
        waiting_people=waiting.people,
        full_at=now if is_full else forecast if forecast and forecast < now + limit.window.length else None,
        cleared_at=waiting.last,
        is_lifted=number.is_lifted(now),
    )


async def _most_used(session: AsyncSession, limit: Limit, now: datetime) -> Sequence[Any]:
    statement = text(
        f"""
        SELECT subject, slots, used FROM (
            SELECT c.subject, c.{limit.span} AS slots, (
                SELECT coalesce(sum(number & {COUNT_MASK}), 0)::bigint
                FROM unnest(c.{limit.span}) AS number WHERE number >= :oldest) AS used
            FROM limit_counters c
            WHERE c.counter = :counter AND c.touched_at >= :since AND c.{limit.span} <> '{{}}') AS found
        WHERE used > 0 ORDER BY used DESC, subject LIMIT {MOST_USED}
        """  # noqa: S608 -- names of columns and numbers of ours
    )
    window = limit.window
    facts = {
        "counter": limit.counter,
        "oldest": (window.slot_of(now) - window.slots) << COUNT_BITS,
        "since": now - window.turnover - timedelta(minutes=1),
    }
    return (await session.execute(statement, facts)).all()


async def _blocked(session: AsyncSession, block: LimitBlock) -> BlockedPath:
    waiting = select(func.count()).where(
        col(OutgoingCall.state) == CallState.HELD,
        col(OutgoingCall.hold_reason) == HoldReason.PLATFORM_LIMIT,
        col(OutgoingCall.limit_key).is_(None),
        col(OutgoingCall.kind).in_([kind for kind in CallKind if kind == block.path]),
    )
    calls = (await session.scalars(waiting)).one()
    return BlockedPath(block.path, block.errcode, block.window, block.first_refused_at, block.blocked_until, calls)
