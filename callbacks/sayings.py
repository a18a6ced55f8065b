"""What people write to the app, or say by an entry of its menu (F170). `app.conversation` answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.conversation import service as conversation
from app.conversation.service import SAY, Heard
from app.inbox.rules import DONE, Outcome, Received, ignored
from callbacks.events import MenuUsed, TextMessage
from models.ids import EventId

SAYINGS: Final = frozenset(
    {
        "message.text",
        "message.image",
        "message.voice",
        "message.video",
        "message.location",
        "message.link",
        "click",
    }
)


async def answer(session: AsyncSession, event: Received, typed: Any, now: datetime) -> Outcome:
    said = typed.content if isinstance(typed, TextMessage) else None
    if isinstance(typed, MenuUsed):
        if not typed.key.startswith(SAY):
            return ignored("这一项菜单不是本服务设置的")
        said = typed.key.removeprefix(SAY)
    heard = Heard(EventId(event.id or 0), typed.sender, said, _moment(typed.created))
    why_not = await conversation.answer(session, heard, now=now)
    return ignored(why_not) if why_not else DONE


def _moment(seconds: int | None) -> datetime | None:
    """None for what is no moment of a clock."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None
