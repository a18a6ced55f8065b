"""Why a group changes, and the one way to say that something happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.events.service import catalogue, publish
from models.groups import Group


@dataclass(frozen=True)
class Cause:
    """Why a group changes: every row and call of the change carries it."""

    reason: str
    """`creation`, `join`, `exit`, `departure`, `added`, `removed`, …; the stay keeps it."""
    rule_key: str
    policy_version_id: UUID
    actor: Actor
    request_id: UUID | None = None
    words: str = ""
    """What a person gave as the reason, for the audit trail."""

    @property
    def why(self) -> Why:
        return Why(self.actor, self.rule_key, self.policy_version_id)


async def publish_about_group(
    session: AsyncSession,
    group: Group,
    event: type[catalogue.GroupEvent],
    *,
    cause: Cause,
    now: datetime,
    **facts: object,
) -> None:
    """Say that this has happened to a group, for its cause. The feed gets the facts that the event has fields for, the
    audit row gets all of them.
    """
    happened = event.model_validate({"group_id": group.id, "request_id": cause.request_id, **facts})
    said = {"reason": cause.reason, "words": cause.words, "request_id": cause.request_id, **facts}
    kept = {
        key: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for key, value in said.items()
        if value
    }
    await publish(session, happened, cause.why, now=now, details=kept)
