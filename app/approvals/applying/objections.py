"""Whom a request of somebody else is about objects (policy 2.5).

An objection to being applied out ends the request: leaving is applied for by the person, and who is to be removed for
cause is removed under another clause. Any other objection is put before the approvers, who decide in its light.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries
from app.approvals.applying.concerned import show_to_concerned
from app.approvals.context import RequestContext, load_context, publish_about_request
from app.approvals.decide import take_back, too_late
from app.approvals.errors import AlreadyObjected, NotConcerned
from app.approvals.rules import RequestPurpose
from app.approvals.steps.ask import header_for, tell_requester
from app.audit.actor import Actor, person_actor
from app.cards.service import ClickedCard
from app.delivery import service as delivery
from app.errors import DomainError
from app.events.service import catalogue
from app.observability import get_logger
from models.approvals import ConcernedPerson, Request, RequestState, StepState
from models.delivery import MessageClass
from models.ids import RequestId
from models.org import Person

log = get_logger()


@dataclass(frozen=True)
class Objection:
    """What somebody says against a request that is about them."""

    person: Person
    via: str
    """`card`, `rest`, `console`."""
    reason: str = ""
    clicked: ClickedCard | None = None
    recorded_by: Actor | None = None
    """The API key that passed it on."""

    @property
    def actor(self) -> Actor:
        return person_actor(self.person.id)


async def object_to(session: AsyncSession, objection: Objection, *, request_id: RequestId, now: datetime) -> Request:
    """Record an objection, and let it have its effect. The same person's second one changes nothing.

    Refuses whom the request is not about, who has applied for it themselves, and who comes after the result.
    """
    request = await queries.get_for_update(session, request_id)
    context = await load_context(session, request)
    place = await _place_of(session, context, objection.person, now=now)
    if place.objected_at and (request.state is RequestState.PENDING or context.kind.objection_ends):
        if objection.clicked:
            await show_to_concerned(session, context, clicked=objection.clicked, actor=objection.actor, now=now)
        return request
    if request.state is not RequestState.PENDING:
        raise await too_late(session, context)
    place.objected_at, place.objection, place.via = now, objection.reason.strip(), objection.via
    place.actor = str(objection.recorded_by or objection.actor)
    request.updated_at = now
    await session.flush()
    await publish_about_request(
        session,
        request,
        catalogue.RequestObjected,
        actor=objection.actor,
        now=now,
        via=objection.via,
        comment=place.objection,
        recorded_by=objection.recorded_by,
    )
    log.info("request.objected", request_id=str(request.id))
    context = await load_context(session, request)
    if context.kind.objection_ends:
        await _end(session, context, objection, now=now)
    else:
        await _tell_who_decides(session, context, objection, now=now)
    return request


async def object_by_card(session: AsyncSession, *, clicked: ClickedCard, request_id: RequestId, now: datetime) -> None:
    """Object by a click. A refused click changes nothing; the card then says where the request stands."""
    objection = Objection(clicked.person, "card", clicked=clicked)
    try:
        async with session.begin_nested():
            await object_to(session, objection, request_id=request_id, now=now)
    except DomainError as refusal:
        log.info("click.refused", request_id=str(request_id), reason=refusal.slug)
        await session.refresh(clicked.click)
        context = await load_context(session, await queries.get(session, request_id))
        await show_to_concerned(session, context, clicked=clicked, actor=objection.actor, now=now)


async def _place_of(
    session: AsyncSession, context: RequestContext, person: Person, *, now: datetime
) -> ConcernedPerson:
    """Their row; a new one for a request that the release before has told them of in a text."""
    row = await _known_place(session, context, person)
    if row is None:
        row = ConcernedPerson(request_id=context.request.id, person_id=person.id, told_at=now)
        session.add(row)
    return row


async def _known_place(session: AsyncSession, context: RequestContext, person: Person) -> ConcernedPerson | None:
    for row in await queries.concerned_by(session, context.request.id):
        if row.person_id == person.id:
            return row
    if person.id == context.requester.id or person.id not in context.kind.concerns(context.subject):
        raise NotConcerned(
            f"申请 #{context.request.number} 不是他人为 {person.name} 提出的，不能由其提出异议",
            f"Request #{context.request.number} is none that somebody else has made about {person.name}",
        )
    return None


async def check_may_object(session: AsyncSession, context: RequestContext, person: Person) -> None:
    """Raise why an objection of this person would have no effect now. Nothing is locked."""
    place = await _known_place(session, context, person)
    if context.request.state is not RequestState.PENDING:
        raise await too_late(session, context)
    if place is not None and place.objected_at is not None:
        raise AlreadyObjected(
            f"{person.name} 已对申请 #{context.request.number} 提出异议",
            f"{person.name} has objected to request #{context.request.number} already",
        )


async def _end(session: AsyncSession, context: RequestContext, objection: Objection, *, now: datetime) -> None:
    """Without the person's will it is no leaving: approvers' cards and the applicant's text say who has objected."""
    why = messages.objected_because(objection.person.name, objection.reason)
    context.request.outcome_detail = why
    await take_back(
        session,
        context,
        actor=objection.actor,
        clicked=objection.clicked,
        recorded_by=objection.recorded_by,
        detail=why,
        now=now,
    )
    text = messages.ended(context.told, why)
    await tell_requester(session, context.request, text, actor=objection.actor, now=now)


async def _tell_who_decides(
    session: AsyncSession, context: RequestContext, objection: Objection, *, now: datetime
) -> None:
    """Their cards keep the codes that the outcome needs: who has a card reads of it in a text, others on their card."""
    request = context.request
    asked = [
        row.person_id
        for step in await queries.steps_of(session, request.id)
        if step.state is StepState.OPEN
        for row in await queries.approvers_of(session, step.id)
    ]
    text = messages.objected(context.told, objection.person.name, objection.reason)
    header = header_for(request, RequestPurpose.OBJECTED, objection.actor, message_class=MessageClass.NOTICE)
    await delivery.tell(session, header, asked, text, now=now)
    await tell_requester(session, request, text, actor=objection.actor, now=now)
    await show_to_concerned(session, context, clicked=objection.clicked, actor=objection.actor, now=now)
