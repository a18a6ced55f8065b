"""What the app answers over all domains: what waits, and what can be asked."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.calendar import service as calendars
from app.conversation import messages
from app.conversation.service import help_of
from app.conversation.topics import Asked, Topic
from app.today import service as today
from app.web.pagination import PageQuery

SHOWN: Final = PageQuery(cursor=None, limit=10)


async def todo(session: AsyncSession, asked: Asked) -> str:
    page = await today.waiting_for(session, asked.person.id, page=SHOWN, now=asked.now)
    counts = await today.count_waiting(session, asked.person.id, now=asked.now)
    return messages.todo(
        page.items,
        total=sum(counts.values()),
        zone=calendars.timezone_of(session),
        link=addresses.link(session, addresses.ME),
    )


async def tell_help(session: AsyncSession, _asked: Asked) -> str:
    return help_of(session)


TODO: Final = Topic((messages.TODO, "今日", "今日待办", "todo", "today"), messages.TODO_HELP, says=todo)
HELP: Final = Topic((messages.HELP, "菜单", "您好", "help", "menu"), "", says=tell_help)
