"""Somebody writes to the app, or presses an entry of its menu: they are answered by a message of the ledger (P3).

What a domain can be asked stands in its manifest (`Domain.answers`); only what the person may see is told. Nothing that
is written here is passed on to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.audit.actor import person_actor
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.conversation import messages, queries, rules
from app.conversation.rules import Ration
from app.conversation.topics import Asked, Topic
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.manifest import registry_of
from app.menu.service import SAY
from app.observability import get_logger
from app.org import queries as org
from app.policy import service as policies
from app.today import service as today
from app.web.pagination import PageQuery
from models.audit import ObjectKind
from models.delivery import MessageClass
from models.ids import EventId, PersonId, fold
from models.org import Person

__all__ = ["SAY", "Asked", "Heard", "Topic", "answer", "help_of", "what_waits"]

log = get_logger()

ANSWER: Final = "conversation.answer"
"""Purpose of the messages."""
RULE: Final = "delivery.hours"
"""An answer may come at any hour, because the person has asked (policy 3.4)."""

MOST_FOUND: Final = 5
SHOWN: Final = PageQuery(cursor=None, limit=10)


@dataclass(frozen=True)
class Heard:
    """What the platform told us that somebody has written."""

    event_id: EventId
    userid: str
    said: str | None
    """None for what is no text: a voice message, a picture."""
    at: datetime | None


async def answer(session: AsyncSession, heard: Heard, *, now: datetime) -> str | None:
    """Write the answer. Returns why there is none.

    An event that is handled again has its answer already. Who asks without end is told so once, and then not answered:
    it may be a program that answers our answers.
    """
    about = About(ObjectKind.RECEIVED_EVENT, heard.event_id)
    person = (await org.people_by_userids(session, [heard.userid])).get(fold(heard.userid))
    if person is None:
        return "发信人不在通讯录里"
    if await queries.is_answered(session, about):
        return "已经回答过"
    allowed = await _ration(session, person, now)
    if allowed is Ration.SILENCE:
        log.warning("conversation.not_answered", person_id=str(person.id))
        return "提问过于频繁，不回答"
    text = messages.ENOUGH if allowed is Ration.SAY_ENOUGH else await _say(session, person, heard.said, now)
    policy = await policies.in_force(session, now=now)
    is_stale = heard.at is not None and now - heard.at > rules.STALE
    header = MessageHeader(
        ANSWER,
        about,
        Why(person_actor(person.id), RULE, policy.id),
        MessageClass.NOTICE if is_stale else MessageClass.ANSWER,
    )
    await delivery.send_text(session, header, to=[PersonId(person.id)], text=text, now=now)
    return None


async def _ration(session: AsyncSession, person: Person, now: datetime) -> Ration:
    short, day = now - rules.SHORT, now - timedelta(days=1)
    in_short, in_a_day = await queries.answers_since(session, person.id, ANSWER, short=short, day=day)
    return rules.ration(in_short=in_short, in_a_day=in_a_day)


async def _say(session: AsyncSession, person: Person, said: str | None, now: datetime) -> str:
    if said is None:
        return messages.NOT_READ
    topics: list[Topic] = list(registry_of(session).answers.values())
    text = rules.as_written(said)
    asked = Asked(person, text, now, rules.numbered(text))
    topic = rules.find_word(text, {word: one for one in topics if one.says for word in one.words})
    if topic is not None and topic.says is not None:
        return await topic.says(session, asked)
    if found := await _find(session, topics, asked):
        return "\n\n".join(found[:MOST_FOUND])
    if asked.numbered is not None and any(asked.number_of(*topic.nouns) for topic in topics if topic.nouns):
        return messages.nothing_numbered(asked.numbered.number)
    return messages.not_understood(help_of(session))


async def _find(session: AsyncSession, topics: list[Topic], asked: Asked) -> list[str]:
    if not 0 < len(asked.text) <= rules.LONGEST:
        return []
    return [text for topic in topics if topic.finds for text in await topic.finds(session, asked)]


async def what_waits(session: AsyncSession, person_id: UUID, *, now: datetime) -> str | None:
    """What waits for this person, in words: the first of it, and how much there is. None when nothing does."""
    page = await today.waiting_for(session, person_id, page=SHOWN, now=now)
    if not page.items:
        return None
    counts = await today.count_waiting(session, person_id, now=now)
    return messages.todo(
        page.items,
        total=sum(counts.values()),
        zone=calendars.timezone_of(session),
        link=addresses.link(session, addresses.ME),
    )


def help_of(session: AsyncSession) -> str:
    """What can be asked, over all domains."""
    topics = [(topic.words, topic.help) for topic in registry_of(session).answers.values() if topic.says]
    return messages.help_text(topics, link=addresses.link(session, addresses.ME))
