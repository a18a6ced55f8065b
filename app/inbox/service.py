"""Use cases of the inbox: store, claim, hold, finish, fail, release; replay and purge."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, text, update
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit import queries as audit
from app.audit.actor import Actor
from app.audit.why import About, Why
from app.database import Sessions, driver_of, has_refused
from app.events.service import catalogue, publish
from app.inbox import queries, rules
from app.inbox.decrypted_fields import Field, decrypted_fields
from app.inbox.errors import EventNotFound, LeaseLost
from app.inbox.job_payloads import RECONCILE, SYNC, ReconcilePayload, SyncPayload
from app.inbox.messages import EVENTS, error_in_words, event_kind, explain_refusal, refusal_in_words
from app.inbox.queries import Due
from app.inbox.rules import Outcome, Received
from app.inbox.shown import EventPage, Troubles, events_listed, troubles
from models.audit import AuditEntry, ObjectKind
from models.ids import EventId
from models.inbox import EventState, ReceivedEvent

__all__ = [
    "CHANNEL",
    "EVENTS",
    "RECONCILE",
    "SYNC",
    "Arrival",
    "Batch",
    "EventPage",
    "ExaminedEvent",
    "ReconcilePayload",
    "SyncPayload",
    "Troubles",
    "claim",
    "error_in_words",
    "event_kind",
    "events_listed",
    "examine",
    "explain_refusal",
    "fail",
    "finish",
    "get",
    "hold",
    "led_to_nothing",
    "purge_bodies",
    "refusal_in_words",
    "release",
    "renew",
    "replay",
    "store",
    "store_at_once",
    "troubles",
]

CHANNEL: Final = "inbox"
"""What the workers LISTEN on."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One callback, decrypted, on its way into the table."""

    app_id: str
    dedup_key: bytes
    event_type: str
    subject: str
    actor_userid: str
    occurred_at: datetime
    received_at: datetime
    body: bytes
    body_digest: bytes
    correlation_id: str
    repeats: int = 0
    """How many more of the very same arrived with it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events whose subjects are ours for a while, in the order of arrival."""

    number: int
    events: tuple[Due, ...]


# Ids are drawn in the order of arrival; rows are inserted in the order of their keys, so that two processes that
# store the same repeats never wait for each other in a circle. One statement, whatever the number of rows.
_STORE: Final = text("""
WITH arrived AS (
    SELECT nextval(pg_get_serial_sequence('received_events', 'id')) AS id, given.*
    FROM unnest(
        CAST(:app_id AS text[]), CAST(:dedup_key AS bytea[]), CAST(:event_type AS text[]),
        CAST(:subject AS text[]), CAST(:actor_userid AS text[]), CAST(:occurred_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[]), CAST(:body AS bytea[]), CAST(:body_digest AS bytea[]),
        CAST(:correlation_id AS text[]), CAST(:repeats AS integer[])
    ) AS given (app_id, dedup_key, event_type, subject, actor_userid, occurred_at, received_at, body, body_digest,
        correlation_id, repeats)
), stored AS (
    INSERT INTO received_events (id, app_id, dedup_key, event_type, subject, actor_userid, occurred_at, received_at,
        body, body_digest, correlation_id, repeats, state, attempts)
    SELECT id, app_id, dedup_key, event_type, subject, actor_userid, occurred_at, received_at,
        body, body_digest, correlation_id, repeats, 'pending', 0
    FROM arrived ORDER BY dedup_key
    ON CONFLICT (dedup_key) DO UPDATE SET repeats = received_events.repeats + excluded.repeats + 1
    RETURNING dedup_key, (xmax = 0) AS is_new
)
SELECT dedup_key, pg_notify('inbox', '') FROM stored WHERE is_new
""")

_COLUMNS: Final = (
    "app_id", "dedup_key", "event_type", "subject", "actor_userid", "occurred_at", "received_at", "body",
    "body_digest", "correlation_id", "repeats",
)  # fmt: skip

_STORE_COMPILED: Final = _STORE.compile(dialect=PGDialect_asyncpg())  # type: ignore[no-untyped-call]  # SQLAlchemy does not type it
"""As the driver wants it."""

# What is marked as running was marked by a worker of an earlier version: since then the lease alone says it.
_RECOVER: Final = text("""
WITH expired AS (
    SELECT subject, batch FROM subject_claims WHERE leased_until < :now ORDER BY subject FOR UPDATE SKIP LOCKED
), freed AS (
    DELETE FROM subject_claims USING expired WHERE subject_claims.subject = expired.subject
)
UPDATE received_events SET state = 'pending', batch = NULL FROM expired
WHERE received_events.state = 'running' AND received_events.subject = expired.subject
    AND received_events.batch = expired.batch
""")

_CLAIM: Final = text("""
INSERT INTO subject_claims (subject, batch, leased_until)
SELECT subject, :batch, :until FROM unnest(CAST(:subjects AS text[])) AS given (subject) ORDER BY subject
ON CONFLICT (subject) DO NOTHING RETURNING subject
""")

_RENEW: Final = text("""
UPDATE subject_claims SET leased_until = :until WHERE subject IN (
    SELECT subject FROM subject_claims WHERE batch = :batch ORDER BY subject FOR UPDATE SKIP LOCKED
)
""")

_PURGE: Final = text("""
UPDATE received_events SET body = NULL WHERE id IN (
    SELECT id FROM received_events
    WHERE received_at < :before AND body IS NOT NULL AND state NOT IN ('pending', 'running')
    ORDER BY received_at LIMIT :limit
)
""")


async def store(session: AsyncSession, *, arrivals: Sequence[Arrival]) -> set[bytes]:
    """Insert what is new, count what is a repeat, wake the workers. Returns the keys that are new.

    The arrivals must differ in their keys; repeats inside a batch are told by `Arrival.repeats`.
    """
    return {row[0] for row in await session.execute(_STORE, dict(zip(_COLUMNS, _columns(arrivals), strict=True)))}


async def store_at_once(sessions: Sessions, *, arrivals: Sequence[Arrival]) -> set[bytes]:
    """The same, committed. One statement past the session, which costs as much as the statement itself: this is done
    for everything that comes. Raises what the driver raises.
    """
    async with driver_of(sessions) as driver:
        return {row[0] for row in await driver.fetch(str(_STORE_COMPILED), *_columns(arrivals))}


def _columns(arrivals: Sequence[Arrival]) -> list[list[Any]]:
    return [[getattr(arrival, name) for arrival in arrivals] for name in _COLUMNS]


async def claim(session: AsyncSession, *, now: datetime, limit: int = rules.CLAIM_LIMIT) -> Batch:
    """Lease the subjects of the oldest due events, as far as they are free, and take what is due about them.

    What waits about one subject comes together, however far apart it arrived: many hints are one refetch. The events
    themselves are not touched, because each change of their state is a row in all their indexes. May be empty.
    """
    await session.execute(_RECOVER, {"now": now})
    batch = secrets.randbits(62)
    subjects = sorted(set(await queries.due_for_update(session, now=now, limit=limit)))
    if not subjects:
        return Batch(batch, ())
    wanted = {"subjects": subjects, "batch": batch, "until": now + rules.LEASE}
    ours = [row[0] for row in await session.execute(_CLAIM, wanted)]
    return Batch(batch, tuple(await queries.due_about(session, ours, now=now, limit=max(limit, rules.LARGEST_BATCH))))


async def renew(session: AsyncSession, *, batch: int, now: datetime) -> None:
    """Lengthen our leases. Those that a transaction of ours holds at this moment cannot expire anyway."""
    await session.execute(_RENEW, {"batch": batch, "until": now + rules.LEASE})


async def hold(session: AsyncSession, *, events: Sequence[Received], batch: int) -> None:
    """First act of a handling transaction: until it ends nobody else can get these subjects.

    An expired lease is skipped while its row is locked, so a slow handler never overlaps with a second one.
    """
    subjects = sorted({event.subject for event in events})
    if len(await queries.claims_for_update(session, subjects=subjects, batch=batch)) != len(subjects):
        raise LeaseLost("the subject was taken over by another worker", "The subject was taken over by another worker")


async def finish(
    session: AsyncSession, *, events: Sequence[Received], batch: int, outcome: Outcome, now: datetime
) -> None:
    """Mark as handled, in the transaction of the effects: both are committed, or neither (P2)."""
    done = (
        update(ReceivedEvent)
        .where(col(ReceivedEvent.id) == queries.any_of([event.id or 0 for event in events]), queries.is_ours(batch))
        .values(state=outcome.state, last_error=outcome.reason, finished_at=now, not_before=None)
    )
    if await _changed(session, done) != len(events):
        raise LeaseLost("an event is not ours any more", "The event is not ours any more")


async def led_to_nothing(session: AsyncSession, *, event_ids: Sequence[int], reason: str) -> None:
    """What events that were handled had asked for was looked for in vain: they are not told as a success."""
    handled = (col(ReceivedEvent.id) == queries.any_of(event_ids)) & (col(ReceivedEvent.state) == EventState.DONE)
    await _changed(session, update(ReceivedEvent).where(handled).values(state=EventState.IGNORED, last_error=reason))


async def fail(
    session: AsyncSession, *, event: Received, batch: int, error: BaseException, now: datetime
) -> EventState:
    """Record a failed try, in a transaction of its own, after the effects were rolled back. One in which the database
    could not store (a full disk, a lock that nobody gives back) is made again, however often.
    """
    counts = not has_refused(error)
    failures = event.attempts + counts
    failure = rules.after_failure(failures, now=now) if counts else rules.after_away(now=now)
    failed = (
        update(ReceivedEvent)
        .where(col(ReceivedEvent.id) == event.id, queries.is_ours(batch))
        .values(
            state=failure.state,
            attempts=failures,
            not_before=failure.not_before,
            last_error=rules.explain(error),
            finished_at=now if failure.state is EventState.PARKED else None,
        )
    )
    await _changed(session, failed)
    return failure.state


async def release(session: AsyncSession, *, batch: int) -> None:
    """Give the subjects back, and with them what was not handled."""
    await session.execute(text("DELETE FROM subject_claims WHERE batch = :batch"), {"batch": batch})


async def get(session: AsyncSession, *, event_id: EventId) -> ReceivedEvent:
    if event := await queries.event(session, event_id):
        return event
    raise EventNotFound(f"没有编号为 {event_id} 的回调", f"There is no callback with the id {event_id}")


@dataclass(frozen=True)
class ExaminedEvent:
    """A received event as a person looks into it."""

    event: ReceivedEvent
    fields: Sequence[Field]
    """Empty once the body is erased."""
    replays: Sequence[AuditEntry]
    """Each time a person had it handled again, the latest first."""


_MOST_REPLAYS = 100


async def examine(session: AsyncSession, *, event_id: EventId) -> ExaminedEvent:
    """Raises `EventNotFound`."""
    event = await get(session, event_id=event_id)
    about = About(ObjectKind.RECEIVED_EVENT, event_id)
    replays = await audit.latest_about(session, about, action=catalogue.CallbackReplayed.type, most=_MOST_REPLAYS)
    return ExaminedEvent(event, decrypted_fields(event.body), replays)


async def replay(session: AsyncSession, *, event_id: EventId, actor: Actor, now: datetime) -> ReceivedEvent:
    """Have a finished, parked or unknown event handled again. It keeps its id, and loses its failures."""
    event = await queries.event_for_update(session, event_id)
    if event is None:
        raise EventNotFound(f"没有编号为 {event_id} 的回调", f"There is no callback with the id {event_id}")
    rules.check_may_replay(event)
    before = {"state": event.state.value, "attempts": event.attempts}
    event.state, event.attempts, event.replayed_at = EventState.PENDING, 0, now
    event.not_before = event.finished_at = event.last_error = None
    await publish(session, catalogue.CallbackReplayed(callback_id=event_id), Why(actor), now=now, details=before)
    await session.execute(text("SELECT pg_notify('inbox', '')"))
    return event


async def purge_bodies(
    session: AsyncSession, *, now: datetime, keep: timedelta = rules.KEEP_BODIES, limit: int = 5000
) -> int:
    """Erase the bodies of finished events past their time; digests stay. Returns how many, at most `limit`."""
    result = await session.execute(_PURGE, {"before": now - keep, "limit": limit})
    return cast("CursorResult[Any]", result).rowcount


async def _changed(session: AsyncSession, statement: Any) -> int:
    result = await session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount
