"""概览: what waits, what is late, what is wrong, each with the way to its list (F116)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from starlette.responses import Response

from app import addresses
from app.overview import service as overviews
from app.overview.service import Figure, Level, Link, Place
from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.visit import Visit, services_of, visits
from app.permissions import Words

router = page_router("/console")

OverviewVisit = Annotated[Visit, visits("/console")]

PLACES: Final[Mapping[Place, str]] = {
    Place.ANNOUNCEMENTS: addresses.CONSOLE_ANNOUNCEMENTS,
    Place.CALLBACKS: addresses.CONSOLE_CALLBACKS,
    Place.CALLBACK_GAPS: addresses.CONSOLE_CALLBACKS,
    Place.CALLS: addresses.CONSOLE_CALLS,
    Place.FINDINGS: addresses.CONSOLE_FINDINGS,
    Place.PLATFORM: addresses.CONSOLE_DOCTOR,
    Place.QUOTA: addresses.CONSOLE_QUOTA,
    Place.REQUESTS: addresses.CONSOLE_REQUESTS,
    Place.RETURNED_MEMBERS: addresses.CONSOLE_RETURNED,
    Place.SYNC_RUNS: addresses.CONSOLE_SYNC,
    Place.TASKS: addresses.CONSOLE_TASKS,
}
"""The page that lists what a figure counts."""

LEVELS: Final[Mapping[Level, tuple[Words, str]]] = {
    Level.WRONG: (Words("需要人工处理", "Needs a person"), "bad"),
    Level.LATE: (Words("已逾期", "Late"), "warn"),
    Level.WAITING: (Words("等待处理", "Waiting"), "plain"),
}


@dataclass(frozen=True)
class Part:
    """The figures of one level."""

    title: Words
    badge: str
    figures: list[tuple[Figure, str]]
    """Each with the address of its list, or "" where the viewer has none."""


@router.get("")
async def overview(visit: OverviewVisit) -> Response:
    found = await overviews.overview(visit.session, now=visit.now, sight_of=visit.authority.sight_of)
    parts = [
        Part(
            title, badge, [(figure, _list_of(visit, figure.measure.link)) for figure in _counted_first(found.of(level))]
        )
        for level, (title, badge) in LEVELS.items()
    ]
    return visit.draw("console/overview.html", done=await said_to(visit), overview=found, parts=parts)


def _counted_first(figures: list[Figure]) -> list[Figure]:
    """Zero says that all is well there, and stands behind what is not."""
    return sorted(figures, key=lambda figure: figure.count == 0)


def _list_of(visit: Visit, link: Link) -> str:
    path = PLACES.get(link.to, "")
    # A list below a page belongs to it: /console/groups/findings.
    page = services_of(visit.request).registry.pages.get("/".join(path.split("/")[:3]))
    if page is None or not visit.may_open(page):
        return ""
    return f"{path}?{urlencode(link.filters)}" if link.filters else path
