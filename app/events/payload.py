"""What the job of a subscriber is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from app.audit.actor import Actor, ActorKind
from app.audit.why import Why
from app.events.event import Event
from app.jobs.job import Payload

E = TypeVar("E", bound=Event)
EventClass: TypeAlias = type[E]


class EventPayload(Payload):
    """One event, as each job of its subscribers carries it: `HEAR = Job("groups.person_departed", EventPayload)`."""

    event_id: int
    """The row in the feed: the same for all subscribers, and when the job runs again."""
    type: str
    about_id: str
    occurred_at: datetime
    actor_kind: ActorKind
    actor_id: str
    rule_key: str | None = None
    policy_version_id: UUID | None = None
    correlation_id: str
    data: dict[str, Any]

    @property
    def why(self) -> Why:
        """Who acted, under which rule: for what follows from it."""
        return Why(Actor(self.actor_kind, self.actor_id), self.rule_key, self.policy_version_id)

    def read_as(self, event: EventClass[E]) -> E:
        """The event itself. Raises `ValueError` when it is of another type."""
        if event.type != self.type:
            raise ValueError(f"{self.type} is no {event.type}")
        return event.model_validate(self.data)
