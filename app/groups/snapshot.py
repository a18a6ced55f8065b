"""What the platform shows of groups and people. Takes a client, never a session (D5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.groups.changes.update import GroupUpdate, remaining
from app.groups.rules import LOST_CODES
from app.org.rules import is_gone_by_number
from app.wecom.client import WecomClient
from app.wecom.errors import HttpFailure, WecomRefused
from models.ids import WecomUserId, fold

UNKNOWN_USERID = 60111
OUT_OF_RANGE = 60011


@dataclass(frozen=True)
class GroupGone:
    """The platform does not know the group (any more)."""

    at: datetime
    errcode: int


@dataclass(frozen=True)
class GroupSnapshot:
    """A group as `appchat/get` showed it."""

    at: datetime
    """When reading began. The snapshot may or may not show later changes."""
    name: str
    owner: str
    userids: Mapping[WecomUserId, str]
    """Folded → as the platform spells it."""

    def lacks(self, update: GroupUpdate) -> GroupUpdate | None:
        """What of the update the group still lacks. None when it lacks nothing."""
        return remaining(update, name=self.name, owner=self.owner, members=self.userids)


async def read_group(client: WecomClient, chatid: str, *, at: datetime) -> GroupSnapshot | GroupGone:
    """Read a group. An answer without a roster gives a snapshot without members.

    Raises `WecomError` for every failure that says nothing about the group itself.
    """
    try:
        chat = await client.get_chat(chatid)
    except WecomRefused as refused:
        if refused.errcode in LOST_CODES:
            return GroupGone(at, refused.errcode)
        raise
    except HttpFailure as failure:
        if failure.status is not None and failure.status < 300:  # noqa: PLR2004 -- an answer, with an empty roster
            return GroupSnapshot(at, "", "", {})
        raise
    return GroupSnapshot(at, chat.name, chat.owner, {fold(userid): userid for userid in chat.userids})


async def people_gone(client: WecomClient, userids: Iterable[str]) -> set[WecomUserId]:
    """Those of these people whose account was disabled or deleted: they did not leave the group by themselves."""
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
            if is_gone_by_number(user.status):
                gone.add(fold(userid))
    return gone
