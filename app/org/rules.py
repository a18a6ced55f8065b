"""Who belongs to the company, who can act, who is gone: one definition each. Pure.

| Word | Statuses | Asked when |
|---|---|---|
| *employed* | active, not activated, invisible, missing | somebody belongs to a department, a post, an audience |
| *reachable* | active | a group call names somebody: the platform takes the account |
| *may act* | active, missing | somebody approves, leads or publishes: one wrong reading silences nobody (P6) |
| *gone* | disabled, left | somebody loses their groups, requests and tasks (policy 2.6, 8.2) |

Invisible and missing people are employed: neither is a departure.
"""

from __future__ import annotations

from models.org import Person, PersonStatus

EMPLOYED = (
    PersonStatus.ACTIVE,
    PersonStatus.NOT_ACTIVATED,
    PersonStatus.INVISIBLE,
    PersonStatus.MISSING,
)
MAY_ACT = (PersonStatus.ACTIVE, PersonStatus.MISSING)
GONE = (PersonStatus.LEFT, PersonStatus.DISABLED)


def is_reachable(person: Person) -> bool:
    return person.status is PersonStatus.ACTIVE


def may_act(person: Person) -> bool:
    return person.status in MAY_ACT


def is_gone(person: Person) -> bool:
    return person.status in GONE
