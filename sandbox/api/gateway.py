"""The door of the platform's API: faults, token, trusted address, limits, body, answer, log."""

import asyncio
import json
import logging
import time
from fnmatch import fnmatch
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.api import (
    agents,
    appchat,
    departments,
    media,
    members,
    messages,
    oa_approval,
    oa_templates,
    open_approval,
    tags,
    tokens,
)
from sandbox.api.call import Answer, Call, Endpoint
from sandbox.errors import PlatformError, error_answer
from sandbox.faults import Fault
from sandbox.state import SandboxState

BUSINESS = (oa_approval, oa_templates, open_approval)
"""What the platform's own applications offer: 审批, 日程, 客户联系."""

ENDPOINTS: dict[str, Endpoint] = {
    name: endpoint
    for module in (tokens, departments, members, tags, messages, appchat, agents, media, *BUSINESS)
    for name, endpoint in module.ENDPOINTS.items()
}

log = logging.getLogger(__name__)

ANSWERS_KEPT = 1_000
ANSWER_SHOWN = 4_000
"""Answers are kept for people to read: of so many calls, and so many bytes of each."""

WRONG_JSON = "Warning: wrong json format."


class PlainJSON(JSONResponse):
    """Raw UTF-8, compact, as the platform answers."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


class Gateway:
    """An ASGI application for `/cgi-bin/{endpoint}`. Everything the platform answers is HTTP 200."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name = request.path_params["endpoint"].strip("/")
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            await PlainTextResponse("no such endpoint", 404)(scope, receive, send)
            return
        call = await self._read(request, name)
        fault = call.fault = self.state.faults.take(name)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.when == "before" and not fault.goes_through:
            await self._misbehave(fault, call, scope, receive, send)
            return
        answer = self._answer(request, call, endpoint, overlay=(fault.answer if fault else None) or {})
        if fault is not None and not fault.goes_through:
            await self._misbehave(fault, call, scope, receive, send)
            return
        await answer(scope, receive, send)

    async def _read(self, request: Request, name: str) -> Call:
        ip = request.client.host if request.client else "127.0.0.1"
        call = Call(self.state, name, request.query_params, from_ip=ip)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form() as form:
                files = [value for value in form.values() if not isinstance(value, str)]
                if files:
                    call.upload, call.upload_content = files[0], await files[0].read()
        else:
            call.raw = await request.body()
        return call

    def _answer(self, request: Request, call: Call, endpoint: Endpoint, *, overlay: dict[str, Any]) -> Response:
        try:
            self._admit(request, call, endpoint)
            answer = self._handled(call, endpoint)
        except PlatformError as error:
            answer = error_answer(error, from_ip=call.from_ip)
        response = PlainJSON(answer | overlay) if isinstance(answer, dict) else answer
        self._log(call, answer if isinstance(answer, dict) else {"errcode": 0}, shown=_shown(response))
        return response

    def _handled(self, call: Call, endpoint: Endpoint) -> Answer:
        """A field of the wrong type is a wrong format, not a failure of ours (doc path/90313)."""
        try:
            return endpoint.handle(call)
        except (TypeError, ValueError, AttributeError) as error:
            log.exception("malformed call of %s", call.endpoint)
            raise PlatformError(40058, WRONG_JSON) from error

    def _admit(self, request: Request, call: Call, endpoint: Endpoint) -> None:
        """Token, address, limits, method and body, in this order; gettoken skips the first two."""
        if endpoint.needs_token:
            call.app = tokens.caller_of(self.state, call.query.get("access_token"))
            self._check_address(call)
        self._charge(call, endpoint)
        if endpoint.method == "POST" and request.method != "POST":
            raise PlatformError(40058, "use POST")
        if call.raw:
            call.body = self._parsed(call.raw, endpoint)

    def _check_address(self, call: Call) -> None:
        trusted = self.state.config.trusted_ips
        if trusted is not None and not any(fnmatch(call.from_ip, pattern) for pattern in trusted):
            raise PlatformError(60020)

    def _charge(self, call: Call, endpoint: Endpoint) -> None:
        """Sending is outside the basic limits, but not outside a block on demand (doc path/90312)."""
        limits = self.state.limits
        limits.refuse_on_demand(call.endpoint)
        if call.query.get("debug") == "1":
            limits.charge("debug", call.identity)
        if endpoint.is_metered:
            limits.charge("address", f"{call.from_ip} {call.endpoint}")
            limits.charge("api", call.endpoint)

    def _parsed(self, raw: bytes, endpoint: Endpoint) -> dict[str, Any]:
        if endpoint.method != "POST":
            return {}
        if self.state.config.reject_unicode_escapes and b"\\u" in raw:
            raise PlatformError(40033)
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise PlatformError(40058, WRONG_JSON) from error
        if not isinstance(body, dict):
            raise PlatformError(40058, WRONG_JSON)
        return body

    def _log(self, call: Call, answer: dict[str, Any], *, shown: str = "") -> None:
        """One row for people to read; only the latest rows keep what was answered."""
        state = self.state
        state.called[call.endpoint] += 1
        if len(state.calls) > ANSWERS_KEPT:
            state.calls[-ANSWERS_KEPT]["answer"] = ""
        query = {name: value for name, value in call.query.items() if name not in {"access_token", "corpsecret"}}
        state.calls.append(
            {
                "id": state.called.total(),
                "endpoint": call.endpoint,
                "path": f"/cgi-bin/{call.endpoint}",
                "app": call.identity if call.endpoint != "gettoken" else None,
                "query": query,
                "body": call.body,
                "errcode": answer.get("errcode"),
                "answer": shown,
                "fault": call.fault.model_dump(exclude_defaults=True) if call.fault else None,
                "seconds": round(time.perf_counter() - call.received_at, 6),
                "time": state.now(),
            }
        )

    async def _misbehave(self, fault: Fault, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.when == "before":
            self._log(call, {"errcode": fault.errcode})
        if fault.timeout:
            await _hang(scope, receive)
        elif fault.drop:
            await _drop(scope, send)
        elif fault.http_status is not None:
            await PlainTextResponse("fault on demand", fault.http_status)(scope, receive, send)
        else:
            answer = error_answer(PlatformError(fault.errcode or -1), from_ip=call.from_ip)
            await PlainJSON(answer)(scope, receive, send)


def _shown(response: Response) -> str:
    """The beginning of an answer, as text."""
    if response.media_type != PlainJSON.media_type:
        return f"{response.media_type}, {len(getattr(response, 'body', b''))} bytes"
    return bytes(response.body[:ANSWER_SHOWN]).decode(errors="ignore")


def _is_in_process(scope: Scope) -> bool:
    """Called through httpx's ASGI transport, which knows neither time-outs nor broken connections."""
    return "spec_version" not in scope.get("asgi", {})


async def _hang(scope: Scope, receive: Receive) -> None:
    """Answer nothing until the caller leaves. In process the caller's time-out comes at once."""
    if _is_in_process(scope):
        raise httpx.ReadTimeout("the sandbox was told not to answer")
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await receive()


async def _drop(scope: Scope, send: Send) -> None:
    """Promise a body and send none: the server then closes the connection."""
    if _is_in_process(scope):
        raise httpx.RemoteProtocolError("the sandbox was told to drop the connection")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
