"""The digest of a morning, written portion by portion.

Each portion is one transaction: its messages, and how far the digest has come. Killed anywhere, it goes on behind the
last portion, and nobody gets it twice (P2).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.conversation import service as conversation
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.digest import messages, queries, rules
from app.events.service import catalogue, publish
from app.jobs import timers
from app.observability import get_logger
from app.org import queries as org
from app.policy import service as policies
from models.audit import ObjectKind
from models.delivery import MessageClass
from models.ids import PersonId

log = get_logger()

MORNING: Final = "digest.morning"
"""Kind of the timer, and purpose of the messages."""
COMPANY: Final = "company"
RULE: Final = "delivery.digest"
PORTION: Final = 100
"""People looked at in one transaction."""


async def keep_timer(session: AsyncSession, *, now: datetime) -> None:
    """See to it that the next morning comes. One that was missed while nothing ran stays due, and comes at once."""
    await timers.bring_forward(session, MORNING, COMPANY, await _next(session, now))


async def wake(session: AsyncSession, *, now: datetime) -> date | None:
    """The morning has come. Returns the day whose digest begins now; none does on a day off, or where none is due."""
    policy = await policies.in_force(session, now=now)
    working = await calendars.calendar(session, now=now, policy=policy)
    await timers.set_timer(session, MORNING, COMPANY, await _next(session, now))
    day = rules.day_of(now, policy.document.delivery.morning_digest, working)
    return day if day is not None and await queries.open_day(session, day, now=now) else None


async def _next(session: AsyncSession, now: datetime) -> datetime:
    policy = await policies.in_force(session, now=now)
    working = await calendars.calendar(session, now=now, policy=policy)
    return rules.next_moment(now, policy.document.delivery.morning_digest, working)


async def write_portion(session: AsyncSession, day: date, *, now: datetime, portion: int = PORTION) -> bool:
    """Write to the next people for whom something waits. False when the digest of this day is complete."""
    digest = await queries.claim(session, day)
    if digest is None or digest.ended_at is not None:
        return False
    policy = await policies.in_force(session, now=now)
    working = await calendars.calendar(session, now=now, policy=policy)
    is_late = rules.day_of(now, policy.document.delivery.morning_digest, working) != day
    people = [] if is_late else await org.people_who_may_act(session, after=digest.up_to, limit=portion)
    for person in people:
        waiting = await conversation.what_waits(session, person.id, now=now)
        if waiting is None:
            continue
        header = MessageHeader(
            MORNING, About(ObjectKind.PERSON, person.id), Why(SYSTEM, RULE, policy.id), MessageClass.NOTICE
        )
        await delivery.send_text(session, header, to=[PersonId(person.id)], text=messages.morning(waiting), now=now)
        digest.people += 1
    if people:
        digest.up_to = people[-1].id
        return True
    digest.ended_at = now
    log.info("digest.ended", day=day.isoformat(), people=digest.people, cut_off=is_late)
    await publish(
        session,
        catalogue.MorningDigestSent(day=day, people=digest.people, is_complete=not is_late),
        Why(SYSTEM, RULE, policy.id),
        now=now,
    )
    return False
