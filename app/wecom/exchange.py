"""One exchange with the platform over HTTP: a request out, an answer with errcode 0 back, or a `WecomError`.

Failures of the HTTP library are translated here, once. Logged are path, errcode and duration: never a token, a secret
or a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock
from app.limits.api_frequency import BLOCKING, NO_ANSWER, Admission, Exhausted, Ticket
from app.observability import PLATFORM_CALLS, PLATFORM_SECONDS, get_logger
from app.wecom.answers.repair import RepairedAnswer, read_answer, repaired_fields
from app.wecom.codes import CODES
from app.wecom.errors import (
    AppRefused,
    HttpFailure,
    NotReached,
    OutcomeUnknown,
    QuotaExhausted,
    TokenRefused,
    TooLate,
    TryAgain,
    WaitUntil,
    WecomError,
    WecomRefused,
    refusal,
)
from app.wecom.fields import whole
from app.wecom.health import ClockWatch

log = get_logger()

COUNT_AGAIN = timedelta(seconds=5)
"""While our database is away, calls wait this long."""

JSON_TYPE = {"Content-Type": "application/json"}

TROUBLE = (AppRefused, HttpFailure, NotReached, TokenRefused, TryAgain)
"""Not about the request: the next one would fare alike, so writes of the path wait until one gets through."""

# Raised before a byte of the request has left.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

# The platform parsed only part of our body, and may say so beside errcode 0 (doc path/90313): a bug of ours.
_WRONG_JSON = "wrong json format"

_FIELDS_LOGGED = 10


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked. A write is anything whose second arrival would matter."""

    path: str
    params: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    """Sent as they are: the ledger keeps the very same bytes."""
    upload: tuple[str, bytes] | None = field(default=None, repr=False)
    """File name and content of a media upload."""
    is_write: bool = False
    app_id: str = ""
    """Whose limits it uses, where they are an app's."""
    not_after: datetime | None = None
    """After this moment it is not sent any more."""

    @property
    def method(self) -> str:
        return "GET" if self.body is None and self.upload is None else "POST"


class Exchange:
    """With an `admission`, calls wait for their turn: a read for a minute at the most, a write not at all."""

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, watch: ClockWatch | None = None, admission: Admission | None = None
    ) -> None:
        self._http = http
        self._clock = clock
        self._watch = watch
        self._admission = admission

    async def perform(self, call: Call, *, auth: httpx.Auth | None = None) -> dict[str, Any]:
        """The parsed answer. Every way it can fail is a `WecomError`."""
        ticket = await self._admitted(call)
        started = perf_counter()
        outcome, errcode = "crashed", 0
        failure: WecomError | None = None
        try:
            answer = await self._answer(call, auth)
            outcome = "ok"
        except WecomError as error:
            outcome, failure = error.outcome, error
            errcode = error.errcode if isinstance(error, WecomRefused) else 0
            raise
        finally:
            _measure(call, outcome, errcode, perf_counter() - started)
            await self._settle(ticket, failure, heard=outcome == "ok", is_write=call.is_write)
        return answer

    async def _admitted(self, call: Call) -> Ticket | None:
        """Raises `QuotaExhausted`, also while our own database cannot say: what is not counted is not called."""
        if self._admission is None:
            return None
        try:
            return await self._admission.admit(call.path, call.app_id, waits=not call.is_write)
        except Exhausted as exhausted:
            why, until = exhausted.why, exhausted.until
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("platform.not_counted", path=call.path, error=type(error).__name__)
            why, until = "database", self._clock.now() + COUNT_AGAIN
        PLATFORM_CALLS.labels(call.path, QuotaExhausted.outcome).inc()
        raise QuotaExhausted(call.path, why, until=until, now=self._clock.now())

    async def _settle(self, ticket: Ticket | None, failure: WecomError | None, *, heard: bool, is_write: bool) -> None:
        """Never fails a call: what became of it stands."""
        if self._admission is None or ticket is None:
            return
        try:
            if isinstance(failure, WaitUntil) and failure.errcode in BLOCKING:
                block = await self._admission.refused(ticket, failure.errcode)
                if block is not None:
                    failure.lasts(block.until)
            elif is_write and isinstance(failure, TROUBLE):
                errcode = failure.errcode if isinstance(failure, WecomRefused) else NO_ANSWER
                failure.blocked_until = await self._admission.trouble(ticket, errcode)
            elif isinstance(failure, NotReached | TooLate):
                await self._admission.not_reached(ticket)
            elif heard or isinstance(failure, WecomRefused):
                await self._admission.passed(ticket)
            else:
                await self._admission.lost(ticket)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("platform.not_settled", path=ticket.path, error=type(error).__name__)

    async def _answer(self, call: Call, auth: httpx.Auth | None) -> dict[str, Any]:
        if call.not_after is not None and self._clock.now() > call.not_after:
            raise TooLate(call.path)
        try:
            response = await self._http.request(
                call.method,
                call.path,
                params=dict(call.params),
                content=call.body,
                files=None if call.upload is None else {"media": (*call.upload, "application/octet-stream")},
                headers=None if call.body is None else JSON_TYPE,
                auth=auth,
            )
        except httpx.RequestError as error:
            raise _lost(call, error) from error
        answer = _parsed(call, response)
        if self._watch is not None and not call.is_write:
            await self._watch.observe(response.headers.get("date"))
        self._raise_for_errcode(call, answer)
        return answer

    def _raise_for_errcode(self, call: Call, answer: dict[str, Any]) -> None:
        # Some calls leave errcode out when they succeed.
        errcode, errmsg = answer.get("errcode", 0), str(answer.get("errmsg", ""))
        if _WRONG_JSON in errmsg.lower():
            log.error("platform.wrong_json", path=call.path, errcode=errcode)
        if errcode == 0:
            return
        if errcode not in CODES:
            log.error("platform.unknown_errcode", path=call.path, errcode=errcode, add_to="app/wecom/codes.yaml")
        raise refusal(errcode, errmsg, path=call.path, now=self._clock.now())


def _lost(call: Call, error: httpx.RequestError) -> WecomError:
    why = type(error).__name__
    if isinstance(error, _BEFORE_SENDING):
        return NotReached(call.path, why)
    return OutcomeUnknown(call.path, why) if call.is_write else HttpFailure(call.path, why)


def _parsed(call: Call, response: httpx.Response) -> dict[str, Any]:
    """The platform answers everything with 200 and JSON (doc path/90313); whatever else comes is not its answer."""
    if response.status_code != httpx.codes.OK:
        raise _no_answer(call, response.status_code, f"HTTP {response.status_code}")
    try:
        answer = read_answer(response.content)
    except ValueError as error:
        raise _no_answer(call, response.status_code, "not JSON") from error
    if not isinstance(answer, dict) or not _is_errcode(answer.get("errcode", 0)):
        raise _no_answer(call, response.status_code, "not an answer of the platform")
    if isinstance(answer, RepairedAnswer):
        log.warning("platform.answer_repaired", path=call.path, fields=repaired_fields(answer)[:_FIELDS_LOGGED])
    return answer


def _is_errcode(value: Any) -> bool:
    return isinstance(value, int) and whole(value) is not None


def _no_answer(call: Call, status: int, why: str) -> WecomError:
    """3xx and 4xx come from something in front of the platform that did not let the request through."""
    was_refused_on_the_way = 300 <= status < 500  # noqa: PLR2004 -- the classes of HTTP
    if call.is_write and not was_refused_on_the_way:
        return OutcomeUnknown(call.path, why)
    return HttpFailure(call.path, why, status=status)


def _measure(call: Call, outcome: str, errcode: int, seconds: float) -> None:
    PLATFORM_CALLS.labels(call.path, outcome).inc()
    PLATFORM_SECONDS.labels(call.path).observe(seconds)
    say = log.debug if outcome == "ok" else log.warning
    say("platform.called", path=call.path, outcome=outcome, errcode=errcode, ms=round(seconds * 1000))
