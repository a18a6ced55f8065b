"""今日: what waits for me, one list, one tap each."""

from __future__ import annotations

from typing import Annotated

from starlette.responses import Response

from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.visit import Visit, visits

router = page_router("/me")

HomeVisit = Annotated[Visit, visits("/me")]


@router.get("")
async def home(visit: HomeVisit) -> Response:
    return visit.draw("me/home.html", done=await said_to(visit))
