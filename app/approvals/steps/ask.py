"""People are asked to decide a step, each on a card of their own; and the applicant hears how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries
from app.approvals.context import RequestContext, about, link_to
from app.approvals.kinds import kind_named
from app.approvals.rules import RequestPurpose
from app.audit.actor import Actor, person_actor
from app.audit.why import Why
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.wecom.message_bodies.markup import with_link
from models.approvals import Request, RequestStep, StepApprover
from models.delivery import MessageClass
from models.ids import PersonId
from models.org import Person


async def ask(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    people: Sequence[Person],
    *,
    actor: Actor,
    now: datetime,
    message_class: str = MessageClass.WORK,
) -> None:
    """Make these people approvers of the step and send each a card of their own."""
    await session.flush()
    card, to = context.card(step), [PersonId(person.id) for person in people]
    why = Why(actor, step.rule_key, context.policy.id)
    header = MessageHeader(RequestPurpose.CARD, about(context.request), why, message_class)
    message = await delivery.send_card(session, header, to=to, card=card, now=now, individually=True)
    if card.is_cut:
        details = header_for(context.request, RequestPurpose.DETAILS, actor, message_class=message_class)
        text = messages.in_full(context.told, step, is_offer=context.rule_of(step).is_offer)
        await delivery.send_text(session, details, to=to, text=text, now=now)
    former = {row.person_id: row for row in await queries.former_approvers_of(session, step.id)}
    for person in people:
        # Somebody whose account was disabled for a while has lost the place and gets it back.
        place = former.get(person.id) or StepApprover(step_id=step.id, person_id=person.id, added_at=now)
        place.card_message_id, place.ended_at = message.id, None
        session.add(place)
    await session.flush()


def header_for(
    request: Request, purpose: RequestPurpose, actor: Actor, *, message_class: str = MessageClass.ANSWER
) -> MessageHeader:
    """Of a text about a request, under the request's own rule."""
    why = Why(actor, request.rule_key, request.policy_version_id)
    return MessageHeader(purpose, about(request), why, message_class)


async def tell_requester(session: AsyncSession, request: Request, text: str, *, actor: Actor, now: datetime) -> None:
    """Tell the applicant what became of the request: at any hour what follows from their own act, and outside of the
    rest period what somebody else or a deadline has done (policy 3.4). Nobody, where nobody has applied.
    """
    if not kind_named(session, request.kind).is_applied_for:
        return
    is_answer = actor == person_actor(request.requester_id)
    message_class = MessageClass.ANSWER if is_answer else MessageClass.NOTICE
    header = header_for(request, RequestPurpose.PROGRESS, actor, message_class=message_class)
    to, said = [PersonId(request.requester_id)], with_link(text, link_to(session, request))
    await delivery.send_text(session, header, to=to, text=said, now=now)
