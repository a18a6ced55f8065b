"""Names, sizes, changes and succession, decided from facts. Pure."""

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
from models.ids import WecomUserId, fold


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


class RosterRule(BaseModel):
    """Whom the application named (`groups.roster_rule`): userids, and departments with everybody in them."""

    model_config = ConfigDict(frozen=True)

    userids: Sequence[str] = ()
    departments: Sequence[int] = ()


def chatid_of(group_id: UUID) -> str:
    """Our own chatid: 32 characters of 0-9a-z. Every attempt uses the same one, which makes creation idempotent."""
    return group_id.hex


def shown_name(name: str) -> str:
    """What the platform keeps of a name. It cuts longer names without an error."""
    return name[:PLATFORM_NAME_LENGTH]


def check_name(name: str, rule: GroupTypeRule, *, longest: int, clause: str) -> None:
    """Policy 1.3, checked before the platform cuts a name that is too long."""
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


# ---------------------------------------------------------------- changes


@dataclass(frozen=True)
class Account:
    """Somebody whom a change adds or removes."""

    userid: str
    """As the platform spells it."""
    person_id: UUID | None
    """None where nobody knows any more whom the userid named: rows from before changes were recorded."""


@dataclass(frozen=True)
class GroupUpdate:
    """What one change asks for: people added and removed, another owner, another name."""

    add: tuple[Account, ...] = ()
    remove: tuple[Account, ...] = ()
    owner: str | None = None
    """userid, as the platform spells it."""
    name: str | None = None

    @property
    def people(self) -> tuple[Account, ...]:
        return self.add + self.remove

    @property
    def person_ids(self) -> set[UUID]:
        return {account.person_id for account in self.people if account.person_id is not None}

    def without(self, rest: GroupUpdate) -> GroupUpdate:
        """The part of this update that `rest` does not ask for."""
        return GroupUpdate(
            add=tuple(account for account in self.add if account not in rest.add),
            remove=tuple(account for account in self.remove if account not in rest.remove),
            owner=None if rest.owner else self.owner,
            name=None if rest.name else self.name,
        )


def remaining(update: GroupUpdate, *, name: str, owner: str, members: Collection[WecomUserId]) -> GroupUpdate | None:
    """What of the update a group with this name, owner and members still lacks. None when it lacks nothing."""
    rest = GroupUpdate(
        add=tuple(account for account in update.add if fold(account.userid) not in members),
        remove=tuple(account for account in update.remove if fold(account.userid) in members),
        owner=update.owner if update.owner and fold(update.owner) != fold(owner) else None,
        name=update.name if update.name and shown_name(update.name) != shown_name(name) else None,
    )
    return None if rest == GroupUpdate() else rest


@dataclass(frozen=True)
class PendingChanges:
    """What our own changes concern that a snapshot may not show yet. A comparison leaves it alone."""

    userids: frozenset[WecomUserId] = frozenset()
    """People being added or removed."""
    owner: bool = False
    name: bool = False


# ---------------------------------------------------------------- succession


class SuccessionBasis(StrEnum):
    DEPUTY = "deputy"  # registered as the successor: nobody needs to confirm it
    HEAD = "department_head"
    FIRST = "first_member"  # a group needs an owner; a person decides whether this one stays


@dataclass(frozen=True)
class Succession:
    person_id: UUID
    basis: SuccessionBasis


def choose_successor(*, deputy: UUID | None, heads: Collection[UUID], remaining: Sequence[UUID]) -> Succession | None:
    """Policy 1.9: the deputy, else a head of the department, else the longest-standing member. Members only (86207)."""
    if deputy is not None and deputy in remaining:
        return Succession(deputy, SuccessionBasis.DEPUTY)
    for person_id in remaining:
        if person_id in heads:
            return Succession(person_id, SuccessionBasis.HEAD)
    return Succession(remaining[0], SuccessionBasis.FIRST) if remaining else None
