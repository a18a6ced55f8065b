"""P2: every callback takes effect once, whatever is repeated, reordered, or killed half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.database import Sessions, transaction
from app.inbox import service
from app.inbox.processor import Absorb, InboxProcessor
from app.inbox.rules import CLAIM_LIMIT, DONE, LEASE, Outcome, Received, ignored, unknown
from app.inbox.service import Arrival
from app.observability import current_correlation_id
from models.ids import EventId
from models.inbox import EventState, ReceivedEvent
from tests.builders.callbacks import arrival
from tests.fakes.clock import MONDAY_9AM, FakeClock


@dataclass
class Ledger:
    """A handler whose effect is a row, so that effect and done-mark can be seen to commit together."""

    failing: set[str] = field(default_factory=set)
    seen: list[int] = field(default_factory=list)
    correlations: list[str] = field(default_factory=list)
    running: dict[str, int] = field(default_factory=dict)
    overlaps: int = 0
    pause: float = 0.0

    async def handle(self, session: AsyncSession, event: Received, now: datetime) -> Outcome:
        self.running[event.subject] = self.running.get(event.subject, 0) + 1
        self.overlaps += self.running[event.subject] > 1
        try:
            await session.execute(text("INSERT INTO effects VALUES (:id)"), {"id": event.id})
            await asyncio.sleep(self.pause)
            if event.subject in self.failing:
                raise ValueError(f"{event.subject} is out of order")
        finally:
            self.running[event.subject] -= 1
        self.seen.append(event.id or 0)
        self.correlations.append(current_correlation_id())
        return DONE


@pytest.fixture
async def effects(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(text("CREATE TABLE IF NOT EXISTS effects (event_id bigint)"))
        await session.execute(text("DELETE FROM effects"))


@pytest.fixture
def ledger(effects: None) -> Ledger:
    return Ledger()


@pytest.fixture
def processor(sessions: Sessions, clock: FakeClock, ledger: Ledger) -> InboxProcessor:
    return InboxProcessor(sessions, clock, ledger.handle)


async def store(sessions: Sessions, *arrivals: Arrival) -> None:
    async with transaction(sessions) as session:
        await service.store(session, arrivals=arrivals)


async def rows(sessions: Sessions) -> list[ReceivedEvent]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(ReceivedEvent).order_by(col(ReceivedEvent.id))))


async def effects_of(sessions: Sessions) -> list[int]:
    async with transaction(sessions) as session:
        return list(await session.scalars(text("SELECT event_id FROM effects ORDER BY event_id")))


async def claims(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return int((await session.scalars(text("SELECT count(*) FROM subject_claims"))).one())


class TestEffectOnce:
    async def test_effect_and_done_mark_are_committed_together(
        self, processor: InboxProcessor, sessions: Sessions
    ) -> None:
        await store(sessions, *(arrival(f"user:{n}") for n in range(10)))

        assert await processor.drain() == 10
        assert await processor.drain() == 0

        events = await rows(sessions)
        assert {event.state for event in events} == {EventState.DONE}
        assert {event.finished_at for event in events} == {MONDAY_9AM}
        assert await effects_of(sessions) == [event.id for event in events]
        assert await claims(sessions) == 0

    async def test_a_subjects_events_are_handled_in_the_order_of_arrival(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger
    ) -> None:
        await store(sessions, *(arrival("user:li") for _ in range(20)))

        await processor.drain()

        assert ledger.seen == sorted(ledger.seen)
        assert len(ledger.seen) == 20

    async def test_each_is_handled_under_its_own_correlation(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger
    ) -> None:
        await store(sessions, arrival("user:li"), arrival("user:li"))

        await processor.drain()

        assert ledger.correlations == [event.correlation_id for event in await rows(sessions)]

    async def test_a_repeat_after_the_effect_has_none(self, processor: InboxProcessor, sessions: Sessions) -> None:
        same = arrival()
        await store(sessions, same)
        await processor.drain()
        await store(sessions, same)

        assert await processor.drain() == 0
        (event,) = await rows(sessions)
        assert (event.state, event.repeats) == (EventState.DONE, 1)
        assert await effects_of(sessions) == [event.id]

    async def test_a_repeat_during_the_handling_has_none(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger
    ) -> None:
        same, ledger.pause = arrival(), 0.2
        await store(sessions, same)
        working = asyncio.create_task(processor.drain())
        await asyncio.sleep(0.1)
        await store(sessions, same)
        await working

        (event,) = await rows(sessions)
        assert (event.state, event.repeats) == (EventState.DONE, 1)
        assert await effects_of(sessions) == [event.id]

    async def test_killed_between_effect_and_done_mark_it_happens_once(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger, clock: FakeClock
    ) -> None:
        """The connection dies inside the handler's transaction; another worker takes over when the lease ends."""
        await store(sessions, arrival())
        ledger.pause = 30
        doomed = asyncio.create_task(processor.drain())
        await asyncio.sleep(0.3)
        async with transaction(sessions) as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        doomed.cancel()
        await asyncio.wait([doomed])
        assert await effects_of(sessions) == []

        ledger.pause = 0
        clock.advance(2 * LEASE)
        survivor = InboxProcessor(sessions, clock, ledger.handle)
        await survivor.drain()

        (event,) = await rows(sessions)
        assert event.state is EventState.DONE
        assert await effects_of(sessions) == [event.id]

    async def test_a_worker_that_lost_its_lease_has_no_effect(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        """It was claimed, then nothing happened for too long, and somebody else has done it meanwhile."""
        await store(sessions, arrival())
        slow = InboxProcessor(sessions, clock, ledger.handle)
        async with transaction(sessions) as session:
            batch = await service.claim(session, now=clock.now())
        clock.advance(2 * LEASE)
        await InboxProcessor(sessions, clock, ledger.handle).drain()

        await slow._process(batch)

        assert len(await effects_of(sessions)) == 1

    async def test_a_handler_slower_than_its_lease_is_not_overtaken(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        await store(sessions, arrival())
        ledger.pause = 0.3
        slow = asyncio.create_task(InboxProcessor(sessions, clock, ledger.handle).drain())
        while not ledger.running:  # noqa: ASYNC110 -- the handler knows nothing of this test
            await asyncio.sleep(0.01)
        clock.advance(2 * LEASE)

        assert await InboxProcessor(sessions, clock, ledger.handle).drain() == 0
        await slow
        assert (ledger.overlaps, len(ledger.seen)) == (0, 1)

    async def test_two_processors_never_run_one_subject_at_once(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        ledger.pause = 0.005
        over = asyncio.Event()

        async def arrive() -> None:
            for n in range(100):
                await store(sessions, arrival(f"user:{n % 3}"))
            over.set()

        async def work() -> None:
            processor = InboxProcessor(sessions, clock, ledger.handle)
            while not over.is_set():
                await processor.drain()
                await asyncio.sleep(0.001)

        await asyncio.gather(work(), work(), arrive())
        await InboxProcessor(sessions, clock, ledger.handle).drain()

        assert ledger.overlaps == 0
        events = await rows(sessions)
        assert await effects_of(sessions) == [event.id for event in events]
        assert len(events) == 100


class TestAFailure:
    """F13, F14: rolled back, tried again later, parked at the eighth, and in nobody's way."""

    async def test_nothing_of_a_failed_try_remains_but_its_record(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger
    ) -> None:
        ledger.failing = {"user:li"}
        await store(sessions, arrival("user:li"))

        await processor.drain()

        (event,) = await rows(sessions)
        assert (event.state, event.attempts) == (EventState.PENDING, 1)
        assert event.last_error == "ValueError: user:li is out of order"
        assert event.not_before is not None
        assert event.not_before > MONDAY_9AM
        assert await effects_of(sessions) == []

    async def test_it_succeeds_once_the_cause_is_gone(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.failing = {"user:li"}
        await store(sessions, arrival("user:li"))
        await processor.drain()
        ledger.failing.clear()
        clock.advance(timedelta(minutes=1))
        await processor.drain()

        (event,) = await rows(sessions)
        assert (event.state, event.last_error) == (EventState.DONE, None)

    async def test_a_clock_that_is_set_back_puts_nothing_off_for_as_long(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.failing = {"user:li"}
        await store(sessions, arrival("user:li"))
        await processor.drain()
        ledger.failing.clear()
        clock.advance(-timedelta(days=1))
        await processor.drain()

        (event,) = await rows(sessions)
        assert event.state is EventState.DONE

    async def test_the_eighth_failure_parks_it_with_its_reason(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.failing = {"user:li"}
        await store(sessions, arrival("user:li"))
        for _ in range(8):
            await processor.drain()
            clock.advance(timedelta(hours=3))

        (event,) = await rows(sessions)
        assert (event.state, event.attempts) == (EventState.PARKED, 8)
        assert event.last_error == "ValueError: user:li is out of order"
        assert await processor.drain() == 0

    @pytest.mark.parametrize("sqlstate", ["53100", "53300", "55P03", "25006"])
    async def test_a_database_that_cannot_store_uses_up_no_try(
        self, processor: InboxProcessor, sessions: Sessions, clock: FakeClock, ledger: Ledger, sqlstate: str
    ) -> None:
        """B6: a full disk, a lock that a frozen process keeps: that says nothing about the event."""

        async def meets_it(session: AsyncSession, event: Received, now: datetime) -> Outcome:
            await session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))
            return DONE

        processor._handle = meets_it
        await store(sessions, arrival("user:li"))
        for _ in range(20):
            await processor.drain()
            (event,) = await rows(sessions)
            assert (event.state, event.attempts) == (EventState.PENDING, 0)
            assert event.not_before is not None
            assert event.not_before > clock.now()
            clock.advance(timedelta(minutes=1))

        processor._handle = ledger.handle
        await processor.drain()
        (event,) = await rows(sessions)
        assert (event.state, event.last_error) == (EventState.DONE, None)

    async def test_a_failed_event_does_not_block_its_subject(
        self, processor: InboxProcessor, sessions: Sessions
    ) -> None:
        """D2: handlers are right in any order."""
        await store(sessions, arrival("user:li", event_type="odd"), arrival("user:li"))
        processor._handle = refuse_odd

        await processor.drain()

        assert [event.state for event in await rows(sessions)] == [EventState.PENDING, EventState.DONE]

    async def test_one_failure_leaves_the_other_subjects_alone(
        self, processor: InboxProcessor, sessions: Sessions, ledger: Ledger
    ) -> None:
        ledger.failing = {"user:3"}
        await store(sessions, *(arrival(f"user:{n}") for n in range(6)))

        await processor.drain()

        states = [event.state for event in await rows(sessions)]
        assert (states.count(EventState.DONE), states.count(EventState.PENDING)) == (5, 1)

    async def test_an_outcome_that_does_nothing_says_why(self, sessions: Sessions, clock: FakeClock) -> None:
        async def shrug(session: AsyncSession, event: Received, now: datetime) -> Outcome:
            return unknown("not in the catalogue") if event.subject == "user:x" else ignored("nobody asked")

        await store(sessions, arrival("user:x"), arrival("user:y"))
        await InboxProcessor(sessions, clock, shrug).drain()

        assert [(event.state, event.last_error) for event in await rows(sessions)] == [
            (EventState.UNKNOWN, "not in the catalogue"),
            (EventState.IGNORED, "nobody asked"),
        ]


async def refuse_odd(session: AsyncSession, event: Received, now: datetime) -> Outcome:
    if event.event_type == "odd":
        raise ValueError("odd")
    return DONE


class TestSetBased:
    """D2: receipts are absorbed set-based, and one by one when the set fails."""

    def build(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger, absorbed: list[int], poison: set[int]
    ) -> InboxProcessor:
        async def absorb(session: AsyncSession, events: Sequence[Received], now: datetime) -> set[int]:
            await session.execute(
                text("INSERT INTO effects SELECT unnest(CAST(:ids AS bigint[]))"), {"ids": [e.id for e in events]}
            )
            if poison & {event.id or 0 for event in events}:
                raise ValueError("one of them is bad")
            absorbed.extend(event.id or 0 for event in events)
            return {event.id or 0 for event in events}

        def absorber_for(event: Received) -> tuple[str, Absorb] | None:
            return ("receipt", absorb) if event.event_type == "receipt" else None

        return InboxProcessor(sessions, clock, ledger.handle, absorber_for=absorber_for)

    async def test_many_subjects_go_through_one_transaction(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        absorbed: list[int] = []
        await store(sessions, *(arrival(f"card:t:{n}", event_type="receipt") for n in range(300)))

        await self.build(sessions, clock, ledger, absorbed, set()).drain()

        events = await rows(sessions)
        assert absorbed == [event.id for event in events]
        assert {event.state for event in events} == {EventState.DONE}
        assert await effects_of(sessions) == absorbed
        assert ledger.seen == []

    async def test_a_subject_with_anything_else_keeps_its_order(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        absorbed: list[int] = []
        await store(sessions, arrival("user:li", event_type="receipt"), arrival("user:li"))

        await self.build(sessions, clock, ledger, absorbed, set()).drain()

        assert (absorbed, len(ledger.seen)) == ([], 2)

    async def test_one_bad_receipt_costs_the_others_nothing(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        ledger.failing = {"card:t:2"}
        await store(sessions, *(arrival(f"card:t:{n}", event_type="receipt") for n in range(5)))
        bad = (await rows(sessions))[2].id or 0

        await self.build(sessions, clock, ledger, [], {bad}).drain()

        events = await rows(sessions)
        assert [event.state for event in events].count(EventState.DONE) == 4
        assert await effects_of(sessions) == [event.id for event in events if event.id != bad]

    async def test_a_poisonous_one_is_parked_alone_and_takes_effect_when_it_is_replayed(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        ledger.failing = {"card:t:2"}
        await store(sessions, *(arrival(f"card:t:{n}", event_type="receipt") for n in range(5)))
        bad = (await rows(sessions))[2].id or 0
        poison = {bad}
        processor = self.build(sessions, clock, ledger, [], poison)
        for _ in range(8):
            await processor.drain()
            clock.advance(timedelta(hours=3))

        states = {event.id: (event.state, event.attempts) for event in await rows(sessions)}
        assert states.pop(bad) == (EventState.PARKED, 8)
        assert set(states.values()) == {(EventState.DONE, 0)}
        assert bad not in await effects_of(sessions)

        ledger.failing.clear()
        poison.clear()
        async with transaction(sessions) as session:
            await service.replay(session, event_id=EventId(bad), actor=SYSTEM, now=clock.now())
        assert await processor.drain() == 1
        assert sorted(await effects_of(sessions)) == sorted(event.id or 0 for event in await rows(sessions))

    async def test_who_has_lost_the_subjects_meanwhile_leaves_nothing_behind(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        """A worker that stood still in the middle of a set wakes after another has done its work (P2)."""
        other = InboxProcessor(sessions, clock, ledger.handle)
        await store(sessions, *(arrival(f"card:t:{n}") for n in range(3)))

        async def absorb(session: AsyncSession, events: Sequence[Received], now: datetime) -> set[int]:
            await session.execute(
                text("INSERT INTO effects SELECT unnest(CAST(:ids AS bigint[]))"), {"ids": [e.id for e in events]}
            )
            clock.advance(LEASE + timedelta(seconds=1))
            await other.drain()
            return {event.id or 0 for event in events}

        await InboxProcessor(sessions, clock, ledger.handle, absorber_for=lambda _event: ("all", absorb)).drain()

        assert sorted(await effects_of(sessions)) == sorted(event.id or 0 for event in await rows(sessions))
        assert len(ledger.seen) == 3
        assert await claims(sessions) == 0


class TestTheLoop:
    """D2: workers wake on NOTIFY and each second."""

    async def test_two_batches_are_in_hand_when_many_wait(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        """And each event has its effect once, the events of a subject in their order."""
        await store(sessions, *(arrival(f"user:{n % (4 * CLAIM_LIMIT)}") for n in range(4 * CLAIM_LIMIT + 20)))
        stop = asyncio.Event()
        most = 0

        async def absorb(session: AsyncSession, events: Sequence[Received], now: datetime) -> set[int]:
            nonlocal most
            claimed = "SELECT count(DISTINCT batch) FROM subject_claims"
            most = max(most, await session.scalar(text(claimed)) or 0)
            await session.execute(
                text("INSERT INTO effects SELECT unnest(CAST(:ids AS bigint[]))"), {"ids": [e.id for e in events]}
            )
            return {event.id or 0 for event in events}

        processor = InboxProcessor(sessions, clock, ledger.handle, absorber_for=lambda _event: ("all", absorb))
        running = asyncio.create_task(processor.run(stop))
        while not all(event.state is EventState.DONE for event in await rows(sessions)):  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.05)
        stop.set()
        await running

        assert sorted(await effects_of(sessions)) == sorted(event.id or 0 for event in await rows(sessions))
        assert most == 2

    async def test_it_wakes_at_once_and_stops_when_told(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger, database: str
    ) -> None:
        stop = asyncio.Event()
        processor = InboxProcessor(sessions, clock, ledger.handle, database)
        running = asyncio.create_task(processor.run(stop))
        await asyncio.sleep(0.5)  # connected, and asleep for the rest of its second
        await store(sessions, arrival())
        await asyncio.sleep(0.3)

        assert len(ledger.seen) == 1
        stop.set()
        async with asyncio.timeout(30):
            await running

    async def test_without_a_connection_to_listen_on_it_comes_each_second(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(InboxProcessor(sessions, clock, ledger.handle).run(stop))
        await asyncio.sleep(0.1)
        await store(sessions, arrival())
        await asyncio.sleep(1.3)

        assert len(ledger.seen) == 1
        stop.set()
        await running

    async def test_stopping_finishes_what_is_in_hand_and_gives_the_rest_back(
        self, sessions: Sessions, clock: FakeClock, ledger: Ledger
    ) -> None:
        """F108: drain."""
        ledger.pause, stop = 0.1, asyncio.Event()
        await store(sessions, *(arrival("user:li") for _ in range(20)))
        running = asyncio.create_task(InboxProcessor(sessions, clock, ledger.handle).run(stop))
        await asyncio.sleep(0.25)
        stop.set()
        await running

        states = [event.state for event in await rows(sessions)]
        assert 1 <= states.count(EventState.DONE) < 20
        assert states.count(EventState.DONE) + states.count(EventState.PENDING) == 20
        assert await claims(sessions) == 0
