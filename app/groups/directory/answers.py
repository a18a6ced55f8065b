"""What somebody who writes to the app is told of groups (F170): those they are in, and those of a name (1.14)."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.conversation.service import Asked, Topic
from app.groups.directory import messages
from app.groups.directory.lists import DirectorySearch, GroupLine, find_groups, groups_of_member
from app.groups.group_names import DASHES
from app.web.pagination import PageQuery

SHOWN: Final = PageQuery(cursor=None, limit=15)
FOUND: Final = PageQuery(cursor=None, limit=3)
SHORTEST: Final = 2
"""Characters of a part of a name: one alone stands in nearly every name."""


async def mine(session: AsyncSession, asked: Asked) -> str:
    page = await groups_of_member(session, asked.person.id, page=SHOWN, now=asked.now)
    link = addresses.link(session, addresses.ME_GROUPS)
    return messages.own_groups(page.items, has_more=page.next_cursor is not None, link=link)


async def find(session: AsyncSession, asked: Asked) -> list[str]:
    """Groups whose name holds this, of those that the person finds in the directory."""
    if len(asked.text) < SHORTEST:
        return []
    wanted = DirectorySearch(name=asked.text.translate(DASHES))
    page = await find_groups(session, asked.person.id, wanted, page=FOUND, now=asked.now)
    return [messages.standing(line, link=addresses.link(session, _page_of(line))) for line in page.items]


def _page_of(line: GroupLine) -> str:
    return addresses.me_request(line.pending.id) if line.pending else addresses.me_group(line.id)


ANSWERS: Final = {
    "groups": Topic(
        (messages.OWN_GROUPS, "群", "我的群聊", "my groups", "groups"),
        messages.OWN_GROUPS_HELP,
        says=mine,
        finds=find,
    )
}
