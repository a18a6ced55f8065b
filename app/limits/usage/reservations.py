"""Reservations of the ledger: made in the transaction that claims a call, settled in the one that records it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncSession

from app.limits import numbers
from app.limits.catalogue import COUNTERS, Limit
from app.limits.numbers import Number
from app.limits.usage import counters, windows
from app.limits.usage.counters import Demand, Key, Row

LOOK_AGAIN = timedelta(seconds=5)
"""Until a call that its dead worker may still have made has been concluded."""

COUNT_AGAIN = timedelta(seconds=5)
"""Members are counted anew before anybody waits for a limit that grows with them, but not more often."""

Ahead = Callable[[str], Awaitable[int]]
"""How much is waiting for the limit of this key already, and goes first."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A call that is taking long: it may arrive at any moment, so it counts however long ago it was reserved."""

    reserved_at: datetime
    demands: tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class Shortage:
    """A limit in which the demand does not fit."""

    key: str
    subject: str
    room: int
    """What would fit now."""
    allowed: int
    until: datetime
    """When all of it fits."""


async def reserve(
    session: AsyncSession,
    demands: Sequence[Demand],
    *,
    now: datetime,
    flights: Sequence[Flight] = (),
    ahead: Ahead | None = None,
) -> list[Shortage]:
    """Take all of it or nothing. Returns what it does not fit in: empty when everything is reserved.

    A statement for each counter where it fits, whatever the number of subjects; the rows stay locked until the commit.
    """
    used_counters = [COUNTERS[name] for name in sorted({demand.counter for demand in demands})]
    in_force = await numbers.in_force(session, used_counters)
    extra = _in_flight(flights, now)
    entered = [] if extra else await _enter_until_short(session, demands, in_force, now)
    if entered is None:
        return []
    return await _reserve_one_by_one(session, demands, entered, in_force, extra, ahead, now)


async def _enter_until_short(
    session: AsyncSession, demands: Sequence[Demand], in_force: Mapping[str, Number], now: datetime
) -> list[Demand] | None:
    """None: everything is entered and fits. Else what has been entered before and with what does not."""
    wanted = {demand.key: demand for demand in demands}
    ordered = [wanted[key] for key in counters.in_order(wanted)]
    entered: list[Demand] = []
    for _, of_one_counter in groupby(ordered, key=lambda demand: demand.counter):
        batch = list(of_one_counter)
        entered += batch
        if await counters.enter(session, batch, in_force, now=now):
            return entered
    return None


async def _reserve_one_by_one(
    session: AsyncSession,
    demands: Sequence[Demand],
    entered: Sequence[Demand],
    in_force: Mapping[str, Number],
    extra: Mapping[tuple[Key, str], int],
    ahead: Ahead | None,
    now: datetime,
) -> list[Shortage]:
    """Where something does not fit, or something under way has to be added: with the rows at hand."""
    rows = await counters.lock(session, (demand.key for demand in demands), now=now)
    for demand in entered:
        _change(rows[demand.key], demand, partial(windows.given_back, since=now, now=now))
    short = _short(demands, rows, in_force, extra, now)
    if any(_is_counted_long_ago(in_force[limit.key], now) for _, limit in short):
        # Before anybody waits: the company may have grown since its members were counted.
        await numbers.remember_accounts(session, now=now)
        in_force = await numbers.in_force(session, [COUNTERS[name] for name in {demand.counter for demand in demands}])
        short = _short(demands, rows, in_force, extra, now)
    shortages: list[Shortage] = []
    if short:
        waiting = {limit.key: await ahead(limit.key) if ahead is not None else 0 for _, limit in short}
        shortages = [_shortage(demand, limit, rows, in_force, extra, waiting, now) for demand, limit in short]
    else:
        for demand in demands:
            _change(rows[demand.key], demand, partial(windows.entered, at=now, now=now))
    await counters.store(session, list(rows.values()), now=now)
    return shortages


async def move(session: AsyncSession, demands: Sequence[Demand], *, since: datetime, now: datetime) -> None:
    """The call reserved at `since` took until now: it may have arrived this late, and counts from here."""
    late = [demand for demand in demands if is_late(demand.counter, since=since, now=now)]
    if not late:
        return
    rows = await counters.lock(session, (demand.key for demand in late), now=now)
    for demand in late:
        _change(rows[demand.key], demand, partial(windows.moved, since=since, now=now))
    await counters.store(session, list(rows.values()), now=now)


async def give_back(session: AsyncSession, demands: Sequence[Demand], *, since: datetime, now: datetime) -> None:
    """The call reserved at `since` never arrived, that is certain."""
    if not demands:
        return
    rows = await counters.lock(session, (demand.key for demand in demands), now=now)
    for demand in demands:
        _change(rows[demand.key], demand, partial(windows.given_back, since=since, now=now))
    await counters.store(session, list(rows.values()), now=now)


def is_late(counter: str, *, since: datetime, now: datetime) -> bool:
    """Whether a call that ended now has left the slot of its reservation."""
    return any(limit.window.slot_of(now) > windows.placed(limit.window, since) for limit in COUNTERS[counter].limits)


def _change(row: Row, demand: Demand, change: Callable[..., list[tuple[int, int]]]) -> None:
    """Apply one of the functions of `windows` to each of the counter's windows."""
    for limit in COUNTERS[demand.counter].limits:
        row.uses[limit.span] = change(limit.window, row.uses[limit.span], amount=demand.amount)


def _in_flight(flights: Iterable[Flight], now: datetime) -> dict[tuple[Key, str], int]:
    """What flights add to each limit: only where their own entry does not count any more."""
    extra: dict[tuple[Key, str], int] = {}
    for flight in flights:
        for demand in flight.demands:
            for limit in COUNTERS[demand.counter].limits:
                window = limit.window
                if windows.placed(window, flight.reserved_at) < window.slot_of(now) - window.slots:
                    place = (demand.key, limit.key)
                    extra[place] = extra.get(place, 0) + demand.amount
    return extra


def _short(
    demands: Iterable[Demand],
    rows: Mapping[Key, Row],
    in_force: Mapping[str, Number],
    extra: Mapping[tuple[Key, str], int],
    now: datetime,
) -> list[tuple[Demand, Limit]]:
    short: list[tuple[Demand, Limit]] = []
    for demand in demands:
        row = rows[demand.key]
        for limit in COUNTERS[demand.counter].limits:
            number = in_force[limit.key]
            if number.is_lifted(now):
                continue
            taken = windows.used(limit.window, row.uses[limit.span], now) + extra.get((demand.key, limit.key), 0)
            if taken + demand.amount > number.allowed:
                short.append((demand, limit))
    return short


def _is_counted_long_ago(number: Number, now: datetime) -> bool:
    return number.counted_at is not None and now - number.counted_at > COUNT_AGAIN


def _shortage(
    demand: Demand,
    limit: Limit,
    rows: Mapping[Key, Row],
    in_force: Mapping[str, Number],
    extra: Mapping[tuple[Key, str], int],
    ahead: Mapping[str, int],
    now: datetime,
) -> Shortage:
    uses, allowed = rows[demand.key].uses[limit.span], in_force[limit.key].allowed
    flying = extra.get((demand.key, limit.key), 0)
    room = max(allowed - flying - windows.used(limit.window, uses, now), 0)
    amount = demand.amount
    if amount > allowed > 0:
        # It never fits as a whole: what fits goes now, and this is about the next part.
        uses = windows.entered(limit.window, uses, at=now, amount=room, now=now)
        amount = min(amount - room, allowed)
    until = windows.release(limit.window, uses, amount=amount + ahead[limit.key], most=allowed, now=now)
    return Shortage(limit.key, demand.subject, room, allowed, until or now + LOOK_AGAIN)
