"""Names, sizes, roster differences and succession, decided from facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.groups.errors import NameRefused, SizeRefused
from app.policy.sections.groups import GroupTypeRule
from app.policy.sections.values import PLATFORM_GROUP_SIZE, PLATFORM_NAME_LENGTH

FEWEST = 2
"""People in a group; below it the platform refuses (86006)."""

LOST_CODES = frozenset({49008, 86003, 40050})
"""`appchat/get` of a group that is there no more. Which of them it answers after a dissolution is not documented."""

ILLEGAL_MEMBER = 86216
"""Adding somebody not in the contacts, or removing somebody not in the group: often it is so already."""

CHAT_EXISTS = 86215
"""Creating with a chatid that exists. Ours is a UUID, so that it was us."""


class RosterRule(BaseModel):
    """Whom the application named (`groups.roster_rule`): userids, and departments with everybody in them."""

    model_config = ConfigDict(frozen=True)

    userids: Sequence[str] = ()
    departments: Sequence[int] = ()


def chatid_of(group_id: UUID) -> str:
    """Our own chatid: 32 characters of 0-9a-z. The same again on every attempt, which makes creation idempotent."""
    return group_id.hex


def shown_name(name: str) -> str:
    """What the platform keeps of a name; it cuts without a word."""
    return name[:PLATFORM_NAME_LENGTH]


def check_name(name: str, rule: GroupTypeRule, *, longest: int, clause: str) -> None:
    """Policy 1.3, before the platform cuts the rest away."""
    longest = min(longest, PLATFORM_NAME_LENGTH)
    if len(name) > longest:
        raise NameRefused(f"群名称最多 {longest} 个字符，“{name}”有 {len(name)} 个（{clause}）", longest=longest)
    if not re.fullmatch(rule.name_pattern, name):
        raise NameRefused(f"{rule.title}的名称应为“{rule.name_hint}”，“{name}”不符合（{clause}）", hint=rule.name_hint)


def check_size(people: int, rule: GroupTypeRule, *, clause: str) -> None:
    """Policy 1.6 and the platform's cap; both count the app itself."""
    most = min(rule.max_members, PLATFORM_GROUP_SIZE) - 1
    if people < FEWEST:
        raise SizeRefused(f"群内至少 {FEWEST} 人（含群主），现有 {people} 人", fewest=FEWEST)
    if people > most:
        raise SizeRefused(f"{rule.title}最多 {most} 人（另有应用占 1 个名额），现有 {people} 人（{clause}）", most=most)


# ---------------------------------------------------------------- rosters


# ---------------------------------------------------------------- succession


class SuccessionBasis(StrEnum):
    DEPUTY = "deputy"  # named by the policy's own register: nobody needs to look at it
    HEAD = "department_head"
    FIRST = "first_member"  # somebody has to be it; a person decides whether they stay


@dataclass(frozen=True)
class Succession:
    person_id: UUID
    basis: SuccessionBasis


def choose_successor(*, deputy: UUID | None, heads: Collection[UUID], remaining: Sequence[UUID]) -> Succession | None:
    """Policy 1.9: the deputy, else a head of the department, else whoever has been in longest. Members only (86207)."""
    if deputy is not None and deputy in remaining:
        return Succession(deputy, SuccessionBasis.DEPUTY)
    for person_id in remaining:
        if person_id in heads:
            return Succession(person_id, SuccessionBasis.HEAD)
    return Succession(remaining[0], SuccessionBasis.FIRST) if remaining else None
