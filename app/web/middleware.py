"""Around every request: a correlation id, a limit on the body, headers for browsers."""

from __future__ import annotations

import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.audit.actor import KEY_OF_REQUEST, PERSON_OF_REQUEST
from app.observability import bound_correlation
from app.web.problems import unexpected

LARGEST_BODY = 1024 * 1024
UNMATCHED: Final = "unmatched"
"""Paths of strangers are no labels of metrics."""
API: Final = "/api/v1"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_BROWSER_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_CORRELATION = b"x-correlation-id"


class BodyTooLarge(HTTPException):
    def __init__(self) -> None:
        super().__init__(413, "请求内容最多 1 MiB")


class Edge:
    """Pure ASGI, so that it costs next to nothing on the callback path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        no_key, no_person = KEY_OF_REQUEST.set(None), PERSON_OF_REQUEST.set(None)
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == _CORRELATION), "")
        with bound_correlation(given if _SANE_ID.fullmatch(given) else None) as correlation_id:
            try:
                await self._guarded(scope, receive, send, correlation_id)
            finally:
                KEY_OF_REQUEST.reset(no_key)
                PERSON_OF_REQUEST.reset(no_person)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        started = False
        seen = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = [pair for pair in message.get("headers", ()) if pair[0] != _CORRELATION]
                names = {name for name, _ in given}
                more = [pair for pair in _BROWSER_HEADERS if pair[0] not in names]
                message["headers"] = [*given, (_CORRELATION, correlation_id.encode()), *more]
            await send(message)

        async def receive_limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > LARGEST_BODY:
                raise BodyTooLarge
            return message

        try:
            await self.app(scope, receive_limited, send_with_headers)
        except Exception as error:
            if started:
                raise
            # Answered here and not further out, where the correlation id is no longer bound.
            answer = await unexpected(Request(scope), error)
            await answer(scope, receive, send_with_headers)


def template_of(scope: Scope, path: str) -> str:
    """The template of the route that answers (`/api/v1/groups/{group_id}`), known once a router has seen the request:
    an address may name people.
    """
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return UNMATCHED
    return f"{API}{route}" if path.startswith(f"{API}/") and not route.startswith(API) else str(route)
