"""Tells people what has fallen due for them, each person in one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import service as delivery
from app.jobs.job import any_waits
from app.jobs.timers import set_timer
from app.ladders import messages, queries
from app.ladders.rules import heard_by_each, lines_of
from app.ladders.rung import DueRung, Speaker, Words
from app.ledger import service as ledger
from app.manifest import registry_of
from app.observability import TIMERS, get_logger
from models.delivery import Message, MessageClass
from models.ids import PersonId, new_id
from models.ladders import Rung

log = get_logger()

TELL: Final = "ladder.tell"
TOGETHER: Final = "ladder.together"
"""Purpose of a message about several things."""
LOOK_AGAIN = timedelta(seconds=1)
GATHERS = timedelta(minutes=1)
"""After a time down all timers fire first, so that everything is told together. It waits no longer than this."""
SPEAK_AGAIN = timedelta(minutes=10)
"""When to look again at a rung for which its domain has found no words. The others do not wait for it."""


async def judge_again(session: AsyncSession, *, now: datetime) -> None:
    """What waits is told as soon as it may be by the time that it is now, not by when that was foreseen."""
    for message_class in await queries.classes_waiting(session, now):
        allowed = await ledger.allowed_from(session, message_class, now=now)
        if await queries.bring_forward(session, message_class, allowed):
            await set_timer(session, TELL, str(new_id()), allowed)


async def tell(session: AsyncSession, *, now: datetime) -> None:
    """Tell what is due, unless more is about to fall due, or somebody else is telling."""
    oldest = await queries.oldest_due(session, now)
    if oldest is None:
        return
    more = oldest > now - GATHERS and await _more_comes(session, now)
    if more or not await queries.nobody_else_tells(session):
        await set_timer(session, TELL, str(new_id()), now + LOOK_AGAIN)
        return
    await tell_due(session, now=now)


async def _more_comes(session: AsyncSession, now: datetime) -> bool:
    return await queries.more_falls_due(session, now, besides={TELL}) or await any_waits(
        session, registry_of(session).gathered_jobs
    )


@dataclass(frozen=True)
class _Said:
    words: Words
    rows: Sequence[Rung]


async def tell_due(session: AsyncSession, *, now: datetime) -> None:
    """The rows and the messages change in one transaction: a process that is killed loses and doubles nothing."""
    rows = await queries.due_for_update(session, now)
    said = await _still_true(session, rows, now)
    in_message: dict[tuple[int, ...], list[UUID]] = {}
    for person_id, places in heard_by_each([one.words for one in said]).items():
        in_message.setdefault(tuple(places), []).append(person_id)
    for together, people in in_message.items():
        await _say(session, [said[place] for place in together], people, now)
    await session.flush()
    await queries.delete_rungs(session, [row for row in rows if row.message_id is None and row.due_at <= now])


async def _still_true(session: AsyncSession, rows: Sequence[Rung], now: datetime) -> list[_Said]:
    rungs: dict[tuple[str, str, str], list[Rung]] = {}
    for row in rows:
        rungs.setdefault((row.purpose, row.origin_id, row.detail), []).append(row)
    said: list[_Said] = []
    for (purpose, about, detail), reached in rungs.items():
        rung = DueRung(about, detail, list(dict.fromkeys(row.person_id for row in reached)), now)
        try:
            # A purpose of a later release is postponed as well: the others do not wait for what it says.
            speaker: Speaker = registry_of(session).rungs[purpose]
            async with session.begin_nested():
                found = await speaker(session, rung)
        except Exception as error:
            log.exception("rung.failed", purpose=purpose, about=about, error=repr(error))
            TIMERS.labels(kind=purpose, outcome="failed").inc()
            for row in reached:
                row.due_at = now + SPEAK_AGAIN
            await set_timer(session, TELL, str(new_id()), now + SPEAK_AGAIN)
        else:
            said += [_Said(words, reached) for words in found]
    return said


async def _say(session: AsyncSession, said: Sequence[_Said], people: Sequence[UUID], now: datetime) -> None:
    first = max((one.words for one in said), key=lambda words: words.rank)
    to = [PersonId(person_id) for person_id in people]
    if len(said) > 1:
        header = replace(first.header, purpose=TOGETHER, message_class=MessageClass.NOTICE)
        lines = lines_of([one.words for one in said])
        text = messages.together(lines, left_out=len(said) - len(lines))
        message = await delivery.send_text(session, header, to=to, text=text, now=now)
        _keep(said, set(people), message)
    elif first.card is not None:
        message = await delivery.send_card(session, first.header, to=to, card=first.card, now=now)
    else:
        message = await delivery.send_text(session, first.header, to=to, text=first.text, now=now)
    for one in said:
        if one.words.on_told is not None:
            await one.words.on_told(message)


def _keep(said: Sequence[_Said], people: set[UUID], message: Message) -> None:
    """What a common message is about stands in the rungs that it has told."""
    for one in said:
        for row in one.rows:
            if row.person_id in people:
                row.message_id = message.id
