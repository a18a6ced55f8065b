"""How each clause is carried out: P8. What nothing does is said, not promised."""

from __future__ import annotations

from pydantic import model_validator

from app.policy.sections.values import Section, Text


class CarriedOut(Section):
    """One clause. Each part of it stands where it belongs; a clause may have several parts."""

    enforced: Text | None = None
    """What the service does by itself, and refuses to do otherwise."""
    substituted: Text | None = None
    """What the service does instead, where the platform offers no way to do what the clause says."""
    by_hand: Text | None = None
    """What a person does, and who."""
    not_yet: Text | None = None
    """What nothing in the service does so far."""

    @model_validator(mode="after")
    def _says_something(self) -> CarriedOut:
        if not any((self.enforced, self.substituted, self.by_hand, self.not_yet)):
            raise ValueError("请写 enforced、substituted、by_hand、not_yet 中的至少一项")
        return self

    @property
    def by_the_service(self) -> bool:
        """Whether the service acts on the clause."""
        return bool(self.enforced or self.substituted)
