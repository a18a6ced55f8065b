"""What the platform shows of groups and people. Takes a client, never a session (D5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.groups.rules import LOST_CODES
from app.wecom.client import WecomClient
from app.wecom.errors import HttpFailure, WecomRefused
from models.ids import WecomUserId, fold

UNKNOWN_USERID = 60111
OUT_OF_RANGE = 60011
OUT_OF_WORK = frozenset({2, 5})
"""`status` of user/get: disabled, left."""


@dataclass(frozen=True)
class Gone:
    """The platform knows no such group."""

    at: datetime
    errcode: int


async def read_group(client: WecomClient, chatid: str, *, at: datetime) -> Reading | Gone:
    """Raises for anything that says nothing about the group. An answer without a roster is a reading without one."""
    try:
        chat = await client.get_chat(chatid)
    except WecomRefused as refused:
        if refused.errcode in LOST_CODES:
            return Gone(at, refused.errcode)
        raise
    except HttpFailure as failure:
        if failure.status is not None and failure.status < 300:  # noqa: PLR2004 -- it answered, with a roster of nobody
            return Reading(at, "", "", {})
        raise
    return Reading(at, chat.name, chat.owner, {fold(userid): userid for userid in chat.userids})


async def people_gone(client: WecomClient, userids: Iterable[str]) -> set[WecomUserId]:
    """Of these people, who has lost the account. Asked one by one: nobody is accused of leaving who was deleted."""
    gone: set[WecomUserId] = set()
    for userid in userids:
        try:
            user = await client.get_user(userid)
        except WecomRefused as refused:
            if refused.errcode == UNKNOWN_USERID:
                gone.add(fold(userid))
            elif refused.errcode != OUT_OF_RANGE:
                raise
        else:
            if user.status in OUT_OF_WORK:
                gone.add(fold(userid))
    return gone


@dataclass(frozen=True)
class Reading:
    """A group as `appchat/get` showed it."""

    at: datetime
    """When the reading began: what was changed since may or may not be in it."""
    name: str
    owner: str
    userids: Mapping[WecomUserId, str]
    """Folded → as the platform spells it."""
