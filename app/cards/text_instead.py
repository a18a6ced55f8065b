"""When a card cannot show its outcome, its recipients get a text instead (D7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.cards.response_codes import NO_EFFECT_ON_CARD
from app.delivery.service import header_of, send_text
from app.ledger import queries
from app.ledger import service as ledger
from app.org import queries as org
from app.wecom.message_bodies.card import card_as_text
from models.delivery import CallState, Message, OutgoingCall
from models.ids import PersonId


async def tell_in_text(
    session: AsyncSession,
    message: Message,
    *,
    people: Sequence[UUID],
    face: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    """Send a new message of the same origin and class. Its purpose ends in `.followup`."""
    if not people:
        return
    header = header_of(message)
    header = replace(header, purpose=f"{message.purpose}.followup", why=header.why.by(actor))
    to = [PersonId(person) for person in people]
    await send_text(session, header, to=to, text=card_as_text(face), now=now)


async def tell_instead_of_update(session: AsyncSession, update: OutgoingCall, now: datetime) -> None:
    """Hear the outcome of `card.update`. When its code was spent or had expired, nobody's card has changed."""
    if update.errcode not in NO_EFFECT_ON_CARD or update.state is CallState.DONE:
        return
    message = await queries.get_message(session, update.message_id) if update.message_id else None
    if message is None:
        return
    body = ledger.body_of(update)
    people = [person.id for person in (await org.people_by_userids(session, body["userids"])).values()]
    actor = Actor.parse(update.actor)
    await tell_in_text(session, message, people=people, face=body["template_card"], actor=actor, now=now)
