"""Each number of the overview leads to the list of exactly what it counts (F116)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import select

from app.console.pages.overview import PLACES
from app.database import transaction
from app.overview import service as overviews
from app.overview.service import Place
from models.approvals import OutcomeState, Request, RequestState
from tests.builders import tasks
from tests.pages.furnished import furnish
from tests.pages.operations import let
from tests.pages.world import House

ROWS: Final = re.compile(r"<tbody>(.*?)</tbody>", re.DOTALL)


def names_in(dependant: Dependant) -> set[str]:
    own = {one.alias for one in dependant.query_params}
    return own.union(*(names_in(one) for one in dependant.dependencies))


def routes_in(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, APIRoute]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_in(inner.routes, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield prefix + route.path, route


async def test_every_list_reads_the_filters_that_lead_to_it(house: House) -> None:
    async with transaction(house.services.sessions) as session:
        figures = (await overviews.overview(session, now=house.clock.now())).figures
    read = {path: names_in(route.dependant) for path, route in routes_in(house.app.routes) if path in PLACES.values()}
    unread = {
        one.measure.name: set(one.measure.link.filters) - read[PLACES[one.measure.link.to]]
        for one in figures
        if one.measure.link.to in PLACES and one.measure.link.to is not Place.CALLBACK_GAPS  # above its list, all open
    }
    assert {name: filters for name, filters in unread.items() if filters} == {}


@pytest.mark.parametrize(
    "measure",
    ["requests.pending", "requests.overdue", "requests.failed", "tasks.open", "tasks.overdue", "findings.open"],
)
async def test_the_list_has_as_many_rows_as_the_number_says(house: House, measure: str) -> None:
    await let(house.services, house.company, "chen", "administrator")
    now = house.clock.now()
    async with transaction(house.services.sessions) as session:
        await furnish(session, house.company, now=now)
    house.clock.advance(timedelta(days=3))
    async with transaction(house.services.sessions) as session:
        await tasks.task(session, house.person("wang"), house.person("li"), now=house.clock.now())
        if measure == "requests.failed":
            request = (await session.scalars(select(Request))).one()
            request.state, request.outcome = RequestState.APPROVED, OutcomeState.FAILED
    async with transaction(house.services.sessions) as session:
        found = (await overviews.overview(session, now=house.clock.now())).figures
    figure = next(one for one in found if one.measure.name == measure)
    chen = await house.signed_in("chen")
    filters = "&".join(f"{name}={value}" for name, value in figure.measure.link.filters.items())
    page = await chen.get(f"{PLACES[figure.measure.link.to]}?{filters}")
    assert page.status_code == 200
    body = ROWS.search(page.text)
    assert (body[1].count("<tr>") if body else 0) == figure.count
