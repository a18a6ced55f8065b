"""Nobody takes something on unasked: the last steps of a request are offers (policy 1.9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.context import RequestContext
from app.approvals.kinds import Chain, ChainStep, Offer, Submission
from app.approvals.steps.ask import ask
from app.approvals.steps.deadlines import set_deadlines
from app.audit.actor import Actor
from app.calendar import service as calendars
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression
from models.approvals import RequestStep, StepState, Verdict
from models.ids import PersonId
from models.org import Person


@dataclass(frozen=True)
class Candidate:
    offer: Offer
    person: Person | None
    """The first who can take it on and has not declined. None: nobody is left."""
    has_agreed: bool
    """They have applied for it themselves, have approved this request, or have accepted."""


async def candidate_of(session: AsyncSession, context: RequestContext, *, now: datetime) -> Candidate | None:
    """Who takes on what the request brings. None where it brings nothing.

    Whoever has accepted comes first, also before those who stand above them since; who has declined, or was asked and
    has not answered, is not asked again.
    """
    submission = Submission(context.requester, context.policy, now)
    offer = await context.kind.offer(session, context.subject, submission)
    if offer is None:
        return None
    decisions = await queries.decisions_about(session, context.request.id)
    said: dict[UUID, Verdict] = {decision.person_id: decision.verdict for decision in decisions}
    if context.kind.is_applied_for:
        said.setdefault(context.requester.id, Verdict.APPROVE)
    offers = [one for one in await queries.steps_of(session, context.request.id) if context.rule_of(one).is_offer]
    accepted = {
        one.person_id
        for one in decisions
        if one.verdict is Verdict.APPROVE and one.step_id in {step.id for step in offers}
    }
    passed = await queries.asked_on(session, [step.id for step in offers if step.state is StepState.SKIPPED])
    able = [
        one
        for one in offer.candidates
        if may_act(one) and said.get(one.id) is not Verdict.REJECT and one.id not in passed
    ]
    first = next(iter(sorted(able, key=lambda one: one.id not in accepted)), None)
    return Candidate(offer, first, first is not None and said.get(first.id) is Verdict.APPROVE)


def rule_of(offer: Offer, *, userid: str) -> ChainStep:
    """The step by which somebody is asked."""
    return ChainStep(name=offer.what, approver=Expression.parse(f"userid:{userid}"), is_offer=True)


async def open_offer(
    session: AsyncSession, context: RequestContext, candidate: Candidate | None, *, actor: Actor, now: datetime
) -> RequestStep | None:
    """Ask the candidate, in a step behind the others. None where nobody needs to be asked, or nobody is left."""
    if candidate is None or candidate.person is None or candidate.has_agreed:
        return None
    request, person, offer = context.request, candidate.person, candidate.offer
    rule = rule_of(offer, userid=(await org.userids_of(session, [person.id]))[PersonId(person.id)])
    chain = [*context.chain, rule]
    request.chain = Chain(steps=chain).column()
    request.current_step = len(chain)
    step = RequestStep(
        request_id=request.id,
        position=len(chain),
        name=offer.what,
        approver=str(rule.approver),
        needed=1,
        state=StepState.WAITING,
        rule_key=offer.rule_key,
        opened_at=now,
    )
    rules.move_step(step, StepState.OPEN)
    session.add(step)
    await session.flush()
    await set_deadlines(session, context, step, now=now)
    if not context.kind.is_applied_for and step.due_at is not None:
        step.note = messages.answer_by(step.due_at.astimezone(calendars.timezone_of(session)))
    await ask(session, context, step, [person], actor=actor, now=now)
    return step
