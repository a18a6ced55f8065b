"""What somebody who writes to the app is told of tasks (F170): those they are to do, and one by its number."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.calendar import service as calendars
from app.conversation.service import Asked, Topic
from app.org import queries as org
from app.permissions import Sight
from app.tasks import messages, queries
from app.tasks.sight import seen_by

SHOWN: Final = 8
NOUNS: Final = ("任务", "task")


async def mine(session: AsyncSession, asked: Asked) -> str:
    rows = await queries.unfinished_of(session, asked.person.id, most=SHOWN + 1)
    return messages.own_tasks(
        rows[:SHOWN],
        has_more=len(rows) > SHOWN,
        now=asked.now,
        zone=calendars.timezone_of(session),
        link=addresses.link(session, addresses.ME_TASKS),
    )


async def find(session: AsyncSession, asked: Asked) -> list[str]:
    """The task of this number: one that they have, gave or help with."""
    number = asked.number_of(*NOUNS)
    if number is None:
        return []
    rows = await queries.numbered(session, number, seen_by(Sight(person_id=asked.person.id)))
    people = await org.people_by_id(session, {row.owner_id for row in rows})
    zone = calendars.timezone_of(session)
    return [
        messages.standing(
            row,
            owner=people[row.owner_id].name,
            now=asked.now,
            zone=zone,
            link=addresses.link(session, addresses.me_task(row.id)),
        )
        for row in rows
    ]


ANSWERS: Final = {
    "tasks": Topic(
        (messages.OWN_TASKS, "任务", "my tasks", "tasks"), messages.OWN_TASKS_HELP, nouns=NOUNS, says=mine, finds=find
    )
}
