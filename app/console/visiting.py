"""What the pages of the console have in common: who may come, filters out of the address, ways to other objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

from fastapi import Depends
from pydantic import Field

from app import addresses
from app.access import service as access
from app.audit.actor import Actor, person_actor
from app.audit.why import About
from app.pages.tables import Choice, Filter
from app.pages.visit import Visit, services_of, visits
from app.permissions import Permission, Words
from app.trace import service as traces
from app.trace.service import Beginning
from app.web.schemas import IN_DIGITS
from models.audit import ObjectKind

Word = TypeVar("Word", bound=StrEnum)

_LARGEST_ID: Final = 2**63 - 1
NumberInPath = Annotated[int, Field(ge=1, le=_LARGEST_ID), IN_DIGITS]
"""The number of a row."""

LONGEST_TYPED: Final = 200

PAGES_OF: Final[Mapping[str, str]] = {
    ObjectKind.ANNOUNCEMENT: addresses.CONSOLE_ANNOUNCEMENTS,
    ObjectKind.API_KEY: addresses.CONSOLE_KEYS,
    ObjectKind.DELIVERY: addresses.CONSOLE_DELIVERIES,
    ObjectKind.DEPARTMENT: addresses.CONSOLE_DEPARTMENTS,
    ObjectKind.GROUP: addresses.CONSOLE_GROUPS,
    ObjectKind.OUTGOING_CALL: addresses.CONSOLE_CALLS,
    ObjectKind.PERSON: addresses.CONSOLE_PEOPLE,
    ObjectKind.RECEIVED_EVENT: addresses.CONSOLE_CALLBACKS,
    ObjectKind.REQUEST: addresses.CONSOLE_REQUESTS,
    ObjectKind.SYNC_RUN: addresses.CONSOLE_SYNC,
    ObjectKind.TASK: addresses.CONSOLE_TASKS,
}
"""The page below which each kind of object has its own."""


class TraceLink(NamedTuple):
    """A trace of an object, and its page."""

    began: Beginning
    address: str


def company_visits(path: str, permission: Permission | None = None) -> Any:
    """As `visits`, for what is about the whole company on a page that is for everybody else too: the document of the
    policy, a change of the calendar. A page that is so as a whole says it in its manifest (`Page.whole_company`).
    """
    asked = visits(path, permission)

    async def visit(found: Visit = asked) -> Visit:
        for wanted in filter(None, (found.page.permission, permission)):
            if not found.authority.sight_of(wanted).everything:
                raise await access.refused_by_name(found.session, wanted, now=found.now)
        return found

    return Depends(visit)


def may(visit: Visit, permission: Permission) -> bool:
    """In the whole company."""
    return visit.authority.sight_of(permission).everything


def actor_of(visit: Visit) -> Actor:
    return person_actor(visit.viewer.person.id)


def way_to(visit: Visit, kind: str, object_id: object) -> str:
    """The address of an object's page, or "" where there is none, or none for this viewer."""
    home = list_of(visit, kind)
    return f"{home}/{quote(str(object_id), safe='')}" if home else ""


def list_of(visit: Visit, kind: str) -> str:
    """The address of the list of such objects, or ""."""
    path = PAGES_OF.get(kind, "")
    page = services_of(visit.request).registry.pages.get(path)
    return path if page is not None and visit.may_open(page) else ""


def trace_of(visit: Visit, correlation_id: str) -> str:
    """The address of a trace, or "" for who may not read them."""
    return f"{addresses.CONSOLE_TRACE}?id={quote(correlation_id)}" if may(visit, Permission.TRACE_READ) else ""


async def traces_of(visit: Visit, about: About) -> list[TraceLink]:
    """The traces in which something was done to an object; none for who may not read them."""
    if not may(visit, Permission.TRACE_READ):
        return []
    return [TraceLink(one, trace_of(visit, one.correlation_id)) for one in await traces.traces_of(visit.session, about)]


def chosen(words: type[Word], value: str) -> Word | None:
    """What a filter names; None for nothing, and for what is no such word."""
    return words(value) if value in list(words) else None


def typed(value: str) -> str:
    """What somebody typed into a filter, as far as a database takes it."""
    return "".join(letter for letter in value if letter.isprintable())[:LONGEST_TYPED].strip()


def one_of(name: str, label: Words, choices: Mapping[Any, Words], value: str) -> Filter:
    """A filter with a list to choose from."""
    listed = [Choice(str(one), words.chinese, words.english) for one, words in choices.items()]
    return Filter(name, label.chinese, label.english, listed, value)


def written(name: str, label: Words, value: str) -> Filter:
    """A filter to type into."""
    return Filter(name, label.chinese, label.english, (), value)


def plain(titled: Mapping[Word, tuple[Words, str]]) -> dict[Word, Words]:
    """The words alone of what has a colour too."""
    return {name: words for name, (words, _) in titled.items()}


def known_ids(ids: Iterable[str | None]) -> list[str]:
    return sorted({one for one in ids if one})
