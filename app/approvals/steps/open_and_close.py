"""A step opens: its approvers are asked and its deadlines set. It closes with its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import offers, queries, rules
from app.approvals.context import RequestContext, publish_about_request
from app.approvals.offers import Candidate
from app.approvals.steps.approvers import approvers_for
from app.approvals.steps.ask import ask
from app.approvals.steps.deadlines import DUE, REMIND, set_deadlines
from app.audit.actor import Actor
from app.events.service import catalogue
from app.jobs.timers import cancel_timer
from models.approvals import RequestStep, StepState


async def check_reachable(session: AsyncSession, context: RequestContext) -> None:
    """Raise NoApprover if any step has nobody to decide it: on submission the applicant still reads the answer."""
    for rule in context.chain:
        found = await approvers_for(session, context, rule)
        if not found.is_passed:
            rules.needed_of(rule.needed, len(found.people))


@dataclass(frozen=True)
class Opened:
    step: RequestStep
    asked: list[str]
    """The names of those who may decide it, or who are to answer."""
    is_offer: bool = False


async def open_next(
    session: AsyncSession, context: RequestContext, steps: Sequence[RequestStep], *, actor: Actor, now: datetime
) -> Opened | None:
    """Open the first of these steps that somebody is to decide, and ask them; where they are all passed, ask who would
    take something on. None if that is nobody.
    """
    for step in steps:
        rule = context.rule_of(step)
        found = await approvers_for(session, context, rule)
        context.request.current_step = step.position
        step.note = found.note
        if found.is_passed:
            await pass_step(session, context, step, actor=actor, now=now)
            continue
        rules.move_step(step, StepState.OPEN)
        step.needed = rules.needed_of(rule.needed, len(found.people))
        step.opened_at = now
        await ask(session, context, step, found.people, actor=actor, now=now)
        await set_deadlines(session, context, step, now=now)
        return Opened(step, [person.name for person in found.people])
    candidate = await offers.candidate_of(session, context, now=now)
    return await open_offer(session, context, candidate, actor=actor, now=now)


async def open_offer(
    session: AsyncSession, context: RequestContext, candidate: Candidate | None, *, actor: Actor, now: datetime
) -> Opened | None:
    step = await offers.open_offer(session, context, candidate, actor=actor, now=now)
    if step is None or candidate is None or candidate.person is None:
        return None
    return Opened(step, [candidate.person.name], is_offer=True)


async def pass_step(
    session: AsyncSession, context: RequestContext, step: RequestStep, *, actor: Actor, now: datetime
) -> None:
    """Go on without a decision, and record the note that says why."""
    await close_step(session, step, StepState.SKIPPED, now=now)
    await session.flush()
    await publish_about_request(
        session, context.request, catalogue.StepPassed, actor=actor, now=now, step=step, detail=step.note
    )


async def close_step(session: AsyncSession, step: RequestStep, state: StepState, *, now: datetime) -> None:
    """Give the step its result, and cancel its timers."""
    rules.move_step(step, state)
    step.decided_at = now
    await cancel_timer(session, REMIND, str(step.id))
    await cancel_timer(session, DUE, str(step.id))


async def cancel_unfinished(session: AsyncSession, context: RequestContext, *, now: datetime) -> None:
    """Close the steps that nobody needs to decide now."""
    for step in await queries.steps_of(session, context.request.id):
        if StepState.CANCELLED in rules.STEP_TRANSITIONS[step.state]:
            await close_step(session, step, StepState.CANCELLED, now=now)
