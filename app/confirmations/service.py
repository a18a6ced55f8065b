"""Dual control: one asks, another confirms, and then it is done, in the confirming transaction (F197).

When it is on is the policy's: `access.two_person` lists the acts. A version that does not list them changes nothing.
Pages call `ask_or_do`. An operator at the command line acts alone, and the trail says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.access import service as access
from app.audit.actor import KEY_OF_REQUEST, SYSTEM, Actor, person_actor
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.cards import service as cards
from app.cards.service import ClickedCard
from app.confirmations import entitled, messages, queries, rules
from app.confirmations.entitled import handler_of
from app.confirmations.errors import NobodyToConfirm, NotTheAsker, UnreadableAct
from app.confirmations.hands import hands_of
from app.confirmations.looking import Line, Lines, Look, concerning, described, look
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.dual_control import Needs, TwoPersonAct, TwoPersonHandler
from app.events.service import catalogue, publish
from app.jobs.timers import cancel_timer, set_timer
from app.manifest import registry_of
from app.observability import current_correlation_id
from app.org import queries as org
from app.permissions import Words
from app.policy import service as policies
from app.web.problems import faults_of, told, told_in_english
from app.wecom.message_bodies.card import Card
from models.audit import ObjectKind
from models.confirmations import Confirmation, ConfirmationState
from models.delivery import MessageClass
from models.ids import PersonId, new_id
from models.org import Person

__all__ = [
    "CARD",
    "EXPIRE",
    "Answer",
    "Asked",
    "Done",
    "Line",
    "Lines",
    "Look",
    "Unconfirmable",
    "Wish",
    "ask",
    "ask_or_do",
    "concerning",
    "confirm",
    "expire",
    "explain_refusal",
    "handler_of",
    "look",
    "refuse",
    "unconfirmable",
    "waiting_for_confirmation",
    "withdraw",
]

MINIMUM = 2
"""One asks and another confirms."""
EXPIRE = "confirmation.expire"
RULE = "approval.decide"
"""The rule under which people are asked."""

CARD = "confirmation.card"
DETAILS = "confirmation.details"
OUTCOME = "confirmation.outcome"
REFUSED_PRESS = "confirmation.press_refused"


@dataclass(frozen=True)
class Wish:
    """What somebody wants done, as it comes in."""

    act: TwoPersonAct
    payload: Mapping[str, Any]
    asker: Person
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """What waits for another person."""

    row: Confirmation
    secret: str = ""
    """Shown to the asker once, such as the key that comes alive by the confirmation."""


@dataclass(frozen=True)
class Done:
    """What needed nobody else."""

    result: str
    secret: str = ""


@dataclass(frozen=True)
class Answer:
    """One person's answer as it comes in."""

    person: Person
    via: str
    comment: str = ""
    seen: str | None = None
    """The digest of what they have seen. None on a card, which shows what is stored."""
    clicked: ClickedCard | None = None

    @property
    def actor(self) -> Actor:
        return person_actor(self.person.id)


async def ask_or_do(session: AsyncSession, wish: Wish, *, now: datetime) -> Asked | Done:
    """For pages: ask another person where the policy wants two, and do it at once where it does not.

    Raises what `ask` raises, and what the act itself refuses.
    """
    if await policies.needs_two_people(session, wish.act, now=now):
        return await ask(session, wish, now=now)
    handler = handler_of(session, wish.act)
    payload, secret = _prepared(handler, wish.payload)
    await _check_asker(session, handler, payload, wish.asker, now=now)
    await handler.describe(session, payload, asker=wish.asker, now=now)
    return Done(await handler.carry_out(session, payload, asker=wish.asker, now=now), secret)


async def ask(session: AsyncSession, wish: Wish, *, now: datetime) -> Asked:
    """Ask everybody else who may do it; one of them answers. Whoever asks has to hold the permission themselves.

    Raises `UnknownAct`, `UnreadableAct`, `NotTheirsToConfirm`, `NobodyToConfirm`, and what the act itself refuses.
    """
    handler = handler_of(session, wish.act)
    payload, secret = _prepared(handler, wish.payload)
    needs = await _check_asker(session, handler, payload, wish.asker, now=now)
    fields = await handler.describe(session, payload, asker=wish.asker, now=now)
    people = [one for one in await entitled.entitled(session, handler, needs, now=now) if one.id != wish.asker.id]
    if not people:
        raise NobodyToConfirm(
            "除您之外没有人有这项权限，无人可以确认；请运维人员在服务器上用 steward access grant 再授予一个人，"
            "或由运维人员在服务器上执行",
            "Nobody but you holds this permission, so nobody can confirm: an operator grants it to somebody else with "
            "steward access grant on the server, or does it there",
            permission=handler.permission.value,
        )
    stored = payload.model_dump(mode="json", by_alias=True)
    policy = await policies.in_force(session, now=now)
    with_key = KEY_OF_REQUEST.get()
    row = Confirmation(
        id=new_id(),
        act=wish.act.value,
        payload=stored,
        payload_digest=rules.digest_of(wish.act.value, stored),
        fields=[[name, value] for name, value in fields],
        reason=wish.reason.strip(),
        asked_by=wish.asker.id,
        asked_with=str(with_key) if with_key is not None else None,
        asked_people=[person.id for person in people],
        needed=sorted({handler.permission.value, *(one.value for one in needs.permissions)}),
        not_by=sorted(needs.not_by),
        asked_at=now,
        expires_at=now + rules.EXPIRES_AFTER,
        policy_version_id=policy.id,
        correlation_id=current_correlation_id(),
    )
    session.add(row)
    await session.flush()
    await set_timer(session, EXPIRE, str(row.id), row.expires_at)
    card = await _card(session, row)
    message = await delivery.send_card(
        session,
        _header(row, CARD, person_actor(wish.asker.id)),
        to=[PersonId(person.id) for person in people],
        card=card,
        now=now,
        individually=True,
    )
    row.card_message_id = message.id
    if card.is_cut:
        text = messages.in_full(row, handler, asker=wish.asker.name, url=card.url)
        header = _header(row, DETAILS, person_actor(wish.asker.id))
        await delivery.send_text(session, header, to=[PersonId(person.id) for person in people], text=text, now=now)
    details = {"act": row.act, "digest": row.payload_digest.hex(), "reason": row.reason}
    asked = catalogue.ConfirmationAsked(confirmation_id=row.id, act=row.act)
    await publish(session, asked, _why(row, person_actor(wish.asker.id)), now=now, details=details)
    return Asked(row, secret)


async def confirm(session: AsyncSession, confirmation_id: UUID, answer: Answer, *, now: datetime) -> Confirmation:
    """Confirm, and carry out exactly what was asked: both are committed, or neither. The act is the asker's.

    Raises what `_answerable` raises, and what the act refuses by now: then it stays open.
    """
    row, handler = await _answerable(session, confirmation_id, answer, now=now)
    asker = await org.person(session, PersonId(row.asked_by))
    if asker is None:
        raise LookupError(f"the asker of {row.id} is gone")
    payload = handler.payload.model_validate(row.payload)
    needs = await _check_asker(session, handler, payload, asker, now=now)
    # What is in force has changed meanwhile, perhaps: the act may need more than it did when it was asked.
    await entitled.check(session, handler, needs, answer.person, now=now)
    if answer.clicked is not None:
        # A card shows what was so when it was asked; who sees a page has seen what is so now.
        rules.check_as_asked(row, await described(session, row, handler, asker=asker, now=now))
    await _end(session, row, ConfirmationState.CONFIRMED, answer, now=now)
    row.result = await handler.carry_out(session, payload, asker=asker, now=now)
    await _show(session, row, handler, answer, now=now)
    return row


async def refuse(session: AsyncSession, confirmation_id: UUID, answer: Answer, *, now: datetime) -> Confirmation:
    """Nothing is done, and the asker reads why. Raises what `_answerable` raises."""
    row, handler = await _answerable(session, confirmation_id, answer, now=now)
    await _end(session, row, ConfirmationState.REFUSED, answer, now=now)
    await _show(session, row, handler, answer, now=now)
    return row


async def withdraw(session: AsyncSession, confirmation_id: UUID, answer: Answer, *, now: datetime) -> Confirmation:
    """Who has asked takes it back. Raises `NotTheAsker`, `AlreadyAnswered`."""
    row = await queries.get(session, confirmation_id, for_update=True)
    if row.asked_by != answer.person.id:
        raise NotTheAsker("只有提出人可以撤回", "Only who has asked for it can withdraw it")
    rules.check_open(row, now=now)
    rules.check_same(row, seen=answer.seen)
    await _end(session, row, ConfirmationState.WITHDRAWN, answer, now=now)
    await _show(session, row, handler_of(session, row.act), answer, now=now)
    return row


async def expire(session: AsyncSession, confirmation_id: UUID, *, now: datetime) -> None:
    """Nobody has answered in time. Nothing happens when somebody has."""
    row = await queries.get(session, confirmation_id, for_update=True)
    if row.state is not ConfirmationState.ASKED:
        return
    await _end(session, row, ConfirmationState.EXPIRED, None, now=now)
    await _show(session, row, handler_of(session, row.act), None, now=now)


async def explain_refusal(
    session: AsyncSession, confirmation_id: UUID, answer: Answer, *, why: str, now: datetime
) -> None:
    """Tell somebody why their press on the card changed nothing."""
    row = await queries.get(session, confirmation_id)
    text = messages.not_done(handler_of(session, row.act), why)
    header = _header(row, REFUSED_PRESS, answer.actor, message_class=MessageClass.ANSWER)
    await delivery.tell(session, header, [answer.person.id], text, now=now)


@dataclass(frozen=True)
class Unconfirmable:
    """An act that the policy wants two people for, and that no two people hold."""

    act: str
    title: Words
    holders: list[str]
    """Their names: one, or nobody."""


async def unconfirmable(session: AsyncSession, *, now: datetime) -> list[Unconfirmable]:
    """Acts that nobody could confirm, because fewer than two people hold the permission in the whole company."""
    found = []
    for act, handler in registry_of(session).two_person_acts.items():
        if await policies.needs_two_people(session, TwoPersonAct(act), now=now):
            holders = await access.holders_of(session, handler.permission, now=now)
            if len(holders) < MINIMUM:
                found.append(Unconfirmable(act, handler.title, [person.name for person in holders]))
    return found


async def waiting_for_confirmation(session: AsyncSession, person_id: UUID, now: datetime) -> Select[Any]:
    """F168. What somebody holds is asked only while there is anything to confirm."""
    is_open = await queries.is_anything_open(session, now=now)
    held = await entitled.held_by(session, person_id, now=now) if is_open else ()
    return queries.waiting(session, person_id, held, now=now)


# ---------------------------------------------------------------- the steps


def _prepared(handler: TwoPersonHandler, given: Mapping[str, Any]) -> tuple[BaseModel, str]:
    try:
        payload = handler.payload.model_validate(dict(given))
    except ValidationError as error:
        faults, in_english = faults_of(error.errors()), faults_of(error.errors(), in_english=True)
        raise UnreadableAct(
            f"payload 不完整或不正确：{told(faults)}",
            f"The payload is incomplete or wrong: {told_in_english(in_english)}",
            english_facts={"faults": in_english},
            faults=faults,
        ) from error
    return handler.prepare(payload) if handler.prepare is not None else (payload, "")


async def _check_asker(
    session: AsyncSession, handler: TwoPersonHandler, payload: BaseModel, asker: Person, *, now: datetime
) -> Needs:
    """What the act needs. Raises `NotTheirsToConfirm` when the asker does not hold it, and what the act refuses."""
    # Who may nothing of the kind learns nothing of whom or what it is about.
    await entitled.check(session, handler, Needs(), asker, now=now)
    needs = await handler.needs(session, payload, now=now) if handler.needs is not None else Needs()
    await entitled.check(session, handler, needs, asker, now=now)
    if handler.check_asker is not None:
        await handler.check_asker(session, payload, asker=asker, now=now)
    return needs


async def _answerable(
    session: AsyncSession, confirmation_id: UUID, answer: Answer, *, now: datetime
) -> tuple[Confirmation, TwoPersonHandler]:
    """The row, locked, that this person may answer. Raises what `rules` raises, and `NotTheirsToConfirm`."""
    row = await queries.get(session, confirmation_id, for_update=True)
    rules.check_open(row, now=now)
    with_key = KEY_OF_REQUEST.get()
    key = str(with_key) if with_key is not None else None
    rules.check_other_person(row, answer.person.id, recorded_by=key)
    rules.check_same(row, seen=answer.seen)
    asking, answering = (
        await hands_of(session, row.asked_by, key=row.asked_with),
        await hands_of(session, answer.person.id, key=key),
    )
    rules.check_hands(asking, answering)
    handler = handler_of(session, row.act)
    await entitled.check(session, handler, entitled.stored(row, handler), answer.person, now=now)
    return row, handler


_EVENTS = {
    ConfirmationState.CONFIRMED: catalogue.ConfirmationConfirmed,
    ConfirmationState.REFUSED: catalogue.ConfirmationRefused,
    ConfirmationState.WITHDRAWN: catalogue.ConfirmationWithdrawn,
    ConfirmationState.EXPIRED: catalogue.ConfirmationExpired,
}


async def _end(
    session: AsyncSession, row: Confirmation, state: ConfirmationState, answer: Answer | None, *, now: datetime
) -> None:
    row.state, row.answered_at = state, now
    actor = SYSTEM
    if answer is not None:
        row.answered_by, row.comment, row.via, actor = answer.person.id, answer.comment, answer.via, answer.actor
    await cancel_timer(session, EXPIRE, str(row.id))
    details = {"act": row.act, "digest": row.payload_digest.hex(), "comment": row.comment, "via": row.via}
    ended = _EVENTS[state](confirmation_id=row.id, act=row.act)
    await publish(session, ended, _why(row, actor), now=now, details=details)


async def _show(
    session: AsyncSession, row: Confirmation, handler: TwoPersonHandler, answer: Answer | None, *, now: datetime
) -> None:
    """The cards go grey and say who has answered; the asker reads it, unless it was they."""
    name = answer.person.name if answer is not None else ""
    actor = answer.actor if answer is not None else SYSTEM
    if row.card_message_id is not None:
        face = replace(await _card(session, row), buttons=(), outcome=messages.outcome(row, name))
        click = answer.clicked.click if answer is not None and answer.clicked is not None else None
        await cards.update_cards(session, message_id=row.card_message_id, card=face, now=now, click=click, actor=actor)
    if answer is None or answer.person.id != row.asked_by:
        text = messages.told_asker(row, handler, name)
        await delivery.tell(session, _header(row, OUTCOME, actor), [row.asked_by], text, now=now)


async def _card(session: AsyncSession, row: Confirmation) -> Card:
    asker = (await org.people_by_id(session, [row.asked_by]))[row.asked_by]
    handler = handler_of(session, row.act)
    card = messages.card(row, handler, asker=asker.name, zone=calendars.timezone_of(session))
    return card.leading_to(addresses.link(session, addresses.me_confirmation(row.id)))


def _why(row: Confirmation, actor: Actor) -> Why:
    return Why(actor, RULE, row.policy_version_id)


def _header(row: Confirmation, purpose: str, actor: Actor, *, message_class: str = MessageClass.WORK) -> MessageHeader:
    return MessageHeader(purpose, About(ObjectKind.CONFIRMATION, row.id), _why(row, actor), message_class)
