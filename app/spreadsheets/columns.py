"""What stands in a spreadsheet: columns with a type, each of which knows how to read its cell from a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

Row = TypeVar("Row")
Cell = str | int | float | datetime | None

_NARROW, _USUAL, _MOMENT = 10, 18, 20


class CellKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"


class Somebody(Protocol):
    """A person as lists name them: `app.org.service.NamedPerson`."""

    @property
    def name(self) -> str: ...
    @property
    def department(self) -> str: ...
    @property
    def userid(self) -> str: ...


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of rows of this type."""

    title: str
    english: str
    value: Callable[[Row], Cell]
    kind: CellKind = CellKind.TEXT
    width: int = _USUAL
    """In characters."""


def words(title: str, english: str, value: Callable[[Row], str | None], *, width: int = _USUAL) -> Column[Row]:
    """Text: whatever it looks like, a spreadsheet program takes it for nothing else."""
    return Column(title, english, value, CellKind.TEXT, width)


def number(title: str, english: str, value: Callable[[Row], float | None]) -> Column[Row]:
    return Column(title, english, value, CellKind.NUMBER, _NARROW)


def moment(title: str, english: str, value: Callable[[Row], datetime | None]) -> Column[Row]:
    """A moment with its zone; the file shows it in the company's."""
    return Column(title, english, value, CellKind.MOMENT, _MOMENT)


def person(value: Callable[[Row], Somebody | None], *, role: str = "", english: str = "") -> list[Column[Row]]:
    """Name, departments and userid: three columns. `role` stands before each where a list names several people."""

    def of(row: Row, read: Callable[[Somebody], str]) -> str:
        somebody = value(row)
        return "" if somebody is None else read(somebody)

    before = f"{english} " if english else ""
    return [
        words(f"{role}姓名", f"{before}Name", lambda row: of(row, lambda one: one.name)),
        words(f"{role}部门", f"{before}Department", lambda row: of(row, lambda one: one.department), width=28),
        words(f"{role}账号", f"{before}Userid", lambda row: of(row, lambda one: one.userid)),
    ]


@dataclass(frozen=True)
class Sheet(Generic[Row]):
    """The columns of a file, in the language of who reads it."""

    name: str
    """Of the table and of the file, without its ending."""
    columns: Sequence[Column[Row]]
    zone: ZoneInfo
    in_english: bool = False

    @property
    def titles(self) -> list[str]:
        return [column.english if self.in_english else column.title for column in self.columns]

    def cells(self, row: Row) -> list[Cell]:
        """Moments as the company's clocks show them, without their zone."""
        return [self._shown(column.value(row)) for column in self.columns]

    def _shown(self, value: Cell) -> Cell:
        return value.astimezone(self.zone).replace(tzinfo=None) if isinstance(value, datetime) else value
