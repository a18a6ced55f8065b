"""Tables: columns, filters that stand in the address, and pages of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query

from app.web.pagination import PageQuery

Shown = TypeVar("Shown")

ROWS = 50
"""Rows of a page: 2,000 are 40 of them, and each comes within its 50 ms."""


@dataclass(frozen=True)
class Choice:
    """One value of a filter."""

    value: str
    chinese: str
    english: str


@dataclass(frozen=True)
class Filter:
    """A filter of a table: a list to choose from, or a field to type into when it has no choices."""

    name: str
    chinese: str
    english: str
    choices: Sequence[Choice] = ()
    value: str = ""


@dataclass(frozen=True)
class Table(Generic[Shown]):
    """What is drawn: the rows of this page, and how to come to the next."""

    rows: Sequence[Shown]
    next_cursor: str | None
    filters: Sequence[Filter] = field(default_factory=tuple)

    @property
    def is_filtered(self) -> bool:
        return any(one.value for one in self.filters)


def page_at(cursor: str | None) -> PageQuery:
    """For a service that takes a page of its list."""
    return PageQuery(cursor=cursor, limit=ROWS)


def _cursor(cursor: Annotated[str | None, Query(max_length=2_000)] = None) -> str | None:
    return cursor or None


SortDep = Annotated[str, Query(max_length=32)]
"""The order that somebody has chosen: `name`, or `-name` for the other way round. Annotate with a default of ""."""

CursorDep = Annotated[str | None, Depends(_cursor)]
