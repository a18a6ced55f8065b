"""What the cards of a request show once somebody has decided (F54)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries
from app.approvals.applying.concerned import show_to_concerned
from app.approvals.context import RequestContext, given_so_far
from app.audit.actor import Actor
from app.cards import service as cards
from app.cards.service import ClickedCard
from app.wecom.message_bodies.card import Card
from models.approvals import RequestStep
from models.ids import MessageId, PersonId


async def show_outcome(
    session: AsyncSession,
    context: RequestContext,
    step: RequestStep,
    *,
    next_step: str | None = None,
    clicked: ClickedCard | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Show who decided on every card of the step (F54), and the end also to the people who decided earlier steps."""
    given = await given_so_far(session, context)
    card = messages.outcome_card(context.told, step, given, next_step=next_step)
    await show_on_cards(session, step, card, clicked=clicked, actor=actor, now=now)
    if next_step is None:
        await show_to_concerned(session, context, clicked=clicked, actor=actor, now=now)
        await _show_to_earlier_deciders(session, context, step, card, actor=actor, now=now)


async def show_on_cards(
    session: AsyncSession,
    step: RequestStep,
    card: Card,
    *,
    clicked: ClickedCard | None = None,
    only: Collection[UUID] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change the step's cards: everybody's, or those of `only`. The clicked card changes by the code of its click."""
    holders: dict[UUID, list[PersonId]] = {}
    for approver in await queries.approvers_of(session, step.id):
        if approver.card_message_id and (only is None or approver.person_id in only):
            holders.setdefault(approver.card_message_id, []).append(PersonId(approver.person_id))
    for message_id, person_ids in holders.items():
        await cards.update_cards(
            session,
            message_id=MessageId(message_id),
            card=card,
            person_ids=person_ids,
            click=clicked.click if clicked and clicked.message.id == message_id else None,
            actor=actor,
            now=now,
        )


async def _show_to_earlier_deciders(
    session: AsyncSession, context: RequestContext, last: RequestStep, card: Card, *, actor: Actor, now: datetime
) -> None:
    decisions = await queries.decisions_about(session, context.request.id)
    for step in await queries.steps_of(session, context.request.id):
        deciders = {one.person_id for one in decisions if one.step_id == step.id}
        if step.position < last.position and deciders:
            await show_on_cards(session, step, card, only=deciders, actor=actor, now=now)
