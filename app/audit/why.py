"""Why something was done, and what it was done to: two values that travel together through every decision (P5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from app.audit.actor import Actor
from models.audit import ObjectKind


@dataclass(frozen=True, slots=True)
class Why:
    """Who acts, and the rule of which policy version they rest on.

    The rule is empty where the policy says nothing about it: an operator changes a key, a person lifts a limit.
    """

    actor: Actor
    rule_key: str | None = None
    policy_version_id: UUID | None = None

    def by(self, actor: Actor) -> Why:
        """The same rule, with another actor."""
        return replace(self, actor=actor)

    def under(self, rule_key: str) -> Why:
        """The same actor and policy version, under another rule."""
        return replace(self, rule_key=rule_key)


@dataclass(frozen=True, slots=True)
class About:
    """What a message, a call, an audit row or an event is about."""

    kind: ObjectKind
    id: object

    @property
    def key(self) -> str:
        """The id as it is stored."""
        return str(self.id)
