"""What the administrators of a group hear: several things that are found about their groups in one message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import About, Why
from app.delivery.service import MessageHeader
from app.findings import messages, queries
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.observability import get_logger
from app.policy import service as policies
from models.audit import ObjectKind
from models.delivery import MessageClass
from models.groups import FindingState
from models.ids import PersonId, PolicyVersionId

log = get_logger()

FOUND: Final = "group.finding"
"""Purpose of what administrators are told about a finding."""


class Told(BaseModel):
    """What is said, and what it rests on: kept with the rung until it is said."""

    text: str
    rule_key: str
    policy_version_id: UUID
    actor: str
    finding_id: UUID | None = None
    """Nobody hears of a finding that was resolved before it could be said."""


async def reach(
    session: AsyncSession,
    group: About,
    people: Sequence[PersonId],
    text: str,
    *,
    why: Why,
    finding_id: UUID | None,
    now: datetime,
) -> None:
    """In working time, together with whatever else these people are to hear then."""
    if not people or why.rule_key is None or why.policy_version_id is None:
        log.warning("finding.nobody_told", group_id=group.key)
        return
    told = Told(
        text=text,
        rule_key=why.rule_key,
        policy_version_id=why.policy_version_id,
        actor=str(why.actor),
        finding_id=finding_id,
    )
    await ladders.reach(
        session, FOUND, group, people, now=now, detail=told.model_dump_json(), message_class=MessageClass.WORK
    )


async def words(session: AsyncSession, rung: DueRung) -> list[Words]:
    told = Told.model_validate_json(rung.detail)
    if told.finding_id is not None:
        finding = await queries.known(session, told.finding_id)
        if finding.state is FindingState.RESOLVED:
            return []
    policy = await policies.get(session, PolicyVersionId(told.policy_version_id))
    why = Why(Actor.parse(told.actor), told.rule_key, told.policy_version_id)
    header = MessageHeader(FOUND, About(ObjectKind.GROUP, rung.about), why)
    line = messages.in_short(told.text, citation=policy.cite(told.rule_key))
    return [Words(header, rung.people, text=told.text, line=line, is_listed=True)]
