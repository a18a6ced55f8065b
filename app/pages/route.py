"""Routes of pages: what goes wrong on one is told by a page, and never by a document for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from app.database import is_away
from app.errors import DomainError
from app.observability import get_logger
from app.pages.drawing.catalogue import phrase, translated
from app.pages.errors import NoSuchPage, SignInNeeded
from app.pages.security import HEADERS, check_address
from app.pages.visit import drawn, is_poll, language_of, services_of, way_back
from app.web.messages import title_of
from app.web.pagination import BadCursor
from app.web.problems import status_of
from app.wecom.errors import WecomError

log = get_logger()

_NOT_ALLOWED = 405
_UNEXPECTED = 500
_AWAY = 503
FOR_PROGRAMS = frozenset(
    {"api", "assets", "callbacks", "docs", "healthz", "metrics", "openapi.json", "problems", "readyz"}
    | {"static-offline-docs"}
)
"""The first parts of addresses at which an error is a document, whoever asks."""
_STOP_POLLING = 286
"""What htmx understands so: the page stays as it is until somebody does something on it."""


class PageRoute(APIRoute):
    """`APIRouter(route_class=PageRoute, include_in_schema=False)`, or `page_router()`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """No handler sees an address with control characters in it."""
        answer = super().get_route_handler()

        async def checked(request: Request) -> Response:
            check_address(request)
            return await answer(request)

        return checked

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The innermost handlers win: those of the application answer programs.
        scope["starlette.exception_handlers"] = (_HANDLERS, {})
        if scope["method"] not in (self.methods or ()):
            await (await _wrong_method(Request(scope, receive), self.methods or set()))(scope, receive, send)
            return
        await super().handle(scope, receive, send)


def page_router(prefix: str = "") -> APIRouter:
    return APIRouter(prefix=prefix, route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


def _problem(request: Request, status: int, title: str, sentence: str, *, first_page: str = "") -> Response:
    now = services_of(request).clock.now()
    # A browser's own way back keeps what was typed: after a fault of ours nobody is led away from it.
    back = way_back(request) if request.method == "POST" and status < _UNEXPECTED else ""
    context = {"title": title, "sentence": sentence, "is_unexpected": status >= _UNEXPECTED, "back": back}
    context["first_page"] = first_page
    return drawn(request, "problem.html", context, now=now, status=status)


async def _sign_in(request: Request, error: Exception) -> Response:
    """On the way to the page that was asked for. A form that came too late leads to the page that it was on."""
    assert isinstance(error, SignInNeeded)  # registered for this type alone
    if is_poll(request):
        return Response(status_code=_STOP_POLLING, headers={**HEADERS, "hx-reswap": "none"})
    location = f"/sign-in?to={quote(error.facts['to'], safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=200, headers={**HEADERS, "hx-redirect": location})
    return RedirectResponse(location, 303, headers=HEADERS)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # registered for this type alone
    is_english = language_of(request) == "en"
    title = title_of(error.slug) if is_english else error.title
    return _problem(request, status_of(type(error)), title, error.english if is_english else str(error))


async def _bad_cursor(request: Request, error: Exception) -> Response:
    """An old or broken address of a further page of a list: programs read of a cursor, people of a page."""
    assert isinstance(error, BadCursor)  # registered for this type alone
    kept = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "cursor"])
    first_page = f"{request.url.path}?{kept}" if kept else request.url.path
    title, sentence = phrase("没有这一页"), phrase("这个页码无效，或列表已经变了。请回到第一页再往后翻。")
    status = status_of(type(error))
    return _problem(request, status, _told(request, title), _told(request, sentence), first_page=first_page)


async def _malformed(request: Request, error: Exception) -> Response:
    del error
    return await _refused(
        request, NoSuchPage("没有这个页面，请检查地址是否完整", "There is no such page: check the address")
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # registered for this type alone
    if error.status_code >= _UNEXPECTED:
        return await _unexpected(request, error)
    return _problem(request, error.status_code, _told(request, phrase("打不开这个页面")), str(error.detail))


async def answer_people(request: Request) -> Response | None:
    """For a browser at an address that nothing of ours has. None for programs, and where only programs go."""
    first = request.url.path.split("/")[1]
    if "text/html" not in request.headers.get("accept", "") or first in FOR_PROGRAMS:
        return None
    if request.url.path == "/" and request.method in {"GET", "HEAD"}:
        return RedirectResponse("/me", 303, headers=HEADERS)
    return await _malformed(request, LookupError())


async def _wrong_method(request: Request, methods: set[str]) -> Response:
    """A page that only takes forms was opened by its address, or the other way round."""
    sentence = _told(request, phrase("这个地址不能这样打开，请回到页面上再试。"))
    answer = _problem(request, _NOT_ALLOWED, _told(request, phrase("打不开这个页面")), sentence)
    answer.headers["allow"] = ", ".join(sorted(methods))
    return answer


async def _platform(request: Request, error: Exception) -> Response:
    log.warning("page.platform", path=request.url.path, error=repr(error)[:200])
    sentence = _told(request, phrase("企业微信暂时没有回应，请稍后再试。"))
    return _problem(request, _AWAY, _told(request, phrase("请稍后再试")), sentence)


async def _unexpected(request: Request, error: Exception) -> Response:
    if is_away(error):
        log.warning("page.database_away", path=request.url.path, error=repr(error)[:200])
        sentence = _told(request, phrase("数据库暂时不可用，您填写的内容没有丢失：请返回上一页，稍后再提交一次。"))
        return _problem(request, _AWAY, _told(request, phrase("请稍后再试")), sentence)
    log.error("page.failed", path=request.url.path, exc_info=error)
    sentence = _told(request, phrase("出现了没有预料到的错误。请把下面的编号交给信息部门。"))
    return _problem(request, _UNEXPECTED, _told(request, phrase("出错了")), sentence)


def _told(request: Request, text: str) -> str:
    return translated(text, language_of(request))


_HANDLERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    SignInNeeded: _sign_in,
    BadCursor: _bad_cursor,
    DomainError: _refused,
    RequestValidationError: _malformed,
    HTTPException: _http,
    WecomError: _platform,
    Exception: _unexpected,
}
