"""Field types that read what the platform sends, however it sends it: numbers as text, lists joined by `|`, null.

A strange value becomes the empty one; a row is never lost for one of its fields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def whole_or_zero(value: Any) -> int:
    return whole(value) or 0


def items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, (list, dict)) else str(value)


def _maybe_text(value: Any) -> str | None:
    return _text(value) or None


def _moment(value: Any) -> datetime:
    """Unix seconds, as a number or as a string."""
    if (seconds := whole(value)) is None:
        raise ValueError("not unix seconds")
    return datetime.fromtimestamp(seconds, UTC)


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
Moment = Annotated[datetime, BeforeValidator(_moment)]
Numbers = Annotated[list[int], BeforeValidator(_numbers)]
Id = Annotated[str, Field(min_length=1)]
