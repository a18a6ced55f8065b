"""What the app answers over all domains: what waits, and what can be asked."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.conversation import messages
from app.conversation.service import help_of, what_waits
from app.conversation.topics import Asked, Topic


async def todo(session: AsyncSession, asked: Asked) -> str:
    return await what_waits(session, asked.person.id, now=asked.now) or messages.nothing_waits(
        addresses.link(session, addresses.ME)
    )


async def tell_help(session: AsyncSession, _asked: Asked) -> str:
    return help_of(session)


TODO: Final = Topic((messages.TODO, "今日", "今日待办", "todo", "today"), messages.TODO_HELP, says=todo)
HELP: Final = Topic((messages.HELP, "菜单", "您好", "help", "menu"), "", says=tell_help)
