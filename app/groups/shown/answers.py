"""What somebody who writes to the app is told of groups (F170): those they are in, and one by its name."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.conversation.service import Asked, Topic
from app.groups import messages, queries
from app.groups.group_names import DASHES
from app.org import queries as org

SHOWN: Final = 15
FOUND: Final = 3
SHORTEST: Final = 2
"""Characters of a part of a name: one alone stands in nearly every name."""


async def mine(session: AsyncSession, asked: Asked) -> str:
    rows = await queries.living_groups_with(session, asked.person.id, most=SHOWN + 1)
    link = addresses.link(session, addresses.ME_GROUPS)
    return messages.own_groups(rows[:SHOWN], has_more=len(rows) > SHOWN, link=link)


async def find(session: AsyncSession, asked: Asked) -> list[str]:
    """Groups of this name, or whose name holds it: those that the person is in, and those that are not confidential."""
    if len(asked.text) < SHORTEST:
        return []
    name = asked.text.translate(DASHES)
    rows = await queries.groups_called(session, name, person_id=asked.person.id, most=FOUND)
    people = await org.people_by_id(session, {row.desired_owner_id for row in rows})
    inside = {row.id for row in await queries.living_groups_with(session, asked.person.id)}
    sizes = await queries.sizes_of(session, [row.id for row in rows])
    return [
        messages.standing(
            row,
            owner=people[row.desired_owner_id].name,
            size=sizes.get(row.id, 0),
            is_inside=row.id in inside,
            link=addresses.link(session, addresses.me_group(row.id)),
        )
        for row in rows
    ]


ANSWERS: Final = {
    "groups": Topic(
        (messages.OWN_GROUPS, "群", "我的群聊", "my groups", "groups"),
        messages.OWN_GROUPS_HELP,
        says=mine,
        finds=find,
    )
}
