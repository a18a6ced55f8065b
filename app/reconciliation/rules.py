"""Who is where and who ought not to be, decided from facts. Pure."""

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
