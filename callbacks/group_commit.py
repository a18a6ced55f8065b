"""Group commit: waiting requests share a transaction.

One INSERT per request reaches half the rate that the process could answer; one transaction for all that wait at a
moment reaches nearly all of it (D2). A request is answered only after the transaction that holds its row was
committed (P1).

While the database is away a request is *held*: the platform sends an event again only when we are silent for its five
seconds, and an early 503 would lose the event (callbacks §1.6). Its row stays in line after the platform has hung up:
late is better than lost, and the platform's next attempt joins the row that waits already. All of it is bounded: rows
and bytes in line, requests held. Past the bound a callback is answered with 503 and counted as lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Final

from asyncpg import PostgresError

from app.database import Sessions
from app.inbox import service as inbox
from app.inbox.rules import explain
from app.inbox.service import Arrival
from app.observability import CALLBACK_BYTES_WAITING, CALLBACKS_WAITING, get_logger

HOLD_SECONDS: Final = 30.0
"""The platform hangs up after 5 s. A proxy that does not pass this on is not waited for without end."""

_QUIET_SECONDS: Final = 0.5  # far longer than a commit takes: before that nobody looks whether the caller is there
_ROWS: Final = 10_000
_BYTES: Final = 64 * 1024 * 1024
MOST_HELD: Final = 1_500
"""More than a burst of a thousand, and fewer than the server takes connections: new callers must still get in."""

_BATCH: Final = 500
_BATCH_BYTES: Final = 8 * 1024 * 1024
_COMMIT_SECONDS: Final = 10.0  # a database that hangs: the next try may get a connection to another one
_STOP_SECONDS: Final = 2.0
_DRAIN_SECONDS: Final = 4.0
_RETRY_SECONDS: Final = 0.2
_LONGEST_RETRY_SECONDS: Final = 1.0
_LOG_EVERY_SECONDS: Final = 10.0

# What the database may say of one row and not of another: a value, a key, a size, a trigger, a damaged page. Whatever
# else it says – shutting down, full, a standby, no rights, no such table – will be over one day, and rows wait for it.
_ABOUT_A_ROW: Final = ("21", "22", "23", "54", "P0", "XX")

HungUp = Callable[[], Awaitable[None]]
"""Returns when the caller has closed the connection."""

log = get_logger()


class Stored(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    LATE = "late"  # in line still; the caller has gone, or was asked to
    NOT_STORED = "not_stored"


@dataclass(slots=True)
class _Row:
    """One body in line, and the requests that wait for it: the platform's attempts."""

    arrival: Arrival
    answers: list[asyncio.Future[Stored]] = field(default_factory=list)
    repeats: int = -1
    """How many more of the very same are in it."""

    def tell(self, stored: Stored) -> None:
        """The first hears what became of the row, the others that it is a repeat."""
        for answer in self.answers:
            if not answer.done():
                answer.set_result(stored)
                stored = Stored.DUPLICATE if stored is Stored.NEW else stored

    def leave(self, answer: asyncio.Future[Stored]) -> None:
        """One stops waiting; the row stays."""
        if answer in self.answers:
            self.answers.remove(answer)
        if not answer.done():
            answer.set_result(Stored.LATE)


@dataclass(slots=True)
class Trouble:
    """What could not be written in time, by the loop's clock, since it was last asked for."""

    since: float
    until: float
    not_stored: int = 0
    stored_late: int = 0


class _DatabaseAway(Exception):
    """Nothing can be stored at the moment, whichever row it is."""


class GroupCommit:
    def __init__(
        self,
        sessions: Sessions,
        *,
        hold_seconds: float = HOLD_SECONDS,
        rows: int = _ROWS,
        size: int = _BYTES,
        held: int = MOST_HELD,
    ) -> None:
        self._sessions = sessions
        self._hold_seconds, self._row_limit, self._size_limit, self._held_limit = hold_seconds, rows, size, held
        self._line: dict[bytes, _Row] = {}
        self._in_hand: frozenset[bytes] = frozenset()
        self._bytes = 0
        self._holding: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._away_since: float | None = None
        self._is_catching_up = False
        self._told_at = 0.0
        self._trouble: Trouble | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_forever(), name="callbacks.group_commit")

    def drain(self) -> None:
        """The process is about to end: from now on nobody is held for longer than a few seconds."""
        self._held_limit = 0
        asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._let_go)

    async def stop(self) -> None:
        """Write what waits, then end. Nothing is accepted after this."""
        if self._task is None:
            return
        self._is_stopping = True
        self._arrived.set()
        await asyncio.wait([self._task], timeout=_STOP_SECONDS)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._let_go()
        if self._line:
            log.error("callbacks.dropped", rows=len(self._line), why="the process ends while the database is away")
        self._drop(list(self._line.values()))
        self._line.clear()
        self._is_catching_up = False
        self._report_size()

    async def store(self, arrival: Arrival, hung_up: HungUp | None = None) -> Stored:
        """Return once the row is committed, or the caller has gone, or is not to be held any longer."""
        if self._task is None or self._is_stopping or (row := self._enter(arrival)) is None:
            self._note_trouble().not_stored += 1
            return Stored.NOT_STORED
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Stored] = loop.create_future()
        row.answers.append(answer)
        self._arrived.set()
        hold = loop.call_later(_QUIET_SECONDS, self._hold, row, answer, hung_up)
        try:
            return await answer
        finally:
            hold.cancel()
            if answer.cancelled():
                row.leave(answer)

    def take_trouble(self) -> Trouble | None:
        """What was not in time since the last call, once it is over and all that waited is written."""
        if self._is_catching_up:
            return None
        trouble, self._trouble = self._trouble, None
        return trouble

    # ------------------------------------------------------------------ in line

    def _enter(self, arrival: Arrival) -> _Row | None:
        """The row's place in line; a repeat shares the place of the first. None when there is no room."""
        row = self._line.get(arrival.dedup_key)
        if row is None:
            size = len(arrival.body)
            # What is being written at this moment is in line for good: its repeats are never turned away.
            if arrival.dedup_key not in self._in_hand and (
                len(self._line) + len(self._in_hand) >= self._row_limit or self._bytes + size > self._size_limit
            ):
                return None
            row = self._line[arrival.dedup_key] = _Row(arrival)
            self._bytes += size
        row.repeats += 1
        return row

    def _take(self) -> list[_Row]:
        batch: list[_Row] = []
        size = 0
        for row in islice(self._line.values(), _BATCH):
            size += len(row.arrival.body)
            if batch and size > _BATCH_BYTES:
                break
            batch.append(row)
        for row in batch:
            del self._line[row.arrival.dedup_key]
        self._in_hand = frozenset(row.arrival.dedup_key for row in batch)
        return batch

    def _put_back(self, batch: Sequence[_Row]) -> None:
        """To the front, in order. What came meanwhile for the same row joins it."""
        front: dict[bytes, _Row] = {row.arrival.dedup_key: row for row in batch}
        for key, row in self._line.items():
            if (first := front.setdefault(key, row)) is not row:
                first.answers += row.answers
                first.repeats += row.repeats + 1
                self._bytes -= len(row.arrival.body)
        self._line = front
        self._in_hand = frozenset()

    def _drop(self, rows: Sequence[_Row]) -> None:
        if rows:
            self._note_trouble().not_stored += len(rows)
        for row in rows:
            self._bytes -= len(row.arrival.body)
            row.tell(Stored.NOT_STORED)

    # ------------------------------------------------------------------ holding

    def _hold(self, row: _Row, answer: asyncio.Future[Stored], hung_up: HungUp | None) -> None:
        if answer.done():
            return
        if len(self._holding) >= self._held_limit:
            row.leave(answer)
            return
        watching = asyncio.create_task(self._watch(row, answer, hung_up))
        self._holding.add(watching)
        watching.add_done_callback(self._holding.discard)

    async def _watch(self, row: _Row, answer: asyncio.Future[Stored], hung_up: HungUp | None) -> None:
        gone: asyncio.Future[None] = asyncio.ensure_future((hung_up or _never)())
        try:
            await asyncio.wait((answer, gone), timeout=self._hold_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not answer.done():
                row.leave(answer)

    def _let_go(self) -> None:
        for watching in self._holding:
            watching.cancel()

    # ------------------------------------------------------------------ writing

    async def _write_forever(self) -> None:
        while self._line or not self._is_stopping:
            await self._arrived.wait()
            self._arrived.clear()
            while self._line:
                await self._write(self._take())
                self._report_size()
            self._is_catching_up = False

    async def _write(self, batch: list[_Row]) -> None:
        try:
            await self._commit(batch)
        except _DatabaseAway as away:
            await self._wait_for_database(batch, away)
        except PostgresError as error:
            log.warning("callbacks.batch_failed", rows=len(batch), error=explain(error))
            await self._write_one_by_one(batch)
        except asyncio.CancelledError:
            self._put_back(batch)
            raise

    async def _write_one_by_one(self, batch: Sequence[_Row]) -> None:
        """One poisonous row must not cost the others their commit."""
        for position, row in enumerate(batch):
            try:
                await self._commit([row])
            except _DatabaseAway as away:
                return await self._wait_for_database(batch[position:], away)
            except PostgresError as error:
                log.error("callbacks.row_failed", event_type=row.arrival.event_type, error=explain(error))  # noqa: TRY400 -- the statement in the traceback holds the body
                self._drop([row])
            except asyncio.CancelledError:
                self._put_back(batch[position:])
                raise
        return None

    async def _wait_for_database(self, batch: Sequence[_Row], away: _DatabaseAway) -> None:
        now = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since, self._told_at, self._is_catching_up = now, 0.0, True
            self._note_trouble()
        self._put_back(batch)
        self._report_size()
        if now - self._told_at >= _LOG_EVERY_SECONDS:
            self._told_at = now
            log.error(
                "callbacks.database_away",
                seconds=round(now - self._away_since),
                in_line=len(self._line),
                held=len(self._holding),
                error=str(away),
            )
        patience = (now - self._away_since) / 10
        await asyncio.sleep(min(max(_RETRY_SECONDS, patience), _LONGEST_RETRY_SECONDS))

    async def _commit(self, batch: Sequence[_Row]) -> None:
        arrivals = [replace(row.arrival, repeats=row.repeats) if row.repeats else row.arrival for row in batch]
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                new = await inbox.store_at_once(self._sessions, arrivals=arrivals)
        except PostgresError as error:
            if _is_about_a_row(error):
                raise
            raise _DatabaseAway(explain(error)) from error
        except Exception as error:
            # Refused, reset, timed out, no connection free: drivers have many names for it. Only what the database
            # says about rows may lead to trying them one by one.
            raise _DatabaseAway(type(error).__name__) from error
        self._committed(batch, new)

    def _committed(self, batch: Sequence[_Row], new: set[bytes]) -> None:
        late = 0
        for row in batch:
            self._bytes -= len(row.arrival.body)
            late += not row.answers
            row.tell(Stored.NEW if row.arrival.dedup_key in new else Stored.DUPLICATE)
        self._in_hand = frozenset()
        if late:
            self._note_trouble().stored_late += late
        if self._away_since is not None:
            seconds = asyncio.get_running_loop().time() - self._away_since
            self._note_trouble()
            self._away_since = None
            log.warning("callbacks.database_back", after_seconds=round(seconds, 1), in_line=len(self._line))

    def _note_trouble(self) -> Trouble:
        now = asyncio.get_running_loop().time()
        if self._trouble is None:
            self._trouble = Trouble(now, now)
        self._trouble.until = now
        return self._trouble

    def _report_size(self) -> None:
        CALLBACKS_WAITING.set(len(self._line) + len(self._in_hand))
        CALLBACK_BYTES_WAITING.set(self._bytes)


async def _never() -> None:
    await asyncio.Event().wait()


def _is_about_a_row(error: PostgresError) -> bool:
    return str(error.sqlstate or "").startswith(_ABOUT_A_ROW)
