"""Who belongs to the company, who can act, who is gone: one definition each. Pure.

| Word | Statuses | Asked when |
|---|---|---|
| *employed* | active, not activated, invisible, missing | somebody belongs to a department, a post, an audience |
| *may act* | active, missing | somebody decides, owns, joins, leads, publishes, is assigned or told (P6) |
| *gone* | disabled, left | somebody loses their groups, requests and tasks (policy 2.6, 8.2) |

Invisible and missing people are employed: neither is a departure. One reading that left somebody out takes nothing from
them: whoever is missing keeps acting until they have left. Of several, those who were seen are chosen first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from models.ids import LARGEST_NUMBER, DepartmentId
from models.org import Person, PersonStatus

EMPLOYED = (
    PersonStatus.ACTIVE,
    PersonStatus.NOT_ACTIVATED,
    PersonStatus.INVISIBLE,
    PersonStatus.MISSING,
)
MAY_ACT = (PersonStatus.ACTIVE, PersonStatus.MISSING)
OUT_OF_SIGHT = PersonStatus.INVISIBLE
HAS_LEFT = PersonStatus.LEFT
GONE = (PersonStatus.LEFT, PersonStatus.DISABLED)

STATUS_BY_NUMBER: dict[int, PersonStatus] = {
    1: PersonStatus.ACTIVE,
    2: PersonStatus.DISABLED,
    4: PersonStatus.NOT_ACTIVATED,
    5: PersonStatus.LEFT,
}
"""The platform's number (callbacks §3.4) → our status."""

CONTACTS = (
    "联系方式",
    "联系电话",
    "手机",
    "手机号",
    "手机号码",
    "电话",
    "办公电话",
    "座机",
    "分机",
    "分机号",
    "邮箱",
    "电子邮箱",
)
"""Names of extended attributes that say how to reach somebody. Mobile and mail themselves no app may read (F34)."""

DEPUTY = "副"

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def department_written(text: str) -> DepartmentId | None:
    """The department id that somebody typed; None where the text is none, like ² or 60 digits."""
    number = int(text) if _NUMBER.fullmatch(text) else None
    return DepartmentId(number) if number is not None and number <= LARGEST_NUMBER else None


def may_act(person: Person) -> bool:
    return person.status in MAY_ACT


def seen_first(people: Iterable[Person]) -> list[Person]:
    """Those who may act, in the order given, but whom the last reading left out behind the others."""
    return sorted(filter(may_act, people), key=lambda person: person.status is PersonStatus.MISSING)


class WithStatus(Protocol):
    """A person, or a reading of one."""

    @property
    def status(self) -> PersonStatus: ...


def why_not(person: WithStatus) -> str:
    """Why somebody may not act, to be read behind a name or "的账号". Empty if they may."""
    return _WHY_NOT.get(person.status, "")


_WHY_NOT = {
    PersonStatus.NOT_ACTIVATED: "还没有激活",
    PersonStatus.INVISIBLE: "暂时读不到资料（不在应用的可见范围内）",
    PersonStatus.DISABLED: "已停用",
    PersonStatus.LEFT: "已离职",
}


def contact_of(person: Person) -> str:
    """How to reach them, as far as the contact book shows an app. Empty if it does not."""
    known = person.extra or {}
    return next((f"{name} {known[name]}" for name in CONTACTS if str(known.get(name) or "").strip()), "")


def is_deputy(person: Person) -> bool:
    """By the post's title (副部长, 研发部副经理): the platform knows leaders of a department and ranks none of them."""
    return DEPUTY in person.position


def was_seen(person: Person) -> bool:
    """They may act, and the last reading has shown them."""
    return person.status is PersonStatus.ACTIVE


def is_out_of_sight(person: Person) -> bool:
    """The readings name them, and cannot tell anything else."""
    return person.status is OUT_OF_SIGHT


def is_gone(person: Person) -> bool:
    return person.status in GONE


def is_gone_by_number(status: int | None) -> bool:
    """As `is_gone`, of an account that was just read."""
    return status is not None and STATUS_BY_NUMBER.get(status) in GONE


def parents_shown(parents: Mapping[int, int | None]) -> dict[int, int | None]:
    """Under which department each one is shown; None at the top.

    At the top stand those whose parent cannot be seen and, of departments that are their own ancestor, the first in
    the order given: nobody is lost from the tree.
    """
    order = {department_id: place for place, department_id in enumerate(parents)}
    shown = {department_id: parent if parent in order else None for department_id, parent in parents.items()}
    settled: set[int] = set()
    for department_id in parents:
        way: dict[int, None] = {}
        here: int | None = department_id
        while here is not None and here not in settled and here not in way:
            way[here] = None
            here = shown[here]
        if here in way:
            ring = list(way)[list(way).index(here) :]
            shown[min(ring, key=order.__getitem__)] = None
        settled |= way.keys()
    return shown
