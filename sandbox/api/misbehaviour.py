"""Answers that are none: silence, a broken connection, half a body, no JSON.

Called through httpx's ASGI transport, which knows neither time-outs nor broken connections, the caller's own
exception comes at once.
"""

from collections.abc import Callable

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Scope, Send

from sandbox.faults import Fault

NOTHING_DONE = b'{"errcode":0,"errmsg":"ok"}'


async def misbehave(
    fault: Fault, answer: Response | None, request: Request, send: Send, *, refuse: Callable[[int], Response]
) -> None:
    """`answer` is what a call that happened would have got; None when it was kept from happening."""
    body = bytes(answer.body) if answer is not None else NOTHING_DONE
    if fault.timeout:
        await _hang(request)
    elif fault.drop:
        await _break(request, send, b"")
    elif fault.truncated:
        await _break(request, send, body)
    else:
        await _instead(fault, body, refuse)(request.scope, request.receive, send)


def respelled(answer: Response, spelled: dict[str, str]) -> Response:
    """The answer with these bytes in place of these texts, as the platform hands on what a person has pasted."""
    body = bytes(answer.body)
    for written, instead in spelled.items():
        body = body.replace(written.encode(), bytes.fromhex(instead))
    manners = {name: value for name, value in answer.headers.items() if name.startswith("error-")}
    return Response(body, media_type=answer.media_type, headers=manners)


def _instead(fault: Fault, body: bytes, refuse: Callable[[int], Response]) -> Response:
    if fault.broken_json:
        return Response(body[: len(body) // 2], media_type="application/json")
    if fault.http_status is not None:
        return PlainTextResponse("fault on demand", fault.http_status)
    return refuse(fault.errcode or -1)


def is_in_process(scope: Scope) -> bool:
    return "spec_version" not in scope.get("asgi", {})


async def _hang(request: Request) -> None:
    """Answer nothing until the caller leaves."""
    if is_in_process(request.scope):
        raise httpx.ReadTimeout("the sandbox was told not to answer")
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await request.receive()


async def _break(request: Request, send: Send, body: bytes) -> None:
    """Promise a body and send half of it: the server then closes the connection."""
    if is_in_process(request.scope):
        raise httpx.RemoteProtocolError("the sandbox was told to break the connection")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(max(100, len(body))).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if body:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
