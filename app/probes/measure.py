"""How many requests of which kind, and how long they take: by route and status, never by address or person."""

from __future__ import annotations

from http import HTTPMethod
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.observability import HTTP_REQUESTS, HTTP_SECONDS
from app.web.middleware import template_of

HUNG_UP: Final = "hung_up"

_METHODS: Final = frozenset(HTTPMethod)


class Measured:
    """Around the REST interface; the platform's door has figures of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = perf_counter(), HUNG_UP

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        path = str(scope["path"])
        try:
            await self.app(scope, receive, send_and_look)
        finally:
            route, method = template_of(scope, path), str(scope["method"])
            method = method if method in _METHODS else "other"
            HTTP_REQUESTS.labels(method, route, status).inc()
            HTTP_SECONDS.labels(method, route).observe(perf_counter() - began)
