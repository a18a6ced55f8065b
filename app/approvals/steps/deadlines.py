"""By when a step should be decided, and when its approvers are reminded (F52)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.context import RequestContext
from app.approvals.kinds import ChainStep
from app.calendar import service as calendar
from app.calendar.service import Basis
from app.jobs.timers import set_timer
from models.approvals import RequestStep

REMIND = "approval.remind"
DUE = "approval.due"


async def due_of(
    session: AsyncSession, context: RequestContext, rule: ChainStep, *, start: datetime
) -> tuple[datetime, Basis | None]:
    """Until when a step that opens at `start` is to be decided, and the basis for its timer."""
    duration = rule.due_after or context.policy.document.approvals.due_after
    return await calendar.deadline(session, start=start, duration=duration, policy=context.policy)


async def set_due(session: AsyncSession, context: RequestContext, step: RequestStep, *, now: datetime) -> None:
    due_at, basis = await due_of(session, context, context.rule_of(step), start=now)
    step.due_at = due_at
    await set_timer(session, DUE, str(step.id), due_at, basis=basis)


async def set_deadlines(session: AsyncSession, context: RequestContext, step: RequestStep, *, now: datetime) -> None:
    await set_due(session, context, step, now=now)
    duration = context.rule_of(step).remind_after or context.policy.document.approvals.remind_after
    remind_at, basis = await calendar.deadline(session, start=now, duration=duration, policy=context.policy)
    if step.due_at and remind_at < step.due_at:
        await set_timer(session, REMIND, str(step.id), remind_at, basis=basis)
