"""Paths that the platform has blocked: nobody calls them before the block is over, in no process.

After 45009 the block lasts as long as its window (a day's: the rest of the day, messaging §0.1), but the code does
not tell the window. We take the limit that our own count shows near its end; where none is, a minute, and when the
first call after it is refused again an hour from the first refusal, then a day, then a month. After 45033 (too
many at once) one call tries after a short pause that doubles. So it is in trouble that is not about the request: the
network is cut, the platform is busy, the token, the secret or our address is refused, the app lacks a right. The first
call that gets through opens the path, and what has waited follows in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Update, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.clock import Clock
from app.database import Sessions, transaction
from app.limits import numbers
from app.limits.catalogue import COUNTERS, Limit, Per, loud_limits_of
from app.limits.usage import windows
from app.limits.usage.windows import Span
from app.observability import get_logger
from models.limits import LimitBlock, LimitCounter

log = get_logger()

TOO_OFTEN = 45009
TOO_MANY_AT_ONCE = 45033
BLOCKING = frozenset({TOO_OFTEN, TOO_MANY_AT_ONCE})

NO_ANSWER = 0
"""Stands where an errcode would, when the platform was not reached."""

BUSY = "busy"
TROUBLE = "trouble"
SHORT = frozenset({BUSY, TROUBLE})
"""No window of a limit: one call tries after a pause that doubles."""
BUSY_PAUSE = timedelta(seconds=2)
LONGEST_BUSY_PAUSE = timedelta(minutes=1)

NEAR = 0.8
"""A limit used this far is taken for the one that was hit."""

PROBE_TAKES = timedelta(seconds=30)
"""A process that died while it tried gives way to the next."""

FORGOTTEN_AFTER = timedelta(minutes=30)
"""A refusal this long after the end of a block is a new one, not the old one going on."""

KNOWN_FOR_SECONDS = 1.0
"""How old our picture of the blocks may be."""


class Exhausted(Exception):
    """Nothing is left until then, or the platform has blocked the path. The call was not made."""

    def __init__(self, why: str, until: datetime) -> None:
        super().__init__(why)
        self.why = why
        """A limit key, `blocked`, or `trouble`."""
        self.until = until


@dataclass(frozen=True, slots=True)
class Block:
    window: str
    until: datetime
    first_refused_at: datetime
    refusals: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What a process remembers of a block."""

    until: datetime
    window: str

    @property
    def why(self) -> str:
        return "trouble" if self.window == TROUBLE else "blocked"


def scope_of(path: str, app_id: str) -> str:
    """Whose block it is: an app's where every limit of the path is an app's, else the corp's."""
    loud = [COUNTERS[limit.counter] for limit in loud_limits_of(path)]
    return app_id if loud and all(counter.per is Per.APP for counter in loud) else ""


def next_block(before: Block | None, *, errcode: int, guess: Span, now: datetime) -> Block:
    """The block after a refusal at `now`; `before` is the one whose end was tried too early. Pure."""
    if before is not None and now - before.until > FORGOTTEN_AFTER:
        before = None
    refusals = before.refusals + 1 if before is not None else 1
    first = before.first_refused_at if before is not None else now
    if errcode != TOO_OFTEN:
        pause = min(BUSY_PAUSE * 2 ** min(refusals - 1, 10), LONGEST_BUSY_PAUSE)
        return Block(BUSY if errcode == TOO_MANY_AT_ONCE else TROUBLE, now + pause, first, refusals)
    span = guess if before is None or before.window in SHORT else _longer(Span(before.window))
    until = windows.block_end(span, first)
    return Block(span, until if until > now else windows.block_end(span, now), first, refusals)


def _longer(span: Span) -> Span:
    spans = list(Span)
    return spans[min(spans.index(span) + 1, len(spans) - 1)]


async def guess_window(session: AsyncSession, *, path: str, app_id: str, now: datetime) -> Span:
    """The window of the limit that we have used the furthest; a minute where none is near its end."""
    limits = list(loud_limits_of(path))
    in_force = await numbers.in_force(session, [COUNTERS[name] for name in sorted({limit.counter for limit in limits})])
    subjects = ["", app_id, path]
    statement = select(LimitCounter).where(
        col(LimitCounter.counter).in_([limit.counter for limit in limits]), col(LimitCounter.subject).in_(subjects)
    )
    best, furthest = Span.MINUTE, NEAR
    for row in await session.scalars(statement):
        for limit in limits:
            if (
                limit.counter == row.counter
                and (part := _part_used(limit, row, in_force[limit.key].most, now)) >= furthest
            ):
                best, furthest = limit.span, part
    return best


def _part_used(limit: Limit, row: LimitCounter, most: int, now: datetime) -> float:
    slots: Sequence[int] = getattr(row, limit.span)
    return windows.used(limit.window, windows.unpacked(slots), now) / max(most, 1)


class Breaker:
    """The blocks, as this process knows them: read again after a second, and at once when one begins here."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._blocks: dict[tuple[str, str], _Known] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def pass_by(self, path: str, app_id: str) -> bool:
        """Raise `Exhausted` while the path is blocked. True: this call is the one that tries whether it still is."""
        if self._is_stale():
            async with self._reading:
                if self._is_stale():
                    await self._read()
        now, key = self._clock.now(), (scope_of(path, app_id), path)
        known = self._blocks.get(key)
        if known is not None and _was_set_by_another_clock(known.window, known.until, now):
            await self._read()
            known = self._blocks.get(key)
        if known is None:
            return False
        if now < known.until:
            raise Exhausted(known.why, known.until)
        if await self._may_probe(path, app_id, now):
            return True
        raise Exhausted(known.why, now + BUSY_PAUSE)

    async def refused(self, path: str, app_id: str, *, errcode: int, was_probe: bool) -> datetime:
        """The platform blocked the path. Returns until when."""
        now, scope = self._clock.now(), scope_of(path, app_id)
        async with transaction(self._sessions) as session:
            # Many calls are refused at the same moment: the first writes the row.
            await session.execute(
                select(func.pg_advisory_xact_lock(func.hashtextextended(f"blocked {scope} {path}", 0)))
            )
            row = await session.get(LimitBlock, (scope, path), with_for_update={"key_share": True})
            if row is not None and not was_probe and now < row.blocked_until:
                # A call that was under way when the block began.
                known = _Known(row.blocked_until, row.window)
            else:
                guess = await guess_window(session, path=path, app_id=app_id, now=now)
                block = next_block(_block_of(row), errcode=errcode, guess=guess, now=now)
                await session.merge(_row_of(block, scope, path, errcode))
                known = _Known(block.until, block.window)
                until = block.until.isoformat()
                log.warning("limit.blocked", path=path, errcode=errcode, window=block.window, until=until)
        self._blocks[scope, path] = known
        return known.until

    async def passed(self, path: str, app_id: str) -> None:
        """The call that tried was let through: the path is open again."""
        scope = scope_of(path, app_id)
        async with transaction(self._sessions) as session:
            await unblock(session, path=path, scope=scope)
        self._blocks.pop((scope, path), None)
        log.info("limit.unblocked", path=path)

    async def not_tried(self, path: str, app_id: str) -> None:
        """The call that was to try did not get there: the next one may."""
        async with transaction(self._sessions) as session:
            await session.execute(_of(update(LimitBlock), scope_of(path, app_id), path).values(probing_until=None))

    def _is_stale(self) -> bool:
        return self._read_at is None or monotonic() - self._read_at > KNOWN_FOR_SECONDS

    async def _read(self) -> None:
        now = self._clock.now()
        async with self._sessions() as session:
            rows = (await session.scalars(select(LimitBlock))).all()
        if any(_was_set_by_another_clock(row.window, row.blocked_until, now) for row in rows):
            async with transaction(self._sessions) as session:
                rows = (await session.scalars(select(LimitBlock).with_for_update())).all()
                for row in rows:
                    if _was_set_by_another_clock(row.window, row.blocked_until, now):
                        row.blocked_until, row.probing_until = _longest_end(row.window, now), None
                        row.first_refused_at = min(row.first_refused_at, now)
        self._blocks = {(row.scope, row.path): _Known(row.blocked_until, row.window) for row in rows}
        self._read_at = monotonic()

    async def _may_probe(self, path: str, app_id: str, now: datetime) -> bool:
        free = or_(col(LimitBlock.probing_until).is_(None), col(LimitBlock.probing_until) < now)
        claim = _of(update(LimitBlock), scope_of(path, app_id), path).where(free, col(LimitBlock.blocked_until) <= now)
        async with transaction(self._sessions) as session:
            claimed = await session.execute(
                claim.values(probing_until=now + PROBE_TAKES).returning(col(LimitBlock.path))
            )
            return claimed.first() is not None


async def unblock(session: AsyncSession, *, path: str, scope: str | None = None) -> bool:
    """Forget the block of a path. Whether there was one."""
    statement = delete(LimitBlock).where(col(LimitBlock.path) == path)
    if scope is not None:
        statement = statement.where(col(LimitBlock.scope) == scope)
    return (await session.execute(statement.returning(col(LimitBlock.path)))).first() is not None


async def blocked_now(session: AsyncSession, *, now: datetime) -> list[LimitBlock]:
    statement = select(LimitBlock).where(col(LimitBlock.blocked_until) > now).order_by(col(LimitBlock.path))
    return list((await session.scalars(statement)).all())


def _was_set_by_another_clock(window: str, until: datetime, now: datetime) -> bool:
    """A block that ends farther ahead than any of its kind lasts: our clock was set back since."""
    return until > _longest_end(window, now) + LONGEST_BUSY_PAUSE


def _longest_end(window: str, now: datetime) -> datetime:
    return now + LONGEST_BUSY_PAUSE if window in SHORT else windows.block_end(Span(window), now)


def _of(statement: Update, scope: str, path: str) -> Update:
    return statement.where(col(LimitBlock.scope) == scope, col(LimitBlock.path) == path)


def _block_of(row: LimitBlock | None) -> Block | None:
    return None if row is None else Block(row.window, row.blocked_until, row.first_refused_at, row.refusals)


def _row_of(block: Block, scope: str, path: str, errcode: int) -> LimitBlock:
    return LimitBlock(
        scope=scope,
        path=path,
        errcode=errcode,
        window=block.window,
        refusals=block.refusals,
        first_refused_at=block.first_refused_at,
        blocked_until=block.until,
        probing_until=None,
    )
