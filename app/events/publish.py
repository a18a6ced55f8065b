"""One call for each decision: the audit row, the row of the feed, and a job for each subscriber (D23)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import Act, record, record_many
from app.audit.why import Why
from app.events.event import Event
from app.events.payload import EventPayload
from app.jobs.job import Job
from app.manifest import registry_of
from app.observability import current_correlation_id

_INSERT: Final = text("""
INSERT INTO events (type, occurred_at, about_kind, about_id, actor_kind, actor_id, rule_key, policy_version_id,
    correlation_id, data)
SELECT :type, :occurred_at, :about_kind, about_id, actor_kind, actor_id, :rule_key, policy_version_id,
    correlation_id, data::jsonb
FROM unnest(CAST(:about_ids AS text[]), CAST(:actor_kinds AS text[]), CAST(:actor_ids AS text[]),
    CAST(:policy_version_ids AS uuid[]), CAST(:correlation_ids AS text[]), CAST(:data AS text[]))
    WITH ORDINALITY
    AS given (about_id, actor_kind, actor_id, policy_version_id, correlation_id, data, place)
ORDER BY place
RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Happening:
    """One of many events of the same type, for `publish_many`."""

    event: Event
    why: Why
    correlation_id: str = field(default_factory=current_correlation_id)
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the audit row says besides; erasable, so it may hold what the feed must not."""


async def publish(
    session: AsyncSession, event: Event, why: Why, *, now: datetime, details: Mapping[str, Any] | None = None
) -> None:
    """Say that this has happened, in the transaction in which it happens.

    `details` are those of the audit row: erasable, so they may hold what the feed must not.
    """
    await record(session, event.type, event.about, why, now=now, details=dict(details) if details else None)
    await _add_to_feed(session, [Happening(event, why)], now=now)


async def publish_many(session: AsyncSession, happenings: Sequence[Happening], *, now: datetime) -> None:
    """What `publish` does for each of them, in their order, in two statements and one for each subscriber.

    All are of one type and rest on one rule; anything else is a `ValueError`.
    """
    if not happenings:
        return
    first = happenings[0]
    if len({(type(one.event), one.why.rule_key) for one in happenings}) > 1:
        raise ValueError("publish_many takes events of one type under one rule")
    acts = [Act(one.event.about_id, one.why, one.correlation_id, one.details) for one in happenings]
    await record_many(session, first.event.type, first.event.about_kind, acts, now=now)
    await _add_to_feed(session, happenings, now=now)


async def _add_to_feed(session: AsyncSession, happenings: Sequence[Happening], *, now: datetime) -> None:
    """The rows of the feed, and a job for each subscriber of their type."""
    event, rule_key = happenings[0].event, happenings[0].why.rule_key
    subscribers = registry_of(session).subscribers.get(event.type, ())
    facts = {
        "type": event.type,
        "occurred_at": now,
        "about_kind": event.about_kind.value,
        "rule_key": rule_key,
        "about_ids": [one.event.about_id for one in happenings],
        "actor_kinds": [one.why.actor.kind.value for one in happenings],
        "actor_ids": [one.why.actor.id for one in happenings],
        "policy_version_ids": [one.why.policy_version_id for one in happenings],
        "correlation_ids": [one.correlation_id for one in happenings],
        "data": [one.event.model_dump_json() for one in happenings],
    }
    # Drawn in the order of the happenings, whatever order they are told in.
    ids = sorted((await session.execute(_INSERT, facts)).scalars())
    if not subscribers:
        return
    payloads = [_payload(event_id, one, now) for event_id, one in zip(ids, happenings, strict=True)]
    for job in subscribers:
        await Job(job, EventPayload).enqueue_many(
            session, payloads, correlation_ids=[one.correlation_id for one in happenings]
        )


def _payload(event_id: int, happening: Happening, now: datetime) -> EventPayload:
    event, why = happening.event, happening.why
    return EventPayload(
        event_id=event_id,
        type=event.type,
        about_id=event.about_id,
        occurred_at=now,
        actor_kind=why.actor.kind,
        actor_id=why.actor.id,
        rule_key=why.rule_key,
        policy_version_id=why.policy_version_id,
        correlation_id=happening.correlation_id,
        data=event.model_dump(mode="json"),
    )
