"""The door of the platform's API: faults, token, trusted address, limits, body, answer, log."""

import asyncio
import logging
import re
import time
from collections import Counter
from contextlib import suppress
from fnmatch import fnmatch
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
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
from sandbox.api.json_bodies import Unreadable, read_leniently, read_strictly
from sandbox.api.misbehaviour import misbehave, respelled
from sandbox.api.uploads import first_file, is_multipart
from sandbox.errors import PlatformError
from sandbox.faults import SECONDS, Fault, Subject
from sandbox.manners import WRONG_JSON
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

PATH_SHOWN = 120
"""Of a path, so many characters are logged."""


def _no_such_endpoint(call: Call) -> Answer:
    raise PlatformError(call.state.config.unknown_endpoint_errcode, call.endpoint)


UNKNOWN = Endpoint("GET", _no_such_endpoint, is_metered=False, needs_token=False)


class Gateway:
    """An ASGI application for `/cgi-bin/{endpoint}`. Whatever is called, the answer is HTTP 200 with an errcode."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name = self._name(scope["path"])
        endpoint = ENDPOINTS.get(name, UNKNOWN)
        self._under_way[name] += 1
        try:
            call = await self._read(request, name)
            await self._serve(request, call, endpoint, send)
        finally:
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name]

    async def answer_stray(self, request: Request) -> Response:
        """What a path gets that is nowhere near `/cgi-bin`."""
        call = await self._read(request, request.scope["path"][:PATH_SHOWN])
        return self._answer(request, call, UNKNOWN, overlay={})

    def _name(self, path: str) -> str:
        """What is called. Slashes too many are nothing to the platform as observed; elsewhere they are another path."""
        if self.state.manners.are_observed:
            path = re.sub("/{2,}", "/", path)
        before, inside, name = path.partition("/cgi-bin/")
        return name.strip("/")[:PATH_SHOWN] if inside and not before and name else path[:PATH_SHOWN]

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
            await misbehave(fault, answer, request, send, refuse=partial(self._refuse, call))

    def _refuse(self, call: Call, errcode: int) -> Response:
        """With this code, whatever the call would have got."""
        manners = self.state.manners
        answer = manners.refusal(PlatformError(errcode), call.endpoint, from_ip=call.from_ip)
        return PlainJSON(answer, headers=manners.headers(answer))

    async def _read(self, request: Request, name: str) -> Call:
        ip = request.client.host if request.client else "127.0.0.1"
        call = Call(self.state, name, request.query_params, from_ip=request.headers.get(FEIGNED_ADDRESS, ip))
        call.base_url = str(request.base_url).rstrip("/")
        call.range = request.headers.get("range", "")
        call.path = request.scope["path"][:PATH_SHOWN]
        if is_multipart(request.headers):
            call.upload = await first_file(request, takes_nameless=self.state.manners.are_observed)
        else:
            call.raw = await request.body()
        return call

    def _subject(self, call: Call) -> Subject:
        """The call as faults see it, before it is known whether it is well-formed."""
        with suppress(Unreadable):
            call.body = read_strictly(call.raw) if call.raw else {}
        app = tokens.identity_of(self.state, call.query.get("access_token"))
        return Subject(call.endpoint, app, dict(call.query), call.body, call.raw.decode(errors="replace"))

    def _prepare(self, fault: Fault, call: Call) -> None:
        """What a fault changes on the platform before the call is looked at."""
        if fault.expire_token:
            tokens.kill(self.state, call.query.get("access_token"))
        if fault.rate_limit is not None:
            self.state.limits.block("on demand", call.endpoint, SECONDS[fault.rate_limit])

    def _answer(self, request: Request, call: Call, endpoint: Endpoint, *, overlay: dict[str, Any]) -> Response:
        manners = self.state.manners
        try:
            self._admit(request, call, endpoint)
            answer = self._handled(call, endpoint)
            if isinstance(answer, dict):
                answer = manners.success(answer, is_sloppy=call.is_sloppy)
        except PlatformError as error:
            answer = manners.refusal(error, call.endpoint, from_ip=call.from_ip, is_sloppy=call.is_sloppy)
        if isinstance(answer, dict):
            answer = answer | overlay
            response: Response = PlainJSON(answer, headers=manners.headers(answer))
        else:
            response = answer
        self._log(call, answer if isinstance(answer, dict) else {"errcode": 0}, shown=_shown(response))
        return response

    def _handled(self, call: Call, endpoint: Endpoint) -> Answer:
        """A field of the wrong type is a wrong format, not a failure of ours (doc path/90313)."""
        try:
            return endpoint.handle(call)
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            log.exception("malformed call of %s", call.endpoint)
            raise self._wrong_json(call) from error

    def _admit(self, request: Request, call: Call, endpoint: Endpoint) -> None:
        """Token, address, limits, method and body, in this order; gettoken skips the first two."""
        if endpoint.needs_token:
            call.app = tokens.caller_of(self.state, call.query.get("access_token"))
            self._check_address(call)
        self._charge(call, endpoint)
        if endpoint.method == "POST" and request.method != "POST":
            raise PlatformError(40058, "use POST")
        call.body = self._parsed(call, endpoint) if call.raw else {}

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

    def _parsed(self, call: Call, endpoint: Endpoint) -> dict[str, Any]:
        if endpoint.method != "POST":
            return {}
        if self.state.config.reject_unicode_escapes and b"\\u" in call.raw:
            raise PlatformError(40033)
        if self.state.manners.are_observed:
            body, call.is_sloppy = read_leniently(call.raw)
            return body
        try:
            return read_strictly(call.raw)
        except Unreadable as error:
            raise self._wrong_json(call) from error

    def _wrong_json(self, call: Call) -> PlatformError:
        """Where the warning stands in the text is a matter of manners."""
        if not self.state.manners.are_observed:
            return PlatformError(40058, WRONG_JSON)
        call.is_sloppy = True
        return PlatformError(40058)

    def _log(self, call: Call, answer: dict[str, Any], *, shown: str = "") -> None:
        """One row for people to read; only the latest rows keep what was answered."""
        state = self.state
        is_known = call.endpoint in ENDPOINTS
        number = state.count_call(call.endpoint, is_known=is_known)
        if len(state.calls) > ANSWERS_KEPT:
            state.calls[-ANSWERS_KEPT]["answer"] = ""
        query = {name: value for name, value in call.query.items() if name not in {"access_token", "corpsecret"}}
        state.calls.append(
            {
                "id": number,
                "endpoint": call.endpoint,
                "is_known": is_known,
                "path": call.path,
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
