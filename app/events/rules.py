"""Which events a reader asks for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from app.events.errors import UnknownEventType

EVERYTHING_OF = ".*"


def types_named(asked: str | None, known: Collection[str]) -> frozenset[str] | None:
    """The types of `request.approved,task.*`; None for all. Raises `UnknownEventType`, naming those there are."""
    names = [name for part in (asked or "").split(",") if (name := part.strip())]
    if not names:
        return None
    unknown = [name for name in names if not _meant(name, known)]
    if unknown:
        raise UnknownEventType(
            f"不认识：{'、'.join(unknown)}；可选：{'、'.join(sorted(known))}，或如 request.*",
            f"Unknown: {', '.join(unknown)}; there are {', '.join(sorted(known))}, or a family such as request.*",
        )
    return frozenset(found for name in names for found in _meant(name, known))


def _meant(name: str, known: Iterable[str]) -> list[str]:
    if name.endswith(EVERYTHING_OF):
        return [one for one in known if one.startswith(name.removesuffix("*"))]
    return [one for one in known if one == name]
