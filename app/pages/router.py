"""Addresses of the faces that lead nowhere: told by a page. Included behind every other router of the pages."""

from __future__ import annotations

from starlette.responses import Response

from app.pages.errors import NoSuchPage
from app.pages.route import page_router

router = page_router()


@router.get("/sign-out")
@router.api_route("/me/{rest:path}", methods=["GET", "POST"])
@router.api_route("/console/{rest:path}", methods=["GET", "POST"])
@router.api_route("/sign-in/{rest:path}", methods=["GET", "POST"])
async def nowhere() -> Response:
    """Also a reload of what only forms are sent to."""
    raise NoSuchPage("没有这个页面，请检查地址是否完整", "There is no such page: check the address")
