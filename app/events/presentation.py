"""Rows of the feed → what a reader gets."""

from __future__ import annotations

from app.events.queries import Stretch
from app.events.schemas import AboutOut, EventOut, FeedOut
from models.events import PublishedEvent


def feed_out(stretch: Stretch) -> FeedOut:
    return FeedOut(
        items=[event_out(event, version) for event, version in stretch.events],
        last_position=stretch.seen,
        oldest_position=stretch.pruned + 1,
        newest_position=stretch.newest,
    )


def event_out(event: PublishedEvent, policy_version: int | None) -> EventOut:
    """One event, as it was when it happened."""
    if event.id is None or event.position is None:
        raise ValueError("an event without a place is not in the feed yet")
    return EventOut(
        position=event.position,
        id=event.id,
        type=event.type,
        time=event.occurred_at,
        about=AboutOut(kind=event.about_kind, id=event.about_id),
        actor=f"{event.actor_kind}:{event.actor_id}",
        rule_key=event.rule_key,
        policy_version=policy_version,
        correlation_id=event.correlation_id,
        data=event.data,
    )
