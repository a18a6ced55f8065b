"""Updating cards that were sent: everybody's card shows the outcome (D7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import About, Why
from app.cards import queries, text_instead
from app.cards.response_codes import spend_code
from app.delivery import queries as delivery_queries
from app.delivery import service as delivery
from app.delivery.errors import DeliveryNotFound
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.observability import current_correlation_id
from app.org import queries as org
from app.wecom.message_bodies.card import Card
from models.audit import ObjectKind
from models.delivery import CallKind, CardClick, Message, OutgoingCall
from models.ids import PersonId

UPDATE: Final = "card.update"
"""Purpose of the calls that give a card another face."""
UPDATE_ONLY: Final = "card.update_only"
"""The same for people who hear of it otherwise: nobody reacts when the card could not be changed."""


async def update_cards(
    session: AsyncSession,
    *,
    message_id: UUID,
    card: Card,
    now: datetime,
    person_ids: Sequence[PersonId] | None = None,
    click: CardClick | None = None,
    actor: Actor,
) -> None:
    """Give the recipients' cards a new face: grey with `card.outcome`, or with the buttons that `card` has.

    Uses the click's code on the card it came from, else the newest unspent one. A card that was not sent yet is
    taken back. Who has no card that can change is told in a text.
    """
    message = await ledger_queries.get_message(session, message_id)
    if message is None:
        raise DeliveryNotFound("没有这条消息", "There is no such message")
    carried = await queries.calls_carrying(session, message_id=message_id, people=person_ids)
    _include_clicked(carried, click, person_ids)
    untold = await _update_all(session, _Change(message, card, click, actor), carried, now)
    await text_instead.tell_in_text(
        session, message, people=list(dict.fromkeys(untold)), face=card.to_update(), actor=actor, now=now
    )


async def update_cards_only(
    session: AsyncSession, *, message_id: UUID, card: Card, actor: Actor, now: datetime
) -> None:
    """The same where the caller tells the recipients what has happened: whose card cannot change reads no more than
    that, so that nobody is told twice.
    """
    message = await ledger_queries.get_message(session, message_id)
    if message is None:
        raise DeliveryNotFound("没有这条消息", "There is no such message")
    carried = await queries.calls_carrying(session, message_id=message_id, people=None)
    await _update_all(session, _Change(message, card, None, actor, UPDATE_ONLY), carried, now)


async def _update_all(
    session: AsyncSession, change: _Change, carried: Mapping[UUID, list[UUID]], now: datetime
) -> list[UUID]:
    """Returns the people whose cards could not change."""
    untold: list[UUID] = []
    # In the order of their ids: two updates of the same cards must not wait for each other.
    for call_id in sorted(carried):
        untold += await _update_one(session, change, call_id, carried[call_id], now)
    return untold


def _include_clicked(
    carried: dict[UUID, list[UUID]], click: CardClick | None, person_ids: Sequence[PersonId] | None
) -> None:
    """The clicked card may be an earlier one than the row points to now: it was retried meanwhile."""
    if click is None or (person_ids is not None and click.person_id not in person_ids):
        return
    people = carried.setdefault(click.call_id, [])
    if click.person_id not in people:
        people.append(click.person_id)


@dataclass(frozen=True)
class _Change:
    """A new face for the cards of a message, and the click that asked for it."""

    message: Message
    card: Card
    click: CardClick | None
    actor: Actor
    purpose: str = UPDATE


async def _update_one(
    session: AsyncSession, change: _Change, call_id: UUID, people: list[UUID], now: datetime
) -> list[UUID]:
    """Update one sent card for these people. Returns the people who need a text instead."""
    call = await ledger_queries.call_for_update(session, call_id)
    if call is None or call.message_id != change.message.id:
        return []
    if ledger.is_unsent(call):
        await delivery.take_back(session, change.message, call, people=people, actor=change.actor, now=now)
        return people
    userids = await org.userids_of(session, people)
    if not userids:
        return []
    code = await spend_code(session, call, change.click, now)
    if code is None:
        return list(userids)
    update = await _request_update(session, change, call, userids, code.value, now)
    if code.click is not None:
        code.click.shown_by_id = update.id
    return []


async def _request_update(
    session: AsyncSession,
    change: _Change,
    call: OutgoingCall,
    userids: dict[UUID, str],
    code: str,
    now: datetime,
) -> OutgoingCall:
    app = await delivery_queries.app_named(session, call.app_id)
    only = next(iter(userids)) if len(userids) == 1 else "all"
    request = ledger.CallRequest(
        kind=CallKind.CARD_UPDATE,
        body={
            "userids": list(userids.values()),
            "agentid": app.agent_id,
            "response_code": code,
            "template_card": change.card.said_by(app.name).to_update(),
        },
        purpose=change.purpose,
        about=About(ObjectKind.CARD, call.id),
        why=Why(change.actor, change.message.rule_key, change.message.policy_version_id),
        # Faces of one card in the order they were decided, without one person's waiting for another's.
        ordering_key=f"card:{call.id}:{only}",
    )
    update = ledger.call_row(request, correlation_id=current_correlation_id(), now=now)
    update.message_id = change.message.id
    await ledger.add_call(session, update)
    return update
