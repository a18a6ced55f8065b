"""One figure of the overview, and what a domain's statement needs to count how old things are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.permissions import Permission, Sight, Words


class Level(StrEnum):
    """What a figure above zero means."""

    WAITING = "waiting"  # in its usual course
    LATE = "late"  # past its deadline
    WRONG = "wrong"  # a person has to look


class Place(StrEnum):
    """The list that a figure counts."""

    ANNOUNCEMENTS = "announcements"
    CALLBACKS = "callbacks"
    CALLBACK_GAPS = "callback_gaps"
    CALLS = "calls"
    FINDINGS = "findings"
    JOBS = "jobs"
    PLATFORM = "platform"
    QUOTA = "quota"
    REQUESTS = "requests"
    RETURNED_MEMBERS = "returned_members"
    SYNC_RUNS = "sync_runs"
    TASKS = "tasks"


@dataclass(frozen=True)
class Link:
    """Where the counted things are listed, and with which filter."""

    to: Place
    filters: Mapping[str, str] = field(default_factory=dict)


def found_in(to: Place, **filters: str) -> Link:
    return Link(to, filters)


async def counted_together(session: AsyncSession, *counts: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """One statement of several, each of one row: their values one after another."""
    parts = [one.subquery() for one in counts]
    joined: FromClause = parts[0]
    for part in parts[1:]:
        joined = joined.join(part, true())
    return tuple((await session.execute(select(*parts).select_from(joined))).one())


SightOf = Callable[[Permission], Sight]
"""How far a permission of the reader goes: `Authority.sight_of`."""

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Ages:
    """How many have been there for how long."""

    under_a_day: int
    under_three_days: int
    under_a_week: int
    older: int

    @staticmethod
    def columns(since: Any, now: datetime) -> tuple[ColumnElement[int], ...]:
        """Four columns of a statement that counts, for `Ages(*row[…])`."""
        day, three, week = now - DAY, now - 3 * DAY, now - 7 * DAY
        return (
            func.count().filter(since > day),
            func.count().filter(since > three, since <= day),
            func.count().filter(since > week, since <= three),
            func.count().filter(since <= week),
        )


@dataclass(frozen=True)
class Measure:
    """What is counted, and where it is listed."""

    name: str
    """`noun.state`, once over all domains: `requests.pending`."""
    level: Level
    chinese: str
    """As people read it."""
    english: str
    permission: Permission
    """To read the list."""
    link: Link
    is_scoped: bool = False
    """It counts what the reader may see. Other figures are of the whole company, for those who may see all of it."""

    def figure(
        self, count: int, since: datetime | None = None, *, ages: Ages | None = None, details: Sequence[Words] = ()
    ) -> Figure:
        return Figure(self, count, since, ages, tuple(details))


@dataclass(frozen=True)
class Figure:
    """How many there are. Zero is a figure too: it says that all is well there."""

    measure: Measure
    count: int
    since: datetime | None = None
    """When the oldest of them began; of late things, when the first deadline passed."""
    ages: Ages | None = None
    details: tuple[Words, ...] = ()
    """What stands beside the number. A sentence that the service has stored is in the company's language alone."""


def whole_company(_permission: Permission) -> Sight:
    """Of who may see everything."""
    return Sight(everything=True)


@dataclass(frozen=True)
class Asked:
    """What an overview is for, and how far the reader sees. Further facts are further fields: no domain's function
    changes for them.
    """

    now: datetime
    sight_of: SightOf = whole_company

    def sees(self, measure: Measure) -> bool:
        sight = self.sight_of(measure.permission)
        return sight.everything or (measure.is_scoped and sight != Sight())


CountFigures = Callable[[AsyncSession, Asked], Awaitable[Sequence[Figure]]]
"""`Domain.overview`: what the domain counts, in one statement."""
