"""Nobody is applied in or out behind their back (policy 2.5): whom it is about has a card that follows the request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries
from app.approvals.context import RequestContext, given_so_far
from app.approvals.errors import NotToldYet
from app.approvals.rules import RequestPurpose
from app.approvals.steps.ask import header_for
from app.audit.actor import Actor
from app.cards import service as cards
from app.cards.service import ClickedCard
from app.delivery import queries as deliveries
from app.delivery import service as delivery
from app.org import queries as org
from app.wecom.message_bodies.card import Card
from models.approvals import ConcernedPerson, RequestState
from models.delivery import DeliveryState, MessageClass
from models.ids import MessageId, PersonId


async def tell_concerned(session: AsyncSession, context: RequestContext, *, actor: Actor, now: datetime) -> None:
    """Whom it is about, when somebody else has applied: who has, why, and a button to object."""
    request = context.request
    others = [PersonId(one) for one in context.kind.concerns(context.subject) if one != context.requester.id]
    if not others:
        return
    header = header_for(request, RequestPurpose.CONCERNED, actor, message_class=MessageClass.NOTICE)
    if not context.chain:
        # Nobody decides, so nobody could take an objection into account.
        await delivery.tell(session, header, others, messages.concerned(context.told), now=now)
        return
    card = messages.concerned_card(context.told, ends=context.kind.objection_ends)
    message = await delivery.send_card(session, header, to=others, card=card, now=now, individually=True)
    if card.is_cut:
        text = messages.concerned(context.told, ends=context.kind.objection_ends)
        await delivery.send_text(session, header, to=others, text=text, now=now)
    session.add_all(
        ConcernedPerson(request_id=request.id, person_id=one, card_message_id=message.id, told_at=now) for one in others
    )
    await session.flush()


async def check_told(session: AsyncSession, context: RequestContext) -> None:
    """Raise NotToldYet while somebody who could end it by an objection is still to be told, as in the rest period.

    Who cannot be reached, or was perhaps, keeps nobody from deciding.
    """
    if not context.kind.objection_ends:
        return
    for row in await queries.concerned_by(session, context.request.id):
        if row.card_message_id is None:
            continue
        sent = await deliveries.deliveries_to(session, row.card_message_id, [row.person_id])
        waiting = [one for one in sent.values() if one.state is DeliveryState.HELD]
        if waiting:
            name = (await org.people_by_id(session, [row.person_id]))[row.person_id].name
            raise NotToldYet(
                f"{name} 还没有收到这份申请的告知，现在不能同意。请在告知送达后再审批。",
                f"{name} has not been told of this request yet: it cannot be approved before they were",
                until=waiting[0].until.isoformat() if waiting[0].until else None,
            )


async def show_to_concerned(
    session: AsyncSession, context: RequestContext, *, clicked: ClickedCard | None, actor: Actor, now: datetime
) -> None:
    """Let their cards say what became of the request, or that they have objected."""
    rows = await queries.concerned_by(session, context.request.id)
    if not rows:
        return
    given = await given_so_far(session, context)
    ended = messages.concerned_outcome_card(context.told, given)
    objected = messages.has_objected_card(context.told)
    is_over = context.request.state is not RequestState.PENDING
    for row in rows:
        if is_over or row.objected_at:
            await _show(session, [row], ended if is_over else objected, clicked=clicked, actor=actor, now=now)


async def _show(
    session: AsyncSession,
    rows: Sequence[ConcernedPerson],
    card: Card,
    *,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    for row in rows:
        if row.card_message_id is None:
            continue
        await cards.update_cards(
            session,
            message_id=MessageId(row.card_message_id),
            card=card,
            person_ids=[PersonId(row.person_id)],
            click=clicked.click if clicked and clicked.message.id == row.card_message_id else None,
            actor=actor,
            now=now,
        )
