"""Who acts."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    PERSON = "person"
    API_KEY = "api_key"
    OPERATOR = "operator"  # somebody at the command line
    PLATFORM = "platform"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    kind: ActorKind
    id: str

    @classmethod
    def parse(cls, stored: str) -> Actor:
        """Back from `kind:id`, as rows keep it."""
        kind, _, actor_id = stored.partition(":")
        return cls(ActorKind(kind), actor_id)

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}"


KEY_OF_REQUEST: ContextVar[Actor | None] = ContextVar("key_of_request", default=None)
"""The API key whose request is being answered. What it does in a person's name is recorded with both."""

PERSON_OF_REQUEST: ContextVar[Actor | None] = ContextVar("person_of_request", default=None)
"""The person in whose name that request acts. What the key does for them is recorded with both."""

SYSTEM = Actor(ActorKind.SYSTEM, "steward")
PLATFORM = Actor(ActorKind.PLATFORM, "wecom")


def person_actor(person_id: UUID) -> Actor:
    return Actor(ActorKind.PERSON, str(person_id))
