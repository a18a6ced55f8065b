"""The door of the platform's API: faults, token, trusted address, limits, body, answer, log."""

import asyncio
import json
import logging
import time
from collections import Counter
from fnmatch import fnmatch
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.api import (
    agents,
    appchat,
    customer_contacts,
    customer_groups,
    departments,
    exports,
    group_messages,
    group_statistics,
    imports,
    intercept_rules,
    join_ways,
    lookups,
    media,
    media_by_url,
    meetings,
    members,
    messages,
    oa_approval,
    oa_calendar,
    oa_schedule,
    oa_templates,
    oauth,
    open_approval,
    tags,
    tickets,
    todo,
    tokens,
    webhook,
    workbench,
)
from sandbox.api.answers import PlainJSON
from sandbox.api.call import Answer, Call, Endpoint
from sandbox.api.misbehaviour import misbehave, respelled
from sandbox.errors import PlatformError, error_answer
from sandbox.faults import SECONDS, Fault, Subject
from sandbox.state import SandboxState

BUSINESS = (
    oa_approval,
    oa_templates,
    open_approval,
    customer_contacts,
    customer_groups,
    group_statistics,
    join_ways,
    group_messages,
    intercept_rules,
    oa_calendar,
    oa_schedule,
    todo,
    meetings,
)
"""What the platform's own applications offer: 审批, 日程, 客户联系."""

ENDPOINTS: dict[str, Endpoint] = {
    name: endpoint
    for module in (
        tokens,
        oauth,
        tickets,
        webhook,
        imports,
        exports,
        lookups,
        media_by_url,
        workbench,
        departments,
        members,
        tags,
        messages,
        appchat,
        agents,
        media,
        *BUSINESS,
    )
    for name, endpoint in module.ENDPOINTS.items()
}

log = logging.getLogger(__name__)

ANSWERS_KEPT = 1_000
ANSWER_SHOWN = 4_000
"""Answers are kept for people to read: of so many calls, and so many bytes of each."""

FEIGNED_ADDRESS = "x-sandbox-from-ip"
"""A header with which one machine calls from several addresses."""

WRONG_JSON = "Warning: wrong json format."


class Gateway:
    """An ASGI application for `/cgi-bin/{endpoint}`. Everything the platform answers is HTTP 200."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name = request.path_params["endpoint"].strip("/")
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            await PlainTextResponse("no such endpoint", 404)(scope, receive, send)
            return
        self._under_way[name] += 1
        try:
            call = await self._read(request, name)
            await self._serve(request, call, endpoint, send)
        finally:
            self._under_way[name] -= 1

    async def _serve(self, request: Request, call: Call, endpoint: Endpoint, send: Send) -> None:
        fault = call.fault = self.state.faults.take(self._subject(call))
        if patience := self.state.config.latency_seconds + (fault.delay if fault else 0.0):
            await asyncio.sleep(patience)
        if fault is not None:
            self._prepare(fault, call)
        answer: Response | None = None
        if fault is None or fault.goes_through or fault.when == "after":
            answer = self._answer(request, call, endpoint, overlay=(fault.answer if fault else None) or {})
        if answer is not None and fault is not None and fault.spelled:
            answer = respelled(answer, fault.spelled)
        if answer is not None and (fault is None or fault.goes_through):
            await answer(request.scope, request.receive, send)
        elif fault is not None:
            if answer is None:
                self._log(call, {"errcode": fault.errcode})
            await misbehave(fault, answer, request, send, from_ip=call.from_ip)

    async def _read(self, request: Request, name: str) -> Call:
        ip = request.client.host if request.client else "127.0.0.1"
        call = Call(self.state, name, request.query_params, from_ip=request.headers.get(FEIGNED_ADDRESS, ip))
        call.base_url = str(request.base_url).rstrip("/")
        call.range = request.headers.get("range", "")
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form() as form:
                files = [value for value in form.values() if not isinstance(value, str)]
                if files:
                    call.upload, call.upload_content = files[0], await files[0].read()
        else:
            call.raw = await request.body()
        return call

    def _subject(self, call: Call) -> Subject:
        """The call as faults see it, before it is known whether it is well-formed."""
        try:
            body = json.loads(call.raw) if call.raw else {}
        except ValueError:
            body = {}
        if isinstance(body, dict):
            call.body = body
        app = tokens.identity_of(self.state, call.query.get("access_token"))
        return Subject(call.endpoint, app, dict(call.query), call.body, call.raw.decode(errors="replace"))

    def _prepare(self, fault: Fault, call: Call) -> None:
        """What a fault changes on the platform before the call is looked at."""
        if fault.expire_token:
            tokens.kill(self.state, call.query.get("access_token"))
        if fault.rate_limit is not None:
            self.state.limits.block("on demand", call.endpoint, SECONDS[fault.rate_limit])

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
        except (TypeError, ValueError, AttributeError, LookupError) as error:
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
        call.body = self._parsed(call.raw, endpoint) if call.raw else {}

    def _check_address(self, call: Call) -> None:
        trusted = self.state.trusted_addresses(call.identity)
        if trusted is not None and not any(fnmatch(call.from_ip, pattern) for pattern in trusted):
            raise PlatformError(60020)

    def _charge(self, call: Call, endpoint: Endpoint) -> None:
        """Sending is outside the basic limits, but not outside a block on demand (doc path/90312)."""
        limits, most = self.state.limits, self.state.config.limit_numbers.concurrent_calls
        if self.state.config.limits and most is not None and self._under_way[call.endpoint] > most:
            raise PlatformError(45033)
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
                "app": tokens.identity_of(state, call.query.get("access_token")) or None,
                "query": query,
                "body": call.body,
                "errcode": answer.get("errcode"),
                "answer": shown,
                "fault": call.fault.model_dump(exclude_defaults=True) if call.fault else None,
                "seconds": round(time.perf_counter() - call.received_at, 6),
                "time": state.now(),
            }
        )


def _shown(response: Response) -> str:
    """The beginning of an answer, as text."""
    if response.media_type != PlainJSON.media_type:
        return f"{response.media_type}, {len(getattr(response, 'body', b''))} bytes"
    return bytes(response.body[:ANSWER_SHOWN]).decode(errors="ignore")
