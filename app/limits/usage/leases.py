"""API quota in blocks: a process takes units for a path in one transaction and spends them without the database.

A block lives for a second and is entered at its end, so every call made with it counts from a moment that is not before
its arrival; what is unspent then counts as used. Blocks grow while they are spent quickly, and are small when the
process is idle or the limit near. A call that took longer is entered again at its end.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Sessions, transaction
from app.limits import numbers
from app.limits.breaker import Exhausted
from app.limits.catalogue import COUNTERS, Counter, Limit, Per, leased_for
from app.limits.numbers import Number
from app.limits.usage import counters, reservations, windows
from app.limits.usage.counters import Demand, Key, Row
from app.observability import get_logger

log = get_logger()

LIFE = timedelta(seconds=1)
FIRST_BLOCK = 2
LARGEST_BLOCK = 1000
SPENT_QUICKLY_SECONDS = 0.5
PART_OF_THE_REST = 4
"""A block takes at most this part of what is left: several processes share the end of a limit."""
EMPTY_FOR_SECONDS = 1.0
"""How long a process believes that nothing is left before it looks again: an operator may have changed the limit."""


@dataclass(slots=True)
class Lane:
    """What this process holds of the limits of one path."""

    demands: tuple[Demand, ...]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    units: int = 0
    block: int = FIRST_BLOCK
    at: datetime | None = None
    """Where the block is entered: the end of its life."""
    leased: float = 0.0
    spent: bool = False
    empty: Exhausted | None = None
    empty_seen: float = 0.0
    late: Tally[datetime] = field(default_factory=Tally)
    """Calls that ended after the slot in which their block is entered."""
    is_settling: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """One call's part of a block."""

    lane: Lane
    at: datetime


class Leases:
    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._lanes: dict[tuple[str, str], Lane] = {}

    async def take(self, path: str, app_id: str) -> Unit | None:
        """A unit for one call; None where the path has no limit of this kind. Raises `Exhausted`."""
        lane = self._lane(path, app_id)
        if lane is None:
            return None
        if (unit := self._spend(lane)) is not None:
            return unit
        async with lane.lock:
            if (unit := self._spend(lane)) is not None:
                return unit
            at = await self._lease(lane)
            # Even when fetching the block took its whole life: the call is then entered again at its end.
            lane.units -= 1
            lane.spent = lane.units == 0
            return Unit(lane, at)

    def hand_back(self, unit: Unit) -> None:
        """The call was never sent."""
        if unit.lane.at == unit.at:
            unit.lane.units += 1

    async def finish(self, unit: Unit) -> None:
        """The call is over. One that took long is entered again where it ended, together with others like it."""
        if not any(
            reservations.is_late(demand.counter, since=unit.at, now=self._clock.now()) for demand in unit.lane.demands
        ):
            return
        unit.lane.late[unit.at] += 1
        if not unit.lane.is_settling:
            unit.lane.is_settling = True
            try:
                await self._settle(unit.lane)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                # It counts from its reservation on; the call itself went well.
                log.warning("limit.not_settled", error=type(error).__name__)
            finally:
                unit.lane.is_settling = False

    def _lane(self, path: str, app_id: str) -> Lane | None:
        lane = self._lanes.get((path, app_id))
        if lane is None:
            leased = leased_for(path)
            if not leased:
                return None
            demands = tuple(Demand(counter.name, _subject(counter, path, app_id)) for counter in leased)
            lane = self._lanes[path, app_id] = Lane(demands)
        return lane

    def _spend(self, lane: Lane) -> Unit | None:
        if lane.units <= 0 or lane.at is None or self._clock.now() >= lane.at:
            return None
        lane.units -= 1
        lane.spent = lane.units == 0
        return Unit(lane, lane.at)

    async def _lease(self, lane: Lane) -> datetime:
        now = self._clock.now()
        if lane.empty is not None and now < lane.empty.until and monotonic() - lane.empty_seen < EMPTY_FOR_SECONDS:
            raise lane.empty
        lane.block = _next_size(lane)
        at = now + LIFE
        async with transaction(self._sessions) as session:
            granted = await grant(session, lane.demands, wanted=lane.block, at=at, now=now)
        lane.units = 0
        if isinstance(granted, Exhausted):
            lane.empty, lane.empty_seen = granted, monotonic()
            raise granted
        lane.units, lane.at, lane.empty, lane.leased, lane.spent = granted, at, None, monotonic(), False
        return at

    async def _settle(self, lane: Lane) -> None:
        while lane.late:
            late, lane.late = lane.late, Tally()
            for at, count in late.items():
                demands = [Demand(demand.counter, demand.subject, count) for demand in lane.demands]
                async with transaction(self._sessions) as session:
                    await reservations.move(session, demands, since=at, now=self._clock.now())


async def grant(
    session: AsyncSession, demands: Sequence[Demand], *, wanted: int, at: datetime, now: datetime
) -> int | Exhausted:
    """Up to `wanted` units of every counter, entered at `at`: at least one, or why there is none."""
    used_counters = [COUNTERS[demand.counter] for demand in demands]
    in_force = await numbers.in_force(session, used_counters)
    rows = await counters.lock(session, (demand.key for demand in demands), now=now)
    units = wanted
    for number, row in _kept(demands, rows, in_force, now):
        room = number.allowed - windows.used(number.limit.window, row.uses[number.limit.span], now)
        if room <= 0:
            return _exhausted(demands, rows, in_force, now)
        units = min(units, max(room // PART_OF_THE_REST, 1))
    for demand in demands:
        row = rows[demand.key]
        for limit in COUNTERS[demand.counter].limits:
            row.uses[limit.span] = windows.entered(limit.window, row.uses[limit.span], at=at, amount=units, now=now)
    await counters.store(session, list(rows.values()), now=now)
    return units


def _kept(
    demands: Sequence[Demand], rows: dict[Key, Row], in_force: dict[str, Number], now: datetime
) -> list[tuple[Number, Row]]:
    limits: list[tuple[Limit, Row]] = [
        (limit, rows[demand.key]) for demand in demands for limit in COUNTERS[demand.counter].limits
    ]
    return [(in_force[limit.key], row) for limit, row in limits if not in_force[limit.key].is_lifted(now)]


def _exhausted(
    demands: Sequence[Demand], rows: dict[Key, Row], in_force: dict[str, Number], now: datetime
) -> Exhausted:
    """Of everything that is used up, what is free again last."""
    releases = [
        (
            windows.release(number.limit.window, row.uses[number.limit.span], amount=1, most=number.allowed, now=now),
            number,
        )
        for number, row in _kept(demands, rows, in_force, now)
    ]
    until, number = max(
        ((until, number) for until, number in releases if until is not None), key=lambda release: release[0]
    )
    return Exhausted(number.limit.key, until)


def _next_size(lane: Lane) -> int:
    if lane.spent and monotonic() - lane.leased < SPENT_QUICKLY_SECONDS:
        return min(lane.block * 2, LARGEST_BLOCK)
    if lane.units * 2 > lane.block:
        return max(lane.block // 2, 1)
    return lane.block


def _subject(counter: Counter, path: str, app_id: str) -> str:
    match counter.per:
        case Per.PATH | Per.ADDRESS:
            return path
        case Per.APP:
            return app_id
        case _:
            return ""
