"""What happens to a step that nobody decides: one reminder, then their superiors are asked as well (F52)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.context import RequestContext, about, load_context, publish_about_request
from app.approvals.decide import pass_over
from app.approvals.departures import refill
from app.approvals.rules import RequestPurpose
from app.approvals.steps.ask import ask, header_for, tell_requester
from app.approvals.steps.deadlines import DUE, REMIND, set_due
from app.audit.actor import SYSTEM
from app.events.service import catalogue
from app.jobs.timers import set_timer
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.observability import get_logger
from app.org import queries as org
from app.roles import service as roles
from models.approvals import RequestStep
from models.delivery import MessageClass
from models.ids import RequestId, StepId
from models.org import Person

log = get_logger()

RULE = "approval.deadline"
LOCKED_FOR = timedelta(seconds=10)
"""When to look again at a request that somebody is deciding at this very moment."""


async def remind(session: AsyncSession, *, step_id: StepId, now: datetime) -> None:
    """Remind the approvers who have not decided, once."""
    found = await _open_step(session, timer=REMIND, step_id=step_id, now=now)
    if found is None:
        return
    context, step = found
    await _remind(session, context, step, await _undecided(session, step), now=now)


async def escalate(session: AsyncSession, *, step_id: StepId, now: datetime) -> None:
    """Ask the superiors of the approvers who have not decided. They may decide in their place.

    When the superiors are late as well, this asks their own superiors, up to the top.
    """
    found = await _open_step(session, timer=DUE, step_id=step_id, now=now)
    if found is None:
        return
    context, step = found
    waiting = await _undecided(session, step)
    if not waiting:
        # Everybody who was asked has left, and nobody could take their place at that time.
        await refill(session, context, step, because="原审批人已离职", now=now)
        return
    if context.rule_of(step).is_offer and not context.kind.is_applied_for:
        await pass_over(session, context, step, because=messages.no_answer([one.name for one in waiting]), now=now)
        return
    if context.rule_of(step).is_offer:
        await _remind(session, context, step, waiting, now=now)
        text = messages.offer_overdue(context.told, step, [person.name for person in waiting])
        await tell_requester(session, context.request, text, actor=SYSTEM, now=now)
        return
    asked = {row.person_id for row in await queries.approvers_of(session, step.id)}
    superiors = await _superiors_of(session, waiting, besides={*asked, *context.barred})
    if not superiors:
        # Nobody is above them: they are reminded, and the step stays visible as overdue.
        await _remind(session, context, step, waiting, now=now)
        return
    # What a deadline causes goes when it falls due, also at the end of work (policy 3.4).
    await ask(session, context, step, superiors, actor=SYSTEM, now=now, message_class=MessageClass.NOTICE)
    await set_due(session, context, step, now=now)
    await _announce(session, context, step, superiors, now=now)


async def _superiors_of(session: AsyncSession, people: Iterable[Person], *, besides: Collection[UUID]) -> list[Person]:
    """The nearest heads above each of these people who are not among `besides` (who was asked, the applicant)."""
    found: dict[UUID, Person] = {}
    for person in people:
        heads = await roles.nearest_heads_above(session, person, barred=besides)
        found |= {head.id: head for head in heads}
    return list(found.values())


async def _announce(
    session: AsyncSession, context: RequestContext, step: RequestStep, superiors: list[Person], *, now: datetime
) -> None:
    names = [person.name for person in superiors]
    step.note = f"超过时限未审批，已请上级审批：{'、'.join(names)}"
    context.request.updated_at = now
    await publish_about_request(
        session, context.request, catalogue.RequestEscalated, actor=SYSTEM, now=now, step=step, rule_key=RULE
    )
    concerned = [context.request.requester_id]
    detail = str(step.id)
    await ladders.reach(session, RequestPurpose.ESCALATED, about(context.request), concerned, detail=detail, now=now)
    log.info("request.escalated", request_id=str(context.request.id), step=step.position)


async def _remind(
    session: AsyncSession, context: RequestContext, step: RequestStep, people: Collection[Person], *, now: datetime
) -> None:
    ids, detail = [person.id for person in people], str(step.id)
    await ladders.reach(session, RequestPurpose.REMINDER, about(context.request), ids, detail=detail, now=now)
    await publish_about_request(
        session, context.request, catalogue.RequestReminded, actor=SYSTEM, now=now, step=step, rule_key=RULE
    )


async def reminder_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    """For those who have not decided, while the step is open."""
    found = await _still_open(session, rung)
    if found is None:
        return []
    context, step = found
    is_offer = context.rule_of(step).is_offer
    waiting = {person.id for person in await _undecided(session, step)}
    header = header_for(context.request, RequestPurpose.REMINDER, SYSTEM, message_class=MessageClass.NOTICE)
    return [
        Words(
            replace(header, why=header.why.under(RULE)),
            [one for one in rung.people if one in waiting],
            text=messages.offer_reminder(context.told, step) if is_offer else messages.reminder(context.told, step),
            line=messages.offer_in_short(context.told, step)
            if is_offer
            else messages.reminder_in_short(context.told, step),
        )
    ]


async def escalated_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    """For the applicant: the superiors who have been asked, while the step is open."""
    found = await _still_open(session, rung)
    if found is None:
        return []
    context, step = found
    header = header_for(context.request, RequestPurpose.ESCALATED, SYSTEM, message_class=MessageClass.NOTICE)
    text, line = messages.escalated(context.told, step), messages.escalated_in_short(context.told, step)
    return [Words(header, rung.people, text=text, line=line, rank=1)]


async def _still_open(session: AsyncSession, rung: DueRung) -> tuple[RequestContext, RequestStep] | None:
    request = await queries.get(session, RequestId(UUID(rung.about)))
    step = next(one for one in await queries.steps_of(session, request.id) if str(one.id) == rung.detail)
    return (await load_context(session, request), step) if rules.is_open(request, step) else None


async def _open_step(
    session: AsyncSession, *, timer: str, step_id: StepId, now: datetime
) -> tuple[RequestContext, RequestStep] | None:
    """The step with its request, if it is still open.

    The sweep holds the timer's row, and a decision holds the request and cancels the timer: waiting for the request
    here would be a deadlock, so a locked one is looked at again in a moment.
    """
    request = await queries.get_for_update_unless_locked(session, await queries.request_id_of_step(session, step_id))
    if request is None:
        await set_timer(session, timer, str(step_id), now + LOCKED_FOR)
        return None
    step = next(one for one in await queries.steps_of(session, request.id) if one.id == step_id)
    if not rules.is_open(request, step):
        return None
    return await load_context(session, request), step


async def _undecided(session: AsyncSession, step: RequestStep) -> list[Person]:
    decided: set[UUID] = {decision.person_id for decision in await queries.decisions_on(session, step.id)}
    asked = [row.person_id for row in await queries.approvers_of(session, step.id)]
    people = await org.people_by_id(session, asked)
    return [people[person_id] for person_id in asked if person_id not in decided]
