"""What a change of a group asks for, and what of it is still missing. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.groups.group_names import shown_name
from models.ids import WecomUserId, fold


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
