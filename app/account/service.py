"""People hear what others have done to their account."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.access import service as access
from app.account import messages, queries
from app.audit.actor import Actor, ActorKind
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue
from app.org import queries as org
from app.org.rules import may_act
from app.policy import service as policies
from app.wecom.message_bodies.markup import with_link
from models.audit import ObjectKind
from models.delivery import MessageClass
from models.ids import PersonId

SIGNED_OUT: Final = "account.signed_out"
"""Purpose of the message, and the rule that it rests on."""


async def was_told(session: AsyncSession, event: catalogue.PersonSignedOut, *, correlation_id: str) -> bool:
    """Whether the job has run before. Its message has the correlation id of what it tells."""
    await queries.lock_person(session, event.person_id)
    return await queries.was_told(session, event.person_id, SIGNED_OUT, correlation_id=correlation_id)


async def tell_signed_out(
    session: AsyncSession, event: catalogue.PersonSignedOut, why: Why, *, at: datetime, now: datetime
) -> None:
    """Who has ended their sessions, when, and what to do."""
    person = await org.person(session, PersonId(event.person_id))
    if person is None or not may_act(person):
        return
    policy = await policies.in_force(session, now=now)
    text = messages.signed_out(
        await _named(session, why.actor), at=at, places=event.sessions, zone=calendars.timezone_of(session)
    )
    said = with_link(text, addresses.link(session, addresses.ME_ACCOUNT))
    about = About(ObjectKind.PERSON, person.id)
    header = MessageHeader(SIGNED_OUT, about, Why(why.actor, SIGNED_OUT, policy.id), MessageClass.NOTICE)
    await delivery.tell(session, header, [person.id], said, now=now)


async def _named(session: AsyncSession, actor: Actor) -> str:
    if actor.kind is ActorKind.PERSON:
        names = await org.people_by_id(session, {UUID(actor.id)})
        return next(iter(names.values())).name if names else messages.OPERATOR
    if actor.kind is ActorKind.API_KEY:
        names_of_keys = await access.key_names(session, [UUID(actor.id)])
        return messages.key_named(next(iter(names_of_keys.values()))) if names_of_keys else messages.OPERATOR
    return messages.OPERATOR
