"""How many people a group may have (1.6), and what its calls and applications are called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.groups.errors import SizeRefused
from app.policy.sections.groups import GroupTypeRule
from app.policy.sections.values import PLATFORM_GROUP_SIZE
from app.policy.service import Citation


class GroupPurpose(StrEnum):
    """What a call or a message about a group is for."""

    CREATE = "group.create"
    ROSTER = "group.roster"
    FIRST_MESSAGE = "group.first_message"
    WELCOME = "group.welcome"
    INFORMED = "group.informed"
    OWNER = "group.owner"
    REMOVED = "group.removed"


FEWEST = 2
"""People in a group; below it the platform refuses (86006)."""

LOST_CODES = frozenset({49008, 86003, 40050})
"""Answers of `appchat/get` for a group that no longer exists. The platform does not document which one follows a
dissolution."""

ILLEGAL_MEMBER = 86216
"""Adding somebody who is not in the contacts, or removing somebody who is not in the group. Often the group is already
as it should be."""


CONFIDENTIAL = "confidential"

READ_AGAIN_WITHIN = timedelta(days=7)
"""So long after a foundation, a failure or a departure a good reading puts right what a wrong one has done. After that
nobody expects it any more."""


MEMBERSHIP_KINDS = ("join", "exit")
"""What somebody applies for about a group that they are in, or are not in."""


def membership_key(group_id: UUID, person_id: UUID) -> str:
    """What an application to join or to leave is about: one of each is open at most."""
    return f"group:{group_id} person:{person_id}"


class RosterRule(BaseModel):
    """Whom the application named (`groups.roster_rule`): userids, and departments with everybody in them."""

    model_config = ConfigDict(frozen=True)

    userids: Sequence[str] = ()
    departments: Sequence[int] = ()
    left_out: Sequence[UUID] = ()
    """Who belonged to the departments when the group was founded, and was not shown by the readings: they come in when
    they are read again within `READ_AGAIN_WITHIN`."""


def chatid_of(group_id: UUID) -> str:
    """Our own chatid: 32 characters of 0-9a-z. Every attempt uses the same one, which makes creation idempotent."""
    return group_id.hex


def check_size(people: int, rule: GroupTypeRule, *, citation: Citation) -> None:
    """Policy 1.6 and the platform's cap; both count the app itself."""
    most = min(rule.max_members, PLATFORM_GROUP_SIZE) - 1
    if people < FEWEST:
        raise SizeRefused(
            f"群内至少 {FEWEST} 人（含群主），现有 {people} 人",
            f"A group has at least {FEWEST} people with its owner, and this one {people}",
            fewest=FEWEST,
        )
    if people > most:
        raise SizeRefused(
            f"{rule.title}最多 {most} 人（另有应用占 1 个名额），现有 {people} 人（{citation.label}）",
            f"A group of the type {rule.title} has at most {most} people beside the app, and this one "
            f"{people} ({citation.english})",
            most=most,
        )
