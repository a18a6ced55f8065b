"""The platform's door: `GET` checks the address, `POST` brings an event.

One plain ASGI route, not FastAPI's machinery: there is nothing to validate or to document, the platform is the only
caller, and this is the path that has to be fast.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from callbacks.envelope import MAX_BODY
from callbacks.errors import Reason, Refused
from callbacks.intake import Answer, Intake
from models.ids import AppId

ADDRESS: Final = "/callbacks/"

UNKNOWN: Final = "unknown"
"""The channel of whoever asks for an address that is none: paths of strangers are no labels of metrics."""

BODY_SECONDS: Final = 10.0
"""The platform gives up after 5; who takes longer only keeps a connection from others."""

_NOT_ALLOWED: Final = Answer(HTTPStatus.METHOD_NOT_ALLOWED, headers=((b"allow", b"GET, POST"),))


class Hangup(Exception):
    """The caller has gone before the whole body was here."""


class Door:
    """`/callbacks/{channel}`, with and without slashes at the end."""

    def __init__(self, *, body_seconds: float = BODY_SECONDS) -> None:
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        intake: Intake = scope["app"].state.services.intake
        try:
            answer = await _answer(intake, scope, receive, self._body_seconds)
        except Hangup:
            return
        headers = [
            (b"content-type", f"{answer.media_type}; charset=utf-8".encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _answer(intake: Intake, scope: Scope, receive: Receive, body_seconds: float) -> Answer:
    channel = str(scope["path_params"]["channel"]).strip("/")
    client = scope.get("client")
    caller = str(client[0]) if client else ""
    if not intake.knows(channel):
        return intake.refuse(UNKNOWN, Refused(Reason.UNKNOWN_CHANNEL), caller=caller)
    app_id, query = AppId(channel), scope["query_string"]
    if scope["method"] == "GET":
        return intake.verify_address(app_id, query, caller=caller)
    if scope["method"] != "POST":
        return _NOT_ALLOWED
    try:
        async with asyncio.timeout(body_seconds):
            body = await _read_body(scope, receive)
    except TimeoutError:
        refused = intake.refuse(app_id, Refused(Reason.TOO_SLOW), caller=caller)
        # Otherwise the rest of the body would still be waited for.
        return replace(refused, headers=((b"connection", b"close"),))
    except Refused as refusal:
        return intake.refuse(app_id, refusal, caller=caller)

    async def hung_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    return await intake.receive(app_id, query, body, caller=caller, hung_up=hung_up)


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """Never more than the cap in memory, whatever Content-Length says; not begun when it says too much."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > MAX_BODY:
            raise Refused(Reason.TOO_LARGE)
    body = b""
    while True:
        message = await _next(receive)
        chunk: bytes = message.get("body", b"")
        body = body + chunk if body else chunk
        if len(body) > MAX_BODY:
            raise Refused(Reason.TOO_LARGE)
        if not message.get("more_body", False):
            return body


async def _next(receive: Receive) -> Message:
    try:
        message = await receive()
    except HTTPException as error:
        # The limit of the web layer, for which one chunk was too much already.
        raise Refused(Reason.TOO_LARGE) from error
    if message["type"] == "http.disconnect":
        raise Hangup
    return message


# Not part of the REST interface: the platform is the only caller.
router = APIRouter(include_in_schema=False)
router.routes.append(Route(ADDRESS + "{channel:path}", Door(), include_in_schema=False))
