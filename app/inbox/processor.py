"""The loop that works the inbox off: claim, handle by subject, finish.

One event is one transaction: what it changes and its done-mark are committed together (P2). Events whose handler has
a set-based form go through it together, and one by one when that fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.database import Sessions, transaction
from app.database_url import read_url
from app.inbox import service
from app.inbox.errors import LeaseLost
from app.inbox.queries import Due
from app.inbox.rules import CLAIM_LIMIT, DONE, LEASE, Outcome, Received
from app.inbox.service import Batch
from app.observability import INBOX_EVENTS, INBOX_LAG, bound_correlation, get_logger
from models.inbox import EventState

Handle = Callable[[AsyncSession, Received, datetime], Awaitable[Outcome]]
Absorb = Callable[[AsyncSession, Sequence[Received], datetime], Awaitable[set[int]]]
"""Returns the ids of the events it has dealt with; the others are handled one by one."""
AbsorberFor = Callable[[Received], tuple[str, Absorb] | None]
"""The set-based form of an event's handler and the name it is grouped by; None where it has none."""

_POLL_SECONDS: Final = 1.0
_RELISTEN_SECONDS: Final = 5.0
_WORKERS: Final = 4  # transactions at a time; a commit waits for the disk, the next handler need not
_BATCHES: Final = 2  # in hand when many wait: one is at the database while the other is worked out here

log = get_logger()


class InboxProcessor:
    """Any number of these may run, in any number of processes.

    With a database URL it wakes at once when something arrives; without, within a second.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        handle: Handle,
        database_url: str | None = None,
        *,
        absorber_for: AbsorberFor | None = None,
        workers: int = _WORKERS,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._handle = handle
        self._database_url = database_url
        self._absorber_for = absorber_for or (lambda _event: None)
        self._slots = asyncio.Semaphore(workers)
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: the event in hand is finished, the rest of the batch is given back."""
        self._stop = stop
        async with _background(self._listen()), _background(self._wake_at(stop)):
            while not stop.is_set():
                worked = await self._step_or_log()
                if worked >= CLAIM_LIMIT:
                    await asyncio.gather(*(self._work_on(stop) for _ in range(_BATCHES)))
                elif not worked:
                    await self._sleep()

    async def _work_on(self, stop: asyncio.Event) -> None:
        """Batch after batch, until nothing is due."""
        while not stop.is_set() and await self._step_or_log():
            pass

    async def _step_or_log(self) -> int:
        try:
            return await self.step()
        except Exception:
            log.exception("inbox.interrupted")
            return 0

    async def drain(self) -> int:
        """Handle until nothing is due. Returns how many events were handled, failures included."""
        total = 0
        while worked := await self.step():
            total += worked
        return total

    async def step(self) -> int:
        """Claim and handle one batch."""
        async with transaction(self._sessions) as session:
            batch = await service.claim(session, now=self._clock.now())
        self._report_lag(batch)
        if not batch.events:
            return 0
        try:
            async with _background(self._renew(batch)):
                await self._process(batch)
        finally:
            async with transaction(self._sessions) as session:
                await service.release(session, batch=batch.number)
        return len(batch.events)

    async def _process(self, batch: Batch) -> None:
        chains = _by_subject(batch.events)
        groups: dict[str, tuple[Absorb, list[Due]]] = {}
        for subject, chain in list(chains.items()):
            absorbers = [self._absorber_for(event) for event in chain]
            # A subject with anything else in it goes one by one, to keep its order of arrival.
            if (first := absorbers[0]) and all(each and each[0] == first[0] for each in absorbers):
                groups.setdefault(first[0], (first[1], []))[1].extend(chains.pop(subject))
        for absorb, events in groups.values():
            chains |= _by_subject(await self._absorb(batch, absorb, events))
        async with asyncio.TaskGroup() as tasks:
            for chain in chains.values():
                tasks.create_task(self._work_off(batch, chain))

    async def _absorb(self, batch: Batch, absorb: Absorb, events: list[Due]) -> list[Due]:
        """Everything in one transaction. Returns what is left: all, when it failed and nothing of it has happened."""
        now = self._clock.now()
        try:
            async with transaction(self._sessions) as session:
                # Not held before, as one event is: who has lost a subject meanwhile cannot finish its events.
                absorbed = await absorb(session, events, now)
                done = [event for event in events if event.id in absorbed]
                await service.finish(session, events=done, batch=batch.number, outcome=DONE, now=now)
        except Exception as error:  # noqa: BLE001 -- one bad event must not stop the others: each is tried alone
            log.warning("inbox.absorb_failed", events=len(events), error=type(error).__name__)
            return events
        for event in done:
            INBOX_EVENTS.labels(event.event_type, DONE.state.value).inc()
        return [event for event in events if event.id not in absorbed]

    async def _work_off(self, batch: Batch, chain: Iterable[Due]) -> None:
        """One subject's events, in order. A failed one does not hold up the next."""
        async with self._slots:
            for event in chain:
                if self._stop.is_set():
                    return
                with bound_correlation(event.correlation_id):
                    state = await self._handle_one(batch, event)
                if state is None:
                    return
                if state is not EventState.PENDING:
                    INBOX_EVENTS.labels(event.event_type, state.value).inc()

    async def _handle_one(self, batch: Batch, event: Due) -> EventState | None:
        """The event's new state; None when its subject is not ours any more."""
        now = self._clock.now()
        try:
            async with transaction(self._sessions) as session:
                await service.hold(session, events=[event], batch=batch.number)
                outcome = await self._handle(session, event, now)
                await service.finish(session, events=[event], batch=batch.number, outcome=outcome, now=now)
        except LeaseLost:
            log.warning("inbox.lease_lost", event_id=event.id, subject=event.subject)
            return None
        except Exception as error:  # noqa: BLE001 -- the runner records whatever a handler raises
            return await self._record_failure(batch, event, error)
        return outcome.state

    async def _record_failure(self, batch: Batch, event: Due, error: Exception) -> EventState:
        now = self._clock.now()
        async with transaction(self._sessions) as session:
            state = await service.fail(session, event=event, batch=batch.number, error=error, now=now)
        tell = log.error if state is EventState.PARKED else log.warning
        name = "inbox.parked" if state is EventState.PARKED else "inbox.failed"
        tell(name, event_id=event.id, event_type=event.event_type, attempts=event.attempts + 1, exc_info=error)
        return state

    async def _renew(self, batch: Batch) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                async with transaction(self._sessions) as session:
                    await service.renew(session, batch=batch.number, now=self._clock.now())
            except Exception:
                log.exception("inbox.renewal_failed", batch=batch.number)

    def _report_lag(self, batch: Batch) -> None:
        oldest = batch.events[0].received_at if batch.events else self._clock.now()
        INBOX_LAG.set(max(0.0, (self._clock.now() - oldest).total_seconds()))

    # ------------------------------------------------------------------ waking up

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _listen(self) -> None:
        """Wake on NOTIFY, on a connection outside the pool. While it is away the poll still comes each second."""
        while self._database_url is not None:
            try:
                await self._listen_once(self._database_url)
            except Exception as error:  # noqa: BLE001 -- the database may be away
                log.warning("inbox.listen_failed", error=type(error).__name__)
            await asyncio.sleep(_RELISTEN_SECONDS)

    async def _listen_once(self, database_url: str) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(**read_url(database_url).arguments("inbox"))
        try:
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(service.CHANNEL, self._notified)
            self._wake.set()
            await lost.wait()
        finally:
            # Not `close()`, which would wait for a server that may be gone.
            connection.terminate()

    def _notified(self, *_details: object) -> None:
        self._wake.set()


def _by_subject(events: Iterable[Due]) -> dict[str, list[Due]]:
    chains: dict[str, list[Due]] = {}
    for event in events:
        chains.setdefault(event.subject, []).append(event)
    return chains


@asynccontextmanager
async def _background(work: Any) -> AsyncIterator[None]:
    """Run a coroutine beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        # Not `await task`: that could not tell its cancellation from ours.
        await asyncio.wait([task])
