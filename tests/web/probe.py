"""Endpoints that fail in every way there is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from app.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from app.web.idempotency import IdempotentRoute
from app.wecom.errors import OutcomeUnknown, refusal
from tests.fakes.clock import MONDAY_9AM

router = APIRouter(prefix="/api/v1/probe", include_in_schema=False, route_class=IdempotentRoute)

KINDS: dict[str, type[DomainError]] = {
    kind.__name__: kind for kind in (NotFound, Forbidden, Conflict, Invalid, Unavailable)
}


class TooEarly(Conflict):
    """What a domain makes of a kind."""

    slug = "too-early"
    title = "还没到时间"


@router.get("/domain/{kind}")
async def raise_kind(kind: str) -> None:
    raise KINDS[kind]("请看这里", "Look here", seen=3)


@router.get("/early")
async def raise_subclass() -> None:
    raise TooEarly("明天 09:00 才能办理", "It opens tomorrow at 09:00", opens="09:00")


@router.get("/wecom/{errcode}")
async def raise_refusal(errcode: int) -> None:
    raise refusal(errcode, "refused, from ip: 203.0.113.7, more info at …", path="user/get", now=MONDAY_9AM)


@router.get("/lost")
async def raise_lost() -> None:
    raise OutcomeUnknown("message/send", "time-out")


@router.get("/teapot")
async def raise_http() -> None:
    raise HTTPException(418, "short and stout")


@router.post("/crash")
async def crash(request: Request) -> dict[str, str]:
    """Crashes as long as the test says so."""
    if request.app.state.is_broken:
        raise RuntimeError("a bug with a secret in it: 13800000000")
    return {"it": "works"}
