"""The address of every page, derived from the routes: a new page cannot be forgotten.

A route with something in its path takes it from the things of the house. A route whose thing the house does not have
raises `NothingToShow`: whoever adds a page with a new kind of id puts one into `Ids`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

FACES: Final = ("/me/", "/console/", "/sign-in/")

Ids = Mapping[str, Sequence[str]]
"""By the name of what stands in the path."""

NO_PAGES: Final = frozenset(
    {
        "/sign-in",  # goes to WeCom
        "/sign-in/back",  # tried with everybody who is turned away
        "/sign-in/kept",
        "/sign-in/link/{token}",  # tried with a link and without
    }
)
ASKED: Final[Mapping[str, Sequence[str]]] = {
    "/me/groups": ["", "?list=directory"],
    "/me/requests": ["", "?list=done"],
    "/me/apply/join": ["", "?group={group_id}"],
    "/me/apply/exit": ["", "?group={group_id}"],
    "/console/trace": ["", "?id={correlation_id}", "?id=trace-of-the-house", "?id=nothing"],
    "/console/people": ["", "?q=nobody-of-this-name"],
}
"""What is asked for behind the address, where a page shows something else by it."""


class NothingToShow(Exception):
    """The house has no such thing."""


def routes_of(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Paths with their methods. Routers stand inside of routers."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner.routes, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute):
            yield prefix + route.path, set(route.methods or ())


def pages_of(app: FastAPI) -> list[str]:
    """Paths of what is read as a page. What ends in a kind of file is handed out, and the rest of a path is of none."""
    paths = {path for path, methods in routes_of(app.routes) if "GET" in methods and f"{path}/".startswith(FACES)}
    return sorted(path for path in paths - NO_PAGES if not re.search(r"\.\{\w+\}$|\{\w+:path\}$", path))


def every_address(app: FastAPI, ids: Ids) -> list[str]:
    return [address for path in pages_of(app) for address in _filled(path, ids)]


def _filled(path: str, ids: Ids) -> Iterator[str]:
    names = re.findall(r"\{(\w+)\}", path)
    missing = [name for name in names if not ids.get(name)]
    if missing:
        raise NothingToShow(f"{path}: put {', '.join(missing)} into the things of the house")
    for values in product(*(ids[name] for name in names)):
        given = path.format(**dict(zip(names, values, strict=True)))
        for asked in ASKED.get(given, [""]):
            yield given + asked.format(**{name: some[0] for name, some in ids.items() if some})
