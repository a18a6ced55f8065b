"""The public face: say what has happened, hear of it, read it.

    await publish(session, catalogue.RequestApproved(…), why, now=now, details={…})

A domain hears of an event by naming a job for its type in its manifest: `subscribers={"person.departed": [HEAR.name]}`
with `HEAR = Job("groups.person_departed", EventPayload)`.
"""

from __future__ import annotations

from app.events import catalogue
from app.events.catalogue import events_by_type
from app.events.catalogue.people import DepartureReason
from app.events.event import Event
from app.events.feed_positions import PositionWriter, give_positions, prune
from app.events.payload import EventPayload
from app.events.publish import Happening, publish, publish_many
from app.events.read_feed import FeedQuery, read, read_or_wait

__all__ = [
    "DepartureReason",
    "Event",
    "EventPayload",
    "FeedQuery",
    "Happening",
    "PositionWriter",
    "catalogue",
    "events_by_type",
    "give_positions",
    "prune",
    "publish",
    "publish_many",
    "read",
    "read_or_wait",
]
