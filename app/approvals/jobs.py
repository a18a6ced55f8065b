"""Background entry points: clicks on approval cards, deadlines, departures."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import departures, queries
from app.approvals.decide import decide_by_card
from app.approvals.steps import deadlines, escalation
from app.cards.service import CardAction, ClickedCard
from app.database import transaction
from app.departures.service import Departure, DeparturePart, Stage
from app.jobs.job import JobContext, TimerHandler
from models.approvals import Verdict
from models.ids import StepId


async def approve(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    step_id = StepId(UUID(argument))
    await decide_by_card(session, clicked=clicked, step_id=step_id, verdict=Verdict.APPROVE, now=now)


async def reject(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    step_id = StepId(UUID(argument))
    await decide_by_card(session, clicked=clicked, step_id=step_id, verdict=Verdict.REJECT, now=now)


async def remind(session: AsyncSession, subject: str, now: datetime) -> None:
    await escalation.remind(session, step_id=StepId(UUID(subject)), now=now)


async def escalate(session: AsyncSession, subject: str, now: datetime) -> None:
    await escalation.escalate(session, step_id=StepId(UUID(subject)), now=now)


async def take_out_of_requests(ctx: JobContext, departure: Departure) -> None:
    """Take somebody who left or was disabled out of every open request, one transaction each."""
    async with transaction(ctx.sessions) as session:
        request_ids = await queries.open_requests_involving(session, departure.person_id)
    for request_id in request_ids:
        async with transaction(ctx.sessions) as session:
            await departures.depart(session, request_id=request_id, departure=departure, now=ctx.now())


CARD_ACTIONS: dict[str, CardAction] = {"approval.approve": approve, "approval.reject": reject}
"""A button's key is `approval.approve:<step>` or `approval.reject:<step>`."""

TIMERS: dict[str, TimerHandler] = {deadlines.REMIND: remind, deadlines.DUE: escalate}

DEPARTURE_PARTS = {"approvals": DeparturePart(Stage.WORK, take_out_of_requests)}
