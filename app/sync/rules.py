"""Decisions about the organisation: pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.org.rules import EMPLOYED, GONE, OUT_OF_SIGHT, STATUS_BY_NUMBER
from models.org import PersonStatus

LOSSES = (PersonStatus.LEFT, PersonStatus.DISABLED, PersonStatus.INVISIBLE, PersonStatus.MISSING)
"""States whose arrival takes something away from a person; counted against the budget."""

IN_SIGHT = tuple(status for status in EMPLOYED if status is not OUT_OF_SIGHT)
"""Who can become invisible. Where the app sees few of a large company, all of those few are a mass loss."""

UNPLACED = "unplaced"
"""Also a loss: a person without any department. On the platform everybody belongs to at least one."""

CHANGE_WORDS: dict[PersonStatus, str] = {
    PersonStatus.ACTIVE: "activated",
    PersonStatus.DISABLED: "disabled",
    PersonStatus.NOT_ACTIVATED: "deactivated",
    PersonStatus.INVISIBLE: "invisible",
    PersonStatus.MISSING: "missing",
    PersonStatus.LEFT: "left",
}
"""What a change of status is called, by the new status; the exceptions depend on the old one."""

RETURN_WORDS: dict[PersonStatus, str] = {
    PersonStatus.MISSING: "returned",
    PersonStatus.DISABLED: "enabled",
    PersonStatus.INVISIBLE: "visible",
}
"""What it is called to come back to work, by the old status."""


def change_word(old: PersonStatus, new: PersonStatus) -> str:
    if old is new:
        return "updated"
    if new in {PersonStatus.ACTIVE, PersonStatus.NOT_ACTIVATED}:
        return RETURN_WORDS.get(old, CHANGE_WORDS[new])
    return CHANGE_WORDS[new]


@dataclass(frozen=True)
class Observation:
    """What one reading of the platform says about one person."""

    status: PersonStatus | None
    """None while the details could not be read."""
    visible: bool = True
    """False when the app's whole range was read and the person is not in it."""


def status_after(old: PersonStatus, observed: Observation, *, details_known: bool) -> PersonStatus:
    """The status of a known person who was seen. `details_known` is what we had before."""
    if observed.status in GONE:
        return observed.status
    if not observed.visible:
        # Outside the range we learn nothing: a disabled person stays disabled until the platform says otherwise.
        return old if old is PersonStatus.DISABLED else PersonStatus.INVISIBLE
    if observed.status is not None:
        return observed.status
    if old is not PersonStatus.MISSING:
        return old
    return PersonStatus.ACTIVE if details_known else PersonStatus.INVISIBLE


def transitions() -> list[tuple[PersonStatus, PersonStatus | None, bool, bool, PersonStatus, str]]:
    """`status_after` for every case: old, told, visible, details known before → new status and its word.

    The comparison of a hundred thousand people is one statement; it joins this table, so that the rule is written once.
    """
    told = [*STATUS_BY_NUMBER.values(), None]
    return [
        (old, number, visible, known, new, change_word(old, new))
        for old in PersonStatus
        for number in told
        for visible in (True, False)
        for known in (True, False)
        for new in [status_after(old, Observation(number, visible=visible), details_known=known)]
    ]
