"""总览: what waits, what is late, what is wrong."""

from __future__ import annotations

from typing import Annotated

from starlette.responses import Response

from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.visit import Visit, visits

router = page_router("/console")

OverviewVisit = Annotated[Visit, visits("/console")]


@router.get("")
async def overview(visit: OverviewVisit) -> Response:
    return visit.draw("console/overview.html", done=await said_to(visit))
