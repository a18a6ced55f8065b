"""F146: who will decide, why they, and by when, before somebody applies and while it is under way.

The engine itself is asked: the same draft, the same search for approvers, the same deadlines. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, offers, rules
from app.approvals.applying.draft import Application, draft
from app.approvals.context import RequestContext
from app.approvals.kinds import ChainStep, ShownFields
from app.approvals.steps.approvers import approvers_for
from app.approvals.steps.deadlines import due_of
from app.errors import DomainError
from app.org import queries as places
from app.org import service as org
from app.org.service import NamedPerson
from app.policy.sections.people import Expression, ExpressionKind
from app.policy.service import Citation
from models.approvals import RequestState, RequestStep, StepState


@dataclass(frozen=True)
class StepAhead:
    """A step that has not opened yet, as it would open today."""

    position: int
    name: str
    people: Sequence[NamedPerson]
    """Who will decide it. Empty where it is passed, or nobody may."""
    needed: int
    """How many of them have to agree."""
    reason: str
    """Why they, and not whom the policy names first; or why nobody decides it."""
    clause: Citation
    due_at: datetime | None
    """Until when at the latest, if every step before takes all its time. None where nobody decides."""
    is_passed: bool = False
    is_offer: bool = False
    """They are asked whether they take something on, unless they have agreed as an approver before."""
    reason_to_applicant: str = ""
    """The reason as the applicant reads it, who is not spoken of by name. Empty where that is the same."""


@dataclass(frozen=True)
class Preview:
    """What an application would become."""

    title: str
    fields: Sequence[tuple[str, str]]
    clause: Citation
    steps: Sequence[StepAhead]
    told: Sequence[NamedPerson]
    """Whom it is about, where somebody else applies."""
    objection_ends: bool
    """An objection of theirs ends the request; otherwise the approvers read it."""

    @property
    def takes_effect_at_once(self) -> bool:
        return all(step.is_passed for step in self.steps)

    @property
    def due_at(self) -> datetime | None:
        """When there is a result at the latest, if nobody is late."""
        return max((step.due_at for step in self.steps if step.due_at), default=None)


async def preview(session: AsyncSession, application: Application, *, now: datetime) -> Preview:
    """What `submit` would do with this application. It raises what `submit` would raise."""
    context = await draft(session, application, now=now)
    request = context.request
    others = [one for one in context.kind.concerns(context.subject) if one != context.requester.id]
    named = await org.named_people(session, others)
    return Preview(
        title=request.title,
        fields=ShownFields.model_validate(request.shown).fields,
        clause=context.policy.cite(request.rule_key),
        steps=await _all_ahead(session, context, now=now),
        told=[named[one] for one in others],
        objection_ends=context.kind.objection_ends,
    )


async def _all_ahead(session: AsyncSession, context: RequestContext, *, now: datetime) -> list[StepAhead]:
    found: list[StepAhead] = []
    start = now
    for position, rule in enumerate(context.chain, start=1):
        step = await _step_ahead(session, context, rule, position=position, start=start)
        found.append(step)
        start = step.due_at or start
    agreeing = {person.id for step in found if step.needed == len(step.people) for person in step.people}
    return found + await _offer_ahead(session, context, agreeing, position=len(found) + 1, start=start, now=now)


async def steps_ahead(
    session: AsyncSession, context: RequestContext, steps: Sequence[RequestStep], *, now: datetime
) -> list[StepAhead]:
    """What follows the open step of a request, as the organisation is now. A step that nobody may decide today says so
    in its reason.
    """
    if context.request.state is not RequestState.PENDING or not context.kind.is_applied_for:
        return []
    open_step = next((step for step in steps if step.state is StepState.OPEN), None)
    start = max(now, open_step.due_at) if open_step and open_step.due_at else now
    found: list[StepAhead] = []
    for step in steps:
        if step.state is StepState.WAITING:
            ahead = await _if_anybody(session, context, step, start=start)
            found.append(ahead)
            start = ahead.due_at or start
    if any(context.rule_of(step).is_offer for step in steps):
        return found
    agreeing = {person.id for step in found if step.needed == len(step.people) for person in step.people}
    position = len(context.chain) + 1
    try:
        return found + await _offer_ahead(session, context, agreeing, position=position, start=start, now=now)
    except DomainError:
        # What has become impossible meanwhile is told when the request gets there.
        return found


async def _if_anybody(
    session: AsyncSession, context: RequestContext, step: RequestStep, *, start: datetime
) -> StepAhead:
    try:
        return await _step_ahead(session, context, context.rule_of(step), position=step.position, start=start)
    except DomainError as nobody:
        clause = context.policy.cite(step.rule_key)
        return StepAhead(step.position, step.name, [], 1, str(nobody), clause, due_at=None)


async def _step_ahead(
    session: AsyncSession, context: RequestContext, rule: ChainStep, *, position: int, start: datetime
) -> StepAhead:
    found = await approvers_for(session, context, rule)
    clause = context.policy.cite(context.request.rule_key)
    if found.is_passed:
        return StepAhead(position, rule.name, [], 0, found.note or "", clause, due_at=None, is_passed=True)
    needed = rules.needed_of(rule.needed, len(found.people))
    named = await org.named_people(session, [person.id for person in found.people])
    due_at, _ = await due_of(session, context, rule, start=start)
    return StepAhead(
        position,
        rule.name,
        [named[person.id] for person in found.people],
        needed,
        found.note or await _why(session, context, rule.approver),
        clause,
        due_at,
        reason_to_applicant="" if found.note else await _why_to_applicant(session, context, rule.approver),
    )


async def _why(session: AsyncSession, context: RequestContext, approver: Expression) -> str:
    """Where whom the policy names decides: in what they are meant."""
    headed = await context.kind.headed_by(session, context.subject, context.requester)
    department = await places.department(session, headed.department_id) if headed.department_id else None
    role = context.policy.document.roles.get(approver.name) if approver.kind is ExpressionKind.ROLE else None
    return messages.meant_as(
        approver,
        person=headed.person.name,
        department=department.name if department else "",
        role=role.title if role else "",
    )


async def _why_to_applicant(session: AsyncSession, context: RequestContext, approver: Expression) -> str:
    """`_why` to who applies, where it would name them. The head of a department is told so: nobody decides for
    themselves, and “您的部门负责人” would be they.
    """
    headed = await context.kind.headed_by(session, context.subject, context.requester)
    meant = headed.department_id or headed.person.main_department_id
    if approver.kind is ExpressionKind.DEPARTMENT_HEAD:
        own = next((one for one in await org.headships_of(session, context.requester) if one.id == meant), None)
        if own is not None:
            return messages.headed_by_applicant(own.name)
    if headed.person.id != context.requester.id or headed.department_id:
        return ""
    return messages.of_applicant(approver)


async def _offer_ahead(
    session: AsyncSession,
    context: RequestContext,
    agreeing: Collection[UUID],
    *,
    position: int,
    start: datetime,
    now: datetime,
) -> list[StepAhead]:
    """Who is asked to take on what the request brings. Nobody, where they agree by a step before (`agreeing`)."""
    candidate = await offers.candidate_of(session, context, now=now)
    if candidate is None or candidate.person is None or candidate.has_agreed or candidate.person.id in agreeing:
        return []
    person = (await org.named_people(session, [candidate.person.id]))[candidate.person.id]
    rule = offers.rule_of(candidate.offer, userid=person.userid)
    due_at, _ = await due_of(session, context, rule, start=start)
    return [
        StepAhead(
            position,
            rule.name,
            [person],
            1,
            messages.OFFERED,
            context.policy.cite(candidate.offer.rule_key),
            due_at,
            is_offer=True,
        )
    ]
