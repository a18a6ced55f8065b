"""Names, sizes, roster differences and succession, decided from facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.groups.errors import NameRefused, SizeRefused
from app.policy.sections.groups import GroupTypeRule
from app.policy.sections.org import LossBudget
from app.policy.sections.values import PLATFORM_GROUP_SIZE, PLATFORM_NAME_LENGTH
from models.ids import WecomUserId

FEWEST = 2
"""People in a group; below it the platform refuses (86006)."""

LOST_CODES = frozenset({49008, 86003, 40050})
"""`appchat/get` of a group that is there no more. Which of them it answers after a dissolution is not documented."""

ILLEGAL_MEMBER = 86216
"""Adding somebody not in the contacts, or removing somebody not in the group: often it is so already."""

CHAT_EXISTS = 86215
"""Creating with a chatid that exists. Ours is a UUID, so that it was us."""


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


@dataclass(frozen=True)
class Reading:
    """A group as `appchat/get` showed it."""

    at: datetime
    """When the reading began: what was changed since may or may not be in it."""
    name: str
    owner: str
    userids: Mapping[WecomUserId, str]
    """Folded → as the platform spells it."""


@dataclass(frozen=True)
class Stay:
    """One current row of the roster."""

    userid: WecomUserId
    person_id: UUID
    desired: bool
    observed: bool


@dataclass(frozen=True)
class RosterDifference:
    """Who is where, and who ought not to be. Whoever a change under way concerns is in none of them."""

    present: frozenset[WecomUserId]
    """In the group and in our rows."""
    unwanted: frozenset[WecomUserId]
    """Of those: wanted no more."""
    strangers: frozenset[WecomUserId]
    """In the group, in none of our rows."""
    missing: frozenset[WecomUserId]
    """Wanted, seen before, not there now."""
    gone: frozenset[WecomUserId]
    """Wanted no more and not there: the stay is over."""


def difference(
    stays: Sequence[Stay], present: Collection[WecomUserId], *, settling: Collection[WecomUserId] = ()
) -> RosterDifference:
    """Who is wanted and has never been seen is in none of the sets: the call that adds them says what became of it."""
    settled = [stay for stay in stays if stay.userid not in settling]
    inside = frozenset(stay.userid for stay in settled if stay.userid in present)
    outside = [stay for stay in settled if stay.userid not in present]
    return RosterDifference(
        present=inside,
        unwanted=frozenset(stay.userid for stay in settled if stay.userid in inside and not stay.desired),
        strangers=frozenset(present) - {stay.userid for stay in stays} - frozenset(settling),
        missing=frozenset(stay.userid for stay in outside if stay.desired and stay.observed),
        gone=frozenset(stay.userid for stay in outside if not stay.desired),
    )


def is_believable_loss(lost: int, of: int, budget: LossBudget) -> bool:
    """P6 for one group, by the organisation's budget. Everybody at once is never believed."""
    return lost == 0 or (lost < of and not budget.is_exceeded(lost, of))


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
