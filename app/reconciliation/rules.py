"""Differences between a roster and a snapshot, and whether to believe them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.policy.sections.org import LossBudget
from models.ids import WecomUserId


@dataclass(frozen=True)
class Stay:
    """One current row of the roster."""

    userid: WecomUserId
    person_id: UUID
    desired: bool
    observed: bool


@dataclass(frozen=True)
class RosterDifference:
    """Members by how roster and snapshot differ. Nobody whom a change under way concerns is in any of the sets."""

    present: frozenset[WecomUserId]
    """In the group and in our rows."""
    should_leave: frozenset[WecomUserId]
    """Those of the present who are not desired."""
    unregistered: frozenset[WecomUserId]
    """In the group, in none of our rows."""
    missing: frozenset[WecomUserId]
    """Desired and observed before, but not in the group now."""
    has_left: frozenset[WecomUserId]
    """Not desired and not in the group: the stay is over."""


def difference(
    stays: Sequence[Stay], present: Collection[WecomUserId], *, pending: Collection[WecomUserId] = ()
) -> RosterDifference:
    """Somebody desired but never observed is in none of the sets: the change that adds them tells what became of it."""
    settled = [stay for stay in stays if stay.userid not in pending]
    inside = frozenset(stay.userid for stay in settled if stay.userid in present)
    outside = [stay for stay in settled if stay.userid not in present]
    return RosterDifference(
        present=inside,
        should_leave=frozenset(stay.userid for stay in settled if stay.userid in inside and not stay.desired),
        unregistered=frozenset(present) - {stay.userid for stay in stays} - frozenset(pending),
        missing=frozenset(stay.userid for stay in outside if stay.desired and stay.observed),
        has_left=frozenset(stay.userid for stay in outside if not stay.desired),
    )


def is_believable_loss(lost: int, of: int, budget: LossBudget) -> bool:
    """P6 for one group, by the organisation's loss budget. The loss of everybody is never believable."""
    return lost == 0 or (lost < of and not budget.is_exceeded(lost, of))
