"""D23: one call writes the audit row, the row of the feed and one job per subscriber, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlmodel import col

from app.audit.actor import SYSTEM, Actor, ActorKind, person_actor
from app.audit.why import Why
from app.database import Sessions, transaction
from app.events.service import EventPayload, Happening, catalogue, publish, publish_many
from app.jobs.job import Job
from app.manifest import SESSION_KEY, Domain, collect
from app.observability import bound_correlation
from models.audit import AuditDetail, AuditEntry
from models.events import PublishedEvent
from models.ids import new_id
from tests.builders.policy import policy_in_force
from tests.events.happenings import WHY, approved
from tests.fakes.clock import MONDAY_9AM

HEAR = Job("groups.hear_of_request", EventPayload)
SUBSCRIBED = collect(
    [
        Domain(name="groups", subscribers={"request.approved": [HEAR.name]}),
        Domain(name="tasks", subscribers={"request.approved": ["tasks.hear_of_request"]}),
    ]
)


@pytest.fixture
async def heard(shared_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session with two domains that hear of approved requests."""
    async with shared_engine.connect() as connection:
        outer = await connection.begin()
        make = async_sessionmaker(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={SESSION_KEY: SUBSCRIBED},
        )
        async with make() as session:
            yield session
        await outer.rollback()


async def jobs(session: AsyncSession) -> list[tuple[str, dict[str, Any], str]]:
    rows = await session.execute(
        text("SELECT entrypoint, payload, headers->>'correlation_id' FROM pgqueuer ORDER BY id")
    )
    return [(row[0], json.loads(row[1]), row[2]) for row in rows]


async def events(session: AsyncSession) -> list[PublishedEvent]:
    return list(await session.scalars(select(PublishedEvent).order_by(col(PublishedEvent.id))))


class TestPublish:
    async def test_the_audit_row_says_what_it_always_said(self, session: AsyncSession) -> None:
        policy = await policy_in_force(session)
        person, happened = new_id(), approved(7)
        why = Why(person_actor(person), "approval.decide", policy.id)
        with bound_correlation("abc12345"):
            await publish(session, happened, why, now=MONDAY_9AM, details={"kind": "join", "comment": "同意"})

        (entry,) = await session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "request.approved"))
        assert (entry.object_kind, entry.object_id) == ("request", str(happened.request_id))
        assert (entry.actor_kind, entry.actor_id, entry.rule_key) == ("person", str(person), "approval.decide")
        assert (entry.policy_version_id, entry.correlation_id, entry.at) == (policy.id, "abc12345", MONDAY_9AM)
        (detail,) = await session.scalars(select(AuditDetail).where(col(AuditDetail.entry_id) == entry.id))
        assert detail.details == {"kind": "join", "comment": "同意"}

    async def test_the_feed_has_the_same_facts_and_none_of_the_details(self, session: AsyncSession) -> None:
        policy = await policy_in_force(session)
        happened = approved(7)
        with bound_correlation("abc12345"):
            await publish(session, happened, Why(SYSTEM, "r", policy.id), now=MONDAY_9AM, details={"comment": "同意"})

        (row,) = await events(session)
        assert row.data == {"request_id": str(happened.request_id), "number": 7, "kind": "join"}
        assert (row.type, row.about_kind, row.about_id) == ("request.approved", "request", str(happened.request_id))
        assert (row.actor_kind, row.actor_id, row.rule_key) == ("system", "steward", "r")
        assert (row.policy_version_id, row.correlation_id, row.occurred_at) == (policy.id, "abc12345", MONDAY_9AM)
        assert row.position is None  # it is not committed yet

    async def test_nothing_is_left_of_what_is_rolled_back(self, sessions: Sessions) -> None:
        with pytest.raises(ZeroDivisionError):
            await _publish_and_fail(sessions)
        async with sessions() as session:
            assert await events(session) == []
            assert list(await session.scalars(select(AuditEntry))) == []

    async def test_a_session_without_a_registry_is_an_error(self, shared_engine: AsyncEngine) -> None:
        """Otherwise a subscriber would miss it, and nobody would know."""
        async with AsyncSession(shared_engine) as session:
            with pytest.raises(LookupError, match="registry"):
                await publish(session, approved(1), WHY, now=MONDAY_9AM)


async def _publish_and_fail(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await publish(session, approved(1), WHY, now=MONDAY_9AM)
        raise ZeroDivisionError


class TestSubscribers:
    async def test_each_gets_a_job_that_reads_the_event_back(self, heard: AsyncSession) -> None:
        happened = approved(7)
        why = Why(Actor(ActorKind.API_KEY, "k1"), "approval.decide")
        with bound_correlation("abc12345"):
            await publish(heard, happened, why, now=MONDAY_9AM)

        told = await jobs(heard)
        assert [(name, correlation) for name, _, correlation in told] == [
            ("groups.hear_of_request", "abc12345"),
            ("tasks.hear_of_request", "abc12345"),
        ]
        payload = HEAR.read(told[0][1])
        assert payload.read_as(catalogue.RequestApproved) == happened
        assert (payload.why, payload.occurred_at, payload.about_id) == (why, MONDAY_9AM, str(happened.request_id))
        assert payload.event_id == (await events(heard))[0].id

    async def test_a_job_that_takes_it_for_another_type_fails(self, heard: AsyncSession) -> None:
        await publish(heard, approved(7), WHY, now=MONDAY_9AM)
        payload = HEAR.read((await jobs(heard))[0][1])
        with pytest.raises(ValueError, match=r"request\.approved is no request\.rejected"):
            payload.read_as(catalogue.RequestRejected)

    async def test_of_another_type_nobody_hears(self, heard: AsyncSession) -> None:
        happened = catalogue.RequestRejected(request_id=new_id(), number=7, kind="join")
        await publish(heard, happened, WHY, now=MONDAY_9AM)
        assert await jobs(heard) == []


class TestMany:
    async def test_it_writes_what_one_call_for_each_would(self, heard: AsyncSession) -> None:
        happenings = [
            Happening(
                approved(number), Why(person_actor(new_id()), "approval.decide"), f"c{number}", {"number": number}
            )
            for number in range(20)
        ]
        await publish_many(heard, happenings, now=MONDAY_9AM)

        rows = await events(heard)
        assert [(row.data["number"], row.correlation_id) for row in rows] == [(n, f"c{n}") for n in range(20)]
        entries = list(await heard.scalars(select(AuditEntry).order_by(col(AuditEntry.id))))
        assert [(one.object_id, one.actor_id, one.correlation_id, one.action) for one in entries] == [
            (row.about_id, row.actor_id, row.correlation_id, row.type) for row in rows
        ]
        details = await heard.scalars(select(AuditDetail).order_by(col(AuditDetail.entry_id)))
        assert [one.details for one in details] == [{"number": number} for number in range(20)]
        told = [(name, payload["event_id"], correlation) for name, payload, correlation in await jobs(heard)]
        assert told == [
            (name, row.id, row.correlation_id)
            for name in ("groups.hear_of_request", "tasks.hear_of_request")
            for row in rows
        ]

    async def test_a_batch_costs_as_many_statements_as_one(
        self, heard: AsyncSession, session: AsyncSession, shared_engine: AsyncEngine
    ) -> None:
        """The trail, the feed, and a job for each of two subscribers."""
        assert [await _statements_of(heard, shared_engine, count) for count in (1, 100)] == [4, 4]
        assert await _statements_of(session, shared_engine, 100) == 2

    async def test_nothing_is_nothing(self, session: AsyncSession) -> None:
        await publish_many(session, [], now=MONDAY_9AM)
        assert await events(session) == []

    @pytest.mark.parametrize(
        "other",
        [
            Happening(catalogue.RequestDone(request_id=new_id(), number=1, kind="join"), WHY, "c"),
            Happening(approved(1), WHY.under("another.rule"), "c"),
        ],
        ids=["another type", "another rule"],
    )
    async def test_two_sorts_at_once_are_refused(self, session: AsyncSession, other: Happening) -> None:
        with pytest.raises(ValueError, match="one type under one rule"):
            await publish_many(session, [Happening(approved(1), WHY, "c"), other], now=MONDAY_9AM)
        assert await events(session) == []


async def _statements_of(session: AsyncSession, engine: AsyncEngine, count: int) -> int:
    """How many statements the database is sent for a batch of so many."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    await session.connection()  # its transaction has begun
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        await publish_many(session, [Happening(approved(n), WHY, "c") for n in range(count)], now=MONDAY_9AM)
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    return len(sent)
