"""What is kept about somebody, as people read it: names for ids, words for codes, lines for documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.service import ShownFields
from app.groups import queries as groups
from app.kept_data import Kept, KeptRow
from app.org import queries as org
from app.pages import messages
from app.pages.drawing.messages import browser_in_english, in_english, row_in_english
from app.pages.drawing.moments import Reader
from app.pages.drawing.words import ENDINGS, ORG_CHANGES, REACHES, TASK_STEPS, WAYS, words_of
from app.permissions import Words
from models.ids import fold
from models.org import PersonStatus

NOTHING: Final = Words("—", "—")
"""A state that says that there is nothing to say."""

YES: Final = Words("是", "yes")
NO: Final = Words("否", "no")

NAMELESS: Final = Words("已不存在", "no longer there")
"""A group or department that nothing is known of any more."""

PARTS: Final[Mapping[str, Words]] = {
    "owner": Words("负责人", "owner"),
    "assigner": Words("布置人", "assigner"),
    "collaborator": Words("协作人", "collaborator"),
}

LABELS: Final[Mapping[str, Words]] = {
    "userid": Words("账号", "Userid"),
    "name": Words("姓名", "Name"),
    "alias": Words("别名", "Alias"),
    "position": Words("职务", "Title"),
    "status": Words("状态", "Status"),
    "main_department_id": Words("主部门", "Main department"),
    "department_ids": Words("所在部门", "Departments"),
    "department_id": Words("部门", "Department"),
    "direct_leader_userids": Words("直接上级", "Direct leaders"),
    "extra": Words("扩展属性", "Extended attributes"),
    "details_known": Words("读得到资料", "Details can be read"),
    "missing_runs": Words("连续没有读到的次数", "Readings that missed them"),
    "sort_order": Words("排序", "Order"),
    "is_leader": Words("部门负责人", "Leads it"),
    "same_department": Words("回到原部门", "Back in their department"),
}
"""The members of a change of an account, in the order in which they are told."""

ORDER: Final = {name: place for place, name in enumerate(LABELS)}

UNSAID: Final = frozenset({"into"})
"""Members that name a row of ours, which is nothing to people."""


def _why(code: str) -> Words:
    words = messages.reason(code)
    return messages.OTHER if words.chinese == code else words


CODES: Final[Mapping[tuple[str, str], Callable[[str], Words]]] = {
    ("deliveries", "purpose"): messages.purpose,
    ("deliveries", "reason"): _why,
    ("group_memberships", "reason"): lambda code: messages.STAY_REASONS.get(code, messages.OTHER),
    ("receipts", "confirmed_via"): lambda code: messages.VIAS.get(code, messages.OTHER),
    ("decisions", "via"): lambda code: messages.VIAS.get(code, messages.OTHER),
    ("task_entries", "via"): lambda code: messages.VIAS.get(code, messages.OTHER),
    ("task_entries", "kind"): lambda code: TASK_STEPS.get(code, messages.OTHER),
    ("tasks", "part"): lambda code: PARTS.get(code, messages.OTHER),
    ("changes", "change"): lambda code: ORG_CHANGES.get(code, messages.OTHER),
    ("sessions", "ended_because"): lambda code: ENDINGS.get(code, messages.OTHER),
    ("sessions", "way"): lambda code: WAYS.get(code, messages.OTHER),
    ("grants", "reach"): lambda code: REACHES.get(code, messages.OTHER),
}
"""By kind and column: what is kept as a code. What people wrote themselves stands in columns of the same name."""

STORED: Final[Mapping[tuple[str, str], Callable[[str], str]]] = {
    ("requests", "title"): in_english,
    ("requests_about", "title"): in_english,
    ("decisions", "title"): in_english,
    ("sessions", "browser"): browser_in_english,
}
"""By kind and column: sentences that were stored in Chinese, and how they read in English."""

PLACES: Final = frozenset({("grants", "place"), ("receipts", "source")})
DEPARTMENTS: Final = frozenset({"department_id", "main_department_id", "department_ids"})
LEADERS: Final = "direct_leader_userids"


@dataclass(frozen=True)
class Names:
    """Of everything that the rows name by an id, read at once."""

    groups: Mapping[UUID, str]
    departments: Mapping[int, str]
    people: Mapping[str, str]
    """By folded userid."""


async def names_in(session: AsyncSession, kinds: Sequence[Kept]) -> Names:
    group_ids: set[UUID] = set()
    departments: set[int] = set()
    userids: set[str] = set()
    for member, value in _members(kinds):
        if member == LEADERS:
            userids.update(value or ())
        elif member in DEPARTMENTS:
            departments.update(_listed(value))
        elif number := _number(value):
            departments.add(number)
        elif group_id := _group(value):
            group_ids.add(group_id)
    found = await org.people_by_userids(session, userids) if userids else {}
    known = await groups.groups_by_id(session, list(group_ids)) if group_ids else {}
    return Names(
        {key: group.desired_name for key, group in known.items()},
        await org.department_names(session, departments) if departments else {},
        {userid: person.name for userid, person in found.items()},
    )


def _members(kinds: Sequence[Kept]) -> Iterator[tuple[str, Any]]:
    """What names something: columns, and members of documents."""
    for kind in kinds:
        for row in kind.rows:
            for name, value in row:
                if (kind.name, name) in PLACES or name == LEADERS:
                    yield name, value
                elif isinstance(value, dict):
                    yield from ((key, one) for key, one in value.items() if key == LEADERS or key in DEPARTMENTS)


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _number(place: str) -> int | None:
    number = place.removeprefix("department:")
    return int(number) if number.isdecimal() else None


def _group(place: str) -> UUID | None:
    try:
        return UUID(place.removeprefix("group:"))
    except ValueError:
        return None


@dataclass(frozen=True)
class Told:
    """Says rows in the reader's language."""

    reader: Reader
    names: Names
    titles: Mapping[str, Mapping[str, Words]]
    """By column: how the policy calls what it names."""

    def cells(self, kind: Kept, row: KeptRow) -> list[Any]:
        return [self._cell(kind.name, name, getattr(row, name)) for name in kind.columns.for_people()]

    def _say(self, words: Words) -> str:
        return words.english if self.reader.reads_english else words.chinese

    def _cell(self, kind: str, name: str, value: Any) -> Any:
        if value is None or value == "":
            return self._say(NOTHING)
        if (kind, name) in PLACES:
            return self._place(value)
        if (kind, name) in CODES:
            return self._say(CODES[kind, name](value))
        if isinstance(value, ShownFields):
            return self._lines(self._rows(value.fields))
        if isinstance(value, dict):
            return self._lines(self._document(value))
        return self._value(name, self._stored(kind, name, value))

    def _rows(self, rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for label, value in rows:
            yield (in_english(label), row_in_english(value, label)) if self.reader.reads_english else (label, value)

    def _stored(self, kind: str, name: str, value: Any) -> Any:
        read = STORED.get((kind, name)) if self.reader.reads_english else None
        return read(value) if read is not None else value

    def _value(self, name: str, value: Any) -> Any:
        """Of a column, or of a member of a document."""
        words = self._words(name, value)
        if words is not None:
            return self._say(words)
        if isinstance(value, datetime):
            return self.reader.shown(value)
        if name == LEADERS:
            return self._joined(self.names.people.get(fold(userid), userid) for userid in _listed(value))
        if name in DEPARTMENTS:
            return self._joined(self._department(number) for number in _listed(value))
        if isinstance(value, dict):
            return self._joined(f"{key} {self._value('', one)}" for key, one in value.items())
        return self._joined(self._value("", one) for one in value) if isinstance(value, list | tuple) else value

    def _words(self, name: str, value: Any) -> Words | None:
        """What has words of its own, whatever it stands in."""
        if value is None or value == "":
            return NOTHING
        if isinstance(value, bool):
            return YES if value else NO
        if name in self.titles:
            return self.titles[name].get(value, messages.OTHER)
        if name == "status" and not isinstance(value, StrEnum):
            return words_of(PersonStatus(value)) if value in list(PersonStatus) else messages.OTHER
        return (words_of(value) or NOTHING) if isinstance(value, StrEnum) else None

    def _joined(self, parts: Iterable[Any]) -> str:
        return (", " if self.reader.reads_english else "、").join(map(str, parts)) or self._say(NOTHING)

    def _department(self, number: int) -> str:
        return self.names.departments.get(number) or self._say(NAMELESS)

    def _place(self, place: str) -> str:
        if number := _number(place):
            return self._department(number)
        group_id = _group(place)
        if group_id is None:
            return self._say(Words("直接选定", "chosen by name"))
        return self.names.groups.get(group_id) or self._say(NAMELESS)

    def _document(self, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for key in sorted(document.keys() - UNSAID, key=lambda one: (ORDER.get(one, len(ORDER)), one)):
            yield self._say(LABELS.get(key) or Words(key, key)), self._value(key, document[key])

    def _lines(self, lines: Iterable[tuple[str, Any]]) -> str:
        colon = ": " if self.reader.reads_english else "："
        return Markup("<br>").join(f"{label}{colon}{value}" for label, value in lines) or self._say(NOTHING)
