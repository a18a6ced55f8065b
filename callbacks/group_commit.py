"""Group commit: waiting requests share a transaction.

One INSERT per request reaches half the rate that the process could answer; one transaction for all that wait at a
moment reaches nearly all of it (D2). A request is answered only after the transaction that holds its row was
committed (P1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.database import Sessions, transaction
from app.inbox import service as inbox
from app.inbox.rules import explain
from app.inbox.service import Arrival
from app.observability import get_logger

WAIT_SECONDS: Final = 4.0
"""The platform drops the connection after 5 s, network included (§1.6)."""

_BATCH: Final = 500
_QUEUE: Final = 10_000
_COMMIT_SECONDS: Final = 10.0  # a database that hangs; nobody waits for this batch any more
_RETRY_SECONDS: Final = 0.2

log = get_logger()


class Stored(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    NOT_STORED = "not_stored"


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    answer: asyncio.Future[Stored]
    until: float

    def tell(self, stored: Stored) -> None:
        if not self.answer.done():
            self.answer.set_result(stored)


class _DatabaseAway(Exception):
    """Nothing can be stored at the moment, whichever row it is."""


class GroupCommit:
    def __init__(self, sessions: Sessions, *, wait_seconds: float = WAIT_SECONDS, queue: int = _QUEUE) -> None:
        self._sessions = sessions
        self._wait_seconds = wait_seconds
        self._limit = queue
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_forever(), name="callbacks.group_commit")

    async def stop(self) -> None:
        """Write what waits, then end. Nothing is accepted after this."""
        if self._task is None:
            return
        self._is_stopping = True
        self._arrived.set()
        await asyncio.wait([self._task], timeout=self._wait_seconds)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._give_up(self._take_all())

    async def store(self, arrival: Arrival) -> Stored:
        """Return once the row is committed, or is not going to be in time."""
        if self._task is None or self._is_stopping or len(self._waiting) >= self._limit:
            return Stored.NOT_STORED
        loop = asyncio.get_running_loop()
        waiting = _Waiting(arrival, loop.create_future(), loop.time() + self._wait_seconds)
        self._waiting.append(waiting)
        self._arrived.set()
        # The row stays in line when the wait ends: late is better than lost, and a retry is then a repeat.
        await asyncio.wait([waiting.answer], timeout=self._wait_seconds)
        return waiting.answer.result() if waiting.answer.done() else Stored.NOT_STORED

    async def _write_forever(self) -> None:
        while self._waiting or not self._is_stopping:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._write(self._take())

    def _take(self) -> list[_Waiting]:
        return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def _take_all(self) -> list[_Waiting]:
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._commit(batch)
        except _DatabaseAway as away:
            await self._put_back(batch, away)
        except DBAPIError as error:
            log.warning("callbacks.batch_failed", rows=len(batch), error=explain(error))
            await self._write_one_by_one(batch)
        except asyncio.CancelledError:
            self._give_up(batch)
            raise

    async def _write_one_by_one(self, batch: Sequence[_Waiting]) -> None:
        """One poisonous row must not cost the others their commit."""
        for position, waiting in enumerate(batch):
            try:
                await self._commit([waiting])
            except _DatabaseAway as away:
                return await self._put_back(batch[position:], away)
            except DBAPIError as error:
                log.error("callbacks.row_failed", event_type=waiting.arrival.event_type, error=explain(error))  # noqa: TRY400 -- the statement in the traceback holds the body
                waiting.tell(Stored.NOT_STORED)
        return None

    async def _put_back(self, batch: Sequence[_Waiting], away: _DatabaseAway) -> None:
        """A restart of the database is shorter than the platform's patience: try again while somebody waits."""
        now = asyncio.get_running_loop().time()
        patient = [waiting for waiting in batch if waiting.until > now]
        self._give_up([waiting for waiting in batch if waiting.until <= now])
        self._waiting.extendleft(reversed(patient))
        log.error("callbacks.database_away", waiting=len(patient), error=str(away))
        await asyncio.sleep(_RETRY_SECONDS)

    def _give_up(self, batch: Sequence[_Waiting]) -> None:
        for waiting in batch:
            waiting.tell(Stored.NOT_STORED)

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        arrivals, firsts = _without_repeats(batch)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS), transaction(self._sessions) as session:
                new = await inbox.store(session, arrivals=arrivals)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _DatabaseAway(explain(error)) from error
            raise
        except Exception as error:
            # Refused, reset, timed out, no connection free: drivers have many names for it. Only what the database
            # says about rows may lead to trying them one by one.
            raise _DatabaseAway(type(error).__name__) from error
        for waiting in batch:
            is_first = id(waiting) in firsts and waiting.arrival.dedup_key in new
            waiting.tell(Stored.NEW if is_first else Stored.DUPLICATE)


def _without_repeats(batch: Sequence[_Waiting]) -> tuple[list[Arrival], set[int]]:
    """One arrival per key, with the number of its repeats, in the order of arrival; and whose they are."""
    first: dict[bytes, _Waiting] = {}
    repeats: dict[bytes, int] = {}
    for waiting in batch:
        key = waiting.arrival.dedup_key
        first.setdefault(key, waiting)
        repeats[key] = repeats.get(key, -1) + 1
    arrivals = [replace(waiting.arrival, repeats=repeats[key]) for key, waiting in first.items()]
    return arrivals, {id(waiting) for waiting in first.values()}
