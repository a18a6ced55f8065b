"""What happens to open requests when an approver or the applicant leaves or is disabled (8.2).

The people whom the policy names now take an approver's place. An applicant's request is withdrawn, and handed in again
when a person says soon after that the applicant is back (P6); what nobody has applied for goes on. A second run finds
nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.applying.personal import FORGET, KEPT_FOR, forget_unless_kept
from app.approvals.context import RequestContext, load_context, publish_about_request
from app.approvals.decide import go_on, pass_over, settle, take_back
from app.approvals.errors import NoApprover
from app.approvals.service import Application, submit
from app.approvals.steps.approvers import Approvers, approvers_for
from app.approvals.steps.ask import ask, tell_requester
from app.approvals.steps.deadlines import set_deadlines
from app.approvals.steps.open_and_close import pass_step
from app.audit.actor import SYSTEM
from app.departures.service import SAID, Departure, DepartureReason
from app.errors import DomainError
from app.events.service import catalogue
from app.jobs.timers import set_timer
from app.observability import get_logger
from app.org import queries as org
from app.org.rules import may_act
from models.approvals import RequestState, RequestStep, StepState, Verdict
from models.ids import PersonId, RequestId
from models.org import Person

log = get_logger()

RULE = "approval.hand_over"

APPLICANT_LEFT = f"申请人{SAID[DepartureReason.LEFT]}"
HANDED_IN_AGAIN_WITHIN = KEPT_FOR
"""Whoever comes back later applies anew."""


async def depart(session: AsyncSession, *, request_id: RequestId, departure: Departure, now: datetime) -> None:
    request = await queries.get_for_update(session, request_id)
    if request.state is not RequestState.PENDING:
        return
    context = await load_context(session, request)
    person_id, said = departure.person_id, departure.said
    if request.requester_id == person_id and context.kind.is_applied_for:
        request.outcome_detail = f"申请人{said}"
        await take_back(session, context, actor=SYSTEM, detail=request.outcome_detail, now=now)
        await set_timer(session, FORGET, str(request.id), now + HANDED_IN_AGAIN_WITHIN)
        return
    for step in await queries.steps_of(session, request.id):
        if step.state is StepState.OPEN and await _give_up_place(session, step, person_id, now=now):
            person = (await org.people_by_id(session, [person_id]))[person_id]
            await refill(session, context, step, because=f"{person.name}{said}", now=now)


async def hand_in_again(session: AsyncSession, *, request_id: RequestId, now: datetime) -> None:
    """The applicant was taken for a leaver: apply for the same once more in their name. Approvers are asked anew, since
    nobody's card may come to life again.
    """
    former = await queries.get_for_update(session, request_id)
    if former.state is not RequestState.WITHDRAWN or former.outcome_detail != APPLICANT_LEFT:
        return
    requester = (await org.people_by_id(session, [former.requester_id]))[former.requester_id]
    if not may_act(requester):
        return
    application = Application(former.kind, requester, dict(former.payload), submitted_by=SYSTEM, reason=former.reason)
    try:
        async with session.begin_nested():
            renewed = await submit(session, application, now=now)
    except DomainError as refusal:
        said, text = f"{APPLICANT_LEFT}；回来后未能重新提交", messages.not_handed_in_again(former, str(refusal))
    else:
        said, text = f"{APPLICANT_LEFT}；已重新提交为 #{renewed.number}", messages.handed_in_again(former, renewed)
    former.outcome_detail, former.updated_at = said, now
    forget_unless_kept(session, former, now=now)
    await tell_requester(session, former, text, actor=SYSTEM, now=now)


async def _give_up_place(session: AsyncSession, step: RequestStep, person_id: PersonId, *, now: datetime) -> bool:
    """End the person's place in the step. False if they have none, or keep it because they have decided."""
    place = next((row for row in await queries.approvers_of(session, step.id) if row.person_id == person_id), None)
    if place is None or await queries.decision_of(session, step.id, person_id):
        return False
    place.ended_at = now
    await session.flush()
    return True


async def refill(
    session: AsyncSession, context: RequestContext, step: RequestStep, *, because: str, now: datetime
) -> None:
    """Make sure that an open step can still get its result: if necessary, ask the people whom the policy names now."""
    asked = [row.person_id for row in await queries.approvers_of(session, step.id)]
    decisions = await queries.decisions_on(session, step.id)
    agreed = sum(decision.verdict is Verdict.APPROVE for decision in decisions)
    can_decide = agreed + len(set(asked) - {decision.person_id for decision in decisions})
    rule = context.rule_of(step)
    if rule.needed != "all" and can_decide >= step.needed:
        return
    if rule.is_offer:
        await pass_over(session, context, step, because=because, now=now)
        return
    found = await _named_now(session, context, step)
    if found.is_passed:
        step.note = found.note
        await pass_step(session, context, step, actor=SYSTEM, now=now)
        await go_on(session, context, step, clicked=None, actor=SYSTEM, now=now)
        return
    new = [person for person in found.people if person.id not in asked]
    if rule.needed == "all" and asked + new:
        step.needed = rules.needed_of(rule.needed, len(asked) + len(new))
    if new:
        await _ask_instead(session, context, step, new, found.note, because=because, now=now)
    elif not await settle(session, context, step, clicked=None, actor=SYSTEM, now=now) and can_decide < step.needed:
        await _tell_nobody_follows(session, context, step, because=because, now=now)


async def _named_now(session: AsyncSession, context: RequestContext, step: RequestStep) -> Approvers:
    rule = context.rule_of(step)
    try:
        return await approvers_for(session, context, rule)
    except NoApprover:
        return Approvers([])


async def _ask_instead(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    people: Sequence[Person],
    note: str | None,
    *,
    because: str,
    now: datetime,
) -> None:
    names = [person.name for person in people]
    step.note = f"{because}，改由{'、'.join(names)}审批" if note is None else f"{because}；{note}"
    await ask(session, context, step, people, actor=SYSTEM, now=now)
    await set_deadlines(session, context, step, now=now)
    text = messages.reassigned(context.told, step, because, names)
    await _note(session, context, step, catalogue.RequestReassigned, text, because=because, now=now)


async def _tell_nobody_follows(
    session: AsyncSession, context: RequestContext, step: RequestStep, *, because: str, now: datetime
) -> None:
    step.note = f"{because}，没有可以接替的审批人"
    text = messages.unstaffed(context.told, step, because)
    await _note(session, context, step, catalogue.RequestUnstaffed, text, because=because, now=now)


async def _note(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    event: type[catalogue.StepEvent],
    text: str,
    *,
    because: str,
    now: datetime,
) -> None:
    context.request.updated_at = now
    await publish_about_request(
        session, context.request, event, actor=SYSTEM, now=now, step=step, rule_key=RULE, detail=because
    )
    await tell_requester(session, context.request, text, actor=SYSTEM, now=now)
    log.info(event.type, request_id=str(context.request.id), step=step.position)
