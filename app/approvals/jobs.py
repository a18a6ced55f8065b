"""Background entry points: clicks on approval cards, deadlines, departures. All need to know the kinds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import deadlines, departures, queries, steps
from app.approvals.decide import decide_by_card
from app.approvals.kinds import Kinds
from app.cards.service import CardAction, ClickedCard
from app.database import transaction
from app.jobs.registry import JobContext, TimerHandler
from app.manifest import registry_of
from models.approvals import Verdict
from models.ids import PersonId, StepId


def card_actions(kinds: Kinds | None = None) -> dict[str, CardAction]:
    """`approval.approve:<step>` and `approval.reject:<step>`."""

    def on(verdict: Verdict) -> CardAction:
        async def action(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
            step_id = StepId(UUID(argument))
            await decide_by_card(
                session, kinds or registry_of(session).kinds, clicked=clicked, step_id=step_id, verdict=verdict, now=now
            )

        return action

    return {f"approval.{verdict.value}": on(verdict) for verdict in Verdict}


async def person_departed(ctx: JobContext, kinds: Kinds, *, person_id: PersonId, why: str) -> None:
    """Somebody left or was disabled: out of every open request, one transaction each."""
    async with transaction(ctx.sessions) as session:
        request_ids = await queries.open_requests_involving(session, person_id)
    for request_id in request_ids:
        async with transaction(ctx.sessions) as session:
            await departures.depart(session, kinds, request_id=request_id, person_id=person_id, why=why, now=ctx.now())


def timers(kinds: Kinds | None = None) -> dict[str, TimerHandler]:
    async def remind(session: AsyncSession, subject: str, now: datetime) -> None:
        await deadlines.remind(session, kinds or registry_of(session).kinds, step_id=StepId(UUID(subject)), now=now)

    async def due(session: AsyncSession, subject: str, now: datetime) -> None:
        await deadlines.escalate(session, kinds or registry_of(session).kinds, step_id=StepId(UUID(subject)), now=now)

    return {steps.REMIND: remind, steps.DUE: due}
