"""Claiming by subject, leases, replay and retention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor, ActorKind
from app.database import Sessions, transaction
from app.inbox import queries, service
from app.inbox.errors import BodyErased, EventNotFound, LeaseLost
from app.inbox.rules import DONE, LEASE, Received
from models.audit import AuditEntry
from models.ids import EventId
from models.inbox import EventState, ReceivedEvent
from tests.builders.callbacks import arrival, received
from tests.fakes.clock import MONDAY_9AM

OPERATOR = Actor(ActorKind.OPERATOR, "it")


async def state_of(session: AsyncSession, event: Received) -> EventState:
    statement = select(ReceivedEvent.state).where(col(ReceivedEvent.id) == event.id)  # type: ignore[call-overload]  # SQLModel types columns as values
    state: EventState = (await session.scalars(statement)).one()
    return state


def subjects(events: Sequence[Received]) -> list[str]:
    return [event.subject for event in events]


class TestOneSubjectAtATime:
    """F11, D2: at most one running batch per subject."""

    async def test_a_batch_takes_all_of_a_subject_in_order(self, session: AsyncSession) -> None:
        first, second = [await received(session, arrival("user:li")) for _ in range(2)]

        batch = await service.claim(session, now=MONDAY_9AM)

        assert [event.id for event in batch.events] == [first.id, second.id]

    async def test_what_waits_about_a_subject_comes_together_however_far_apart_it_arrived(
        self, session: AsyncSession
    ) -> None:
        for name in ("li", "wang", "zhao", "li", "wang", "li"):
            await received(session, arrival(f"user:{name}"))

        batch = await service.claim(session, now=MONDAY_9AM, limit=1)

        assert subjects(batch.events) == ["user:li"] * 3

    async def test_what_a_worker_of_an_earlier_version_has_marked_is_free_after_its_lease(
        self, session: AsyncSession
    ) -> None:
        event = await received(session, arrival("user:li"))
        await service.claim(session, now=MONDAY_9AM)
        await session.execute(
            text("UPDATE received_events SET state = 'running', batch = c.batch FROM subject_claims c")
        )

        later = MONDAY_9AM + LEASE + timedelta(seconds=1)

        assert [taken.id for taken in (await service.claim(session, now=later)).events] == [event.id]

    async def test_what_is_held_is_left_alone_and_the_rest_goes_on(self, session: AsyncSession) -> None:
        await received(session, arrival("user:li"))
        await service.claim(session, now=MONDAY_9AM)
        await received(session, arrival("user:li"))
        await received(session, arrival("user:wang"))

        batch = await service.claim(session, now=MONDAY_9AM)

        assert subjects(batch.events) == ["user:wang"]

    async def test_two_workers_that_claim_at_once_share_no_subject(self, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            for name in ("li", "wang", "li", "wang", "zhao"):
                await received(session, arrival(f"user:{name}"))

        async with transaction(sessions) as mine:
            ours = await service.claim(mine, now=MONDAY_9AM, limit=1)
            async with transaction(sessions) as theirs:
                others = await service.claim(theirs, now=MONDAY_9AM, limit=1)

        assert set(subjects(ours.events)).isdisjoint(subjects(others.events))
        assert subjects(others.events) == ["user:wang"] * 2

    async def test_a_claim_takes_no_more_than_its_limit_the_oldest_first(self, session: AsyncSession) -> None:
        for number in range(5):
            await received(session, arrival(f"user:{number}"))

        batch = await service.claim(session, now=MONDAY_9AM, limit=3)

        assert subjects(batch.events) == ["user:0", "user:1", "user:2"]

    async def test_an_event_before_its_time_is_left_alone(self, session: AsyncSession) -> None:
        event = await received(session, arrival())
        event.not_before = MONDAY_9AM + timedelta(seconds=1)
        await session.flush()

        assert (await service.claim(session, now=MONDAY_9AM)).events == ()
        assert len((await service.claim(session, now=event.not_before)).events) == 1


class TestACrash:
    """P2: killed half-way, the lease ends by itself and the rows return."""

    async def test_an_expired_lease_gives_its_events_back(self, session: AsyncSession) -> None:
        event = await received(session, arrival())
        await service.claim(session, now=MONDAY_9AM)

        assert (await service.claim(session, now=MONDAY_9AM + LEASE)).events == ()
        later = await service.claim(session, now=MONDAY_9AM + LEASE + timedelta(seconds=1))

        assert [each.id for each in later.events] == [event.id]

    async def test_a_renewed_lease_does_not_expire(self, session: AsyncSession) -> None:
        await received(session, arrival())
        batch = await service.claim(session, now=MONDAY_9AM)
        await service.renew(session, batch=batch.number, now=MONDAY_9AM + LEASE)

        assert (await service.claim(session, now=MONDAY_9AM + LEASE + timedelta(seconds=1))).events == ()

    async def test_who_lost_the_lease_can_neither_hold_nor_finish(self, session: AsyncSession) -> None:
        await received(session, arrival())
        lost = await service.claim(session, now=MONDAY_9AM)
        await service.claim(session, now=MONDAY_9AM + 2 * LEASE)

        with pytest.raises(LeaseLost):
            await service.hold(session, events=lost.events, batch=lost.number)
        with pytest.raises(LeaseLost):
            await service.finish(session, events=lost.events, batch=lost.number, outcome=DONE, now=MONDAY_9AM)

    async def test_a_lease_in_use_is_not_taken_however_late_it_is(self, sessions: Sessions) -> None:
        """A slow handler never overlaps with a second one: its transaction holds the lease's row."""
        async with transaction(sessions) as session:
            await received(session, arrival())
            batch = await service.claim(session, now=MONDAY_9AM)

        async with transaction(sessions) as slow:
            await service.hold(slow, events=batch.events, batch=batch.number)
            async with transaction(sessions) as other:
                assert (await service.claim(other, now=MONDAY_9AM + 10 * LEASE)).events == ()
            await service.finish(slow, events=batch.events, batch=batch.number, outcome=DONE, now=MONDAY_9AM)

        async with transaction(sessions) as session:
            assert await state_of(session, batch.events[0]) is EventState.DONE

    async def test_what_was_not_handled_returns_with_the_release(self, session: AsyncSession) -> None:
        event = await received(session, arrival())
        batch = await service.claim(session, now=MONDAY_9AM)

        await service.release(session, batch=batch.number)

        assert await state_of(session, event) is EventState.PENDING
        assert len((await service.claim(session, now=MONDAY_9AM)).events) == 1


class TestReplay:
    """F14: parked events are replayed; the event keeps its id."""

    async def parked(self, session: AsyncSession) -> ReceivedEvent:
        event = await received(session, arrival())
        event.state, event.attempts, event.last_error = EventState.PARKED, 8, "ValueError: no"
        await session.flush()
        return event

    async def test_it_is_due_again_without_its_failures(self, session: AsyncSession) -> None:
        event = await self.parked(session)

        again = await service.replay(session, event_id=EventId(event.id or 0), actor=OPERATOR, now=MONDAY_9AM)

        assert (again.id, again.state, again.attempts, again.last_error) == (event.id, EventState.PENDING, 0, None)
        assert again.replayed_at == MONDAY_9AM
        assert [each.id for each in (await service.claim(session, now=MONDAY_9AM)).events] == [event.id]

    async def test_who_replayed_it_is_on_record(self, session: AsyncSession) -> None:
        event = await self.parked(session)
        await service.replay(session, event_id=EventId(event.id or 0), actor=OPERATOR, now=MONDAY_9AM)

        entry = (await session.scalars(select(AuditEntry).where(col(AuditEntry.object_id) == str(event.id)))).one()
        assert (entry.action, entry.actor_kind, entry.actor_id) == ("callback.replayed", "operator", "it")

    async def test_what_does_not_exist_cannot(self, session: AsyncSession) -> None:
        with pytest.raises(EventNotFound):
            await service.replay(session, event_id=EventId(404), actor=OPERATOR, now=MONDAY_9AM)
        with pytest.raises(EventNotFound):
            await service.get(session, event_id=EventId(404))


class TestRetention:
    """D17: inbox bodies are purged after 30 days, digests kept."""

    async def test_a_finished_event_loses_its_body_and_keeps_its_digest(self, session: AsyncSession) -> None:
        event = await received(session, arrival())
        event.state = EventState.DONE
        await session.flush()

        assert await service.purge_bodies(session, now=MONDAY_9AM + timedelta(days=30)) == 0
        assert await service.purge_bodies(session, now=MONDAY_9AM + timedelta(days=30, seconds=1)) == 1

        await session.refresh(event)
        assert event.body is None
        assert len(event.body_digest) == 32
        with pytest.raises(BodyErased):
            await service.replay(session, event_id=EventId(event.id or 0), actor=OPERATOR, now=MONDAY_9AM)

    async def test_what_still_waits_keeps_its_body(self, session: AsyncSession) -> None:
        await received(session, arrival())

        assert await service.purge_bodies(session, now=MONDAY_9AM + timedelta(days=365)) == 0

    async def test_it_goes_in_bites(self, session: AsyncSession) -> None:
        for _ in range(3):
            (await received(session, arrival())).state = EventState.IGNORED
        await session.flush()

        later = MONDAY_9AM + timedelta(days=31)
        assert [await service.purge_bodies(session, now=later, limit=2) for _ in range(3)] == [2, 1, 0]


class TestTheList:
    async def test_it_is_filtered_and_the_newest_come_first(self, session: AsyncSession) -> None:
        for subject, event_type in (("user:li", "click"), ("user:wang", "click"), ("user:li", "view")):
            await received(session, arrival(subject, event_type=event_type))

        found = await queries.newest(session, state=EventState.PENDING, event_type="click", subject=None, limit=10)
        assert subjects(found) == ["user:wang", "user:li"]
        assert len(await queries.newest(session, state=None, event_type=None, subject="user:li", limit=1)) == 1
