"""What in a row of an answer could not be taken as it came: each costs its field, and is told (F30)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.wecom.answers.repair import repaired_fields
from app.wecom.fields import whole

_NAMES = ("userid", "id", "tagid", "tagname", "name")
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Fault:
    """One field of one row."""

    who: str
    """The row, by what names it: `userid 'zhangsan'`, `id 7`."""
    field: str
    """Its place in the row, under the platform's name."""
    is_repaired: bool = False
    """A text without its illegal characters. Otherwise the value is not used."""

    def __str__(self) -> str:
        return f"{self.who}: {self.field}"


def row_name(raw: Any) -> str:
    """What names this row of the platform, as far as anything does."""
    if isinstance(raw, Mapping):
        for name in _NAMES:
            if (value := raw.get(name)) not in (None, ""):
                return f"{name} {value!r}"[:_LONGEST_NAME]
    return "?"


def misfits(raw: Any, numbers: Collection[str]) -> list[Fault]:
    """The fields among `numbers` (each a number or a list of them) that hold something else, or too much."""
    if not isinstance(raw, Mapping):
        return []
    return [Fault(row_name(raw), name) for name in numbers if not _holds_numbers(raw.get(name))]


def repairs(raw: Any) -> list[Fault]:
    return [Fault(row_name(raw), field, is_repaired=True) for field in repaired_fields(raw)]


def _holds_numbers(value: Any) -> bool:
    if value is None or value == "":
        return True
    if isinstance(value, list):
        return all(whole(item) is not None for item in value)
    return whole(value) is not None or (isinstance(value, str) and "|" in value)
