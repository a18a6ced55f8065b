"""Field types that read what the platform sends, however it sends it: numbers as text, lists joined by `|`, null.

A strange value becomes the empty one; a row is never lost for one of its fields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.ids import LARGEST_NUMBER

SMALLEST_NUMBER = -LARGEST_NUMBER - 1
USUAL_LIFETIME = 7_200
LONGEST_LIFETIME = 86_400


def whole(value: Any) -> int | None:
    """The whole number, as a number or as a text; None for anything else, and for what no column holds."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not SMALLEST_NUMBER <= number <= LARGEST_NUMBER or (isinstance(value, float) and number != value):
        return None
    return number


def whole_or_zero(value: Any) -> int:
    return whole(value) or 0


def items(value: Any) -> list[Any]:
    """The list; a single number, as which some send a list of one, is one of one."""
    if isinstance(value, list):
        return list(value)
    return [value] if whole(value) is not None and not isinstance(value, bool) else []


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (list, dict)) else str(value)


def _maybe_text(value: Any) -> str | None:
    return _text(value) or None


def _moment(value: Any) -> datetime | None:
    """Unix seconds, as a number or as a string. None for what is none, and for a time beyond the calendar."""
    if (seconds := whole(value)) is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _lifetime(value: Any) -> int:
    seconds = whole(value)
    return USUAL_LIFETIME if seconds is None else min(seconds, LONGEST_LIFETIME)


def flag(value: Any) -> bool:
    return whole(value) == 1 or value is True


def _names(value: Any) -> list[str]:
    """`a|b`, `["a", "b"]`, `""` and null: the platform uses all of them for lists of ids."""
    items = value.split("|") if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(item).strip() for item in items if item is not None and str(item).strip()]


def _folded_names(value: Any) -> list[str]:
    return [name.lower() for name in _names(value)]


def _numbers(value: Any) -> list[int]:
    return [number for item in _names(value) if (number := whole(item)) is not None]


Text = Annotated[str, BeforeValidator(_text)]
MaybeText = Annotated[str | None, BeforeValidator(_maybe_text)]
Number = Annotated[int, BeforeValidator(whole_or_zero)]
MaybeNumber = Annotated[int | None, BeforeValidator(whole)]
Flag = Annotated[bool, BeforeValidator(flag)]
Names = Annotated[list[str], BeforeValidator(_names)]
FoldedNames = Annotated[list[str], BeforeValidator(_folded_names)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment)]
Lifetime = Annotated[int, BeforeValidator(_lifetime)]
"""Seconds that something is good for: a day at the most."""
Numbers = Annotated[list[int], BeforeValidator(_numbers)]
Id = Annotated[str, Field(min_length=1)]
NumberId = Annotated[int, Field(ge=SMALLEST_NUMBER, le=LARGEST_NUMBER)]
"""A number without which the row names nothing."""
