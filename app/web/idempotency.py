"""`Idempotency-Key` on every write (F94): the answer of the first request is kept 24 h and given again.

The answer is stored through the session of the request itself, so effect and answer commit together: a process
killed half-way leaves either both or neither.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, Header, Request, Response, params
from fastapi.routing import APIRoute
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.types import Receive, Scope, Send

from app.database import transaction
from app.errors import Conflict, Invalid
from app.observability import get_logger
from app.web.deps import WebServices, authenticate, services_of
from app.wecom.tokens.secrets import SecretBox
from models.access import IdempotencyRecord

log = get_logger()

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
KEPT = timedelta(hours=24)
IN_FLIGHT = timedelta(seconds=10)
"""How long a claim lasts that nobody renews: then whoever had it was killed."""
RENEW_SECONDS = 3.0
LONGEST_KEY = 255
NO_STORE = "no-store"
"""The `Cache-Control` of an answer that holds a secret."""
_SEALED = "; sealed"
"""Behind the media type of a kept answer: it is encrypted under SECRET_KEY."""


class InFlight(Conflict):
    slug = "request-in-flight"
    title = "同一请求正在处理"


class KeyReused(Invalid):
    """Answered with 422 instead of the 400 of its kind (D17)."""

    slug = "idempotency-key-reused"
    title = "Idempotency-Key 已用于另一个请求"


class KeyTooLong(Invalid):
    slug = "idempotency-key-too-long"
    title = "Idempotency-Key 太长"


@dataclass
class Claim:
    """A key that is ours while we renew it. Whoever takes it over once `until` has passed holds a later moment."""

    key_id: UUID
    key: str
    until: datetime

    @property
    def record(self) -> tuple[ColumnElement[bool], ...]:
        """The row while it is still ours and without an answer."""
        return (
            col(IdempotencyRecord.api_key_id) == self.key_id,
            col(IdempotencyRecord.key) == self.key,
            col(IdempotencyRecord.locked_until) == self.until,
            col(IdempotencyRecord.status).is_(None),
        )


def described_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Any text of your own, new for each intent: a repeat within 24 h gets the first answer again."
        ),
    ] = None,
) -> None:
    """Puts the header into the interface description; `_once` reads it before anything else runs."""


class IdempotentRoute(APIRoute):
    """`APIRouter(route_class=IdempotentRoute)`: writes that carry the header are done once."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        dependencies: Sequence[params.Depends] | None = None,
        **options: Any,
    ) -> None:
        if WRITES.intersection(methods or ()):
            dependencies = [*(dependencies or ()), Depends(described_key)]
        super().__init__(path, endpoint, methods=methods, dependencies=dependencies, **options)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # FastAPI says Coroutine, Awaitable suffices
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if request.method not in WRITES or not key:
                return await original(request)
            return await _once(request, key, original)

        return handle

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().handle(scope, receive, send)
        except BaseException:
            # The session commits after the endpoint has returned. When that fails there is neither effect nor
            # answer, so the key is free again.
            await forget(Request(scope))
            raise


async def _once(request: Request, key: str, original: Callable[[Request], Awaitable[Response]]) -> Response:
    if len(key) > LONGEST_KEY:
        raise KeyTooLong(f"最多 {LONGEST_KEY} 个字符", f"At most {LONGEST_KEY} characters")
    caller = await authenticate(request)
    services = services_of(request)
    now = services.clock.now()
    claim = Claim(caller.key_id, key, now + IN_FLIGHT)
    digest = await _request_digest(request)
    async with transaction(services.sessions) as session:
        earlier = await _claim(session, claim, digest, now)
    if earlier is not None:
        return _replay(earlier, services)
    request.state.claim = claim
    try:
        async with _renewed(claim, services):
            response = await original(request)
    except BaseException:
        # A refusal is no answer to keep: what was refused may be possible later.
        await forget(request)
        raise
    await _keep(request, claim, response)
    return response


@asynccontextmanager
async def _renewed(claim: Claim, services: WebServices) -> AsyncIterator[None]:
    """The claim is renewed as long as the work takes: a process that was killed renews nothing."""
    over = asyncio.Event()
    renewing = asyncio.create_task(_renew(claim, services, over))
    try:
        yield
    finally:
        # Not cancelled: a renewal that is under way is waited for, so that it is known what was written.
        over.set()
        await renewing


async def _renew(claim: Claim, services: WebServices, over: asyncio.Event) -> None:
    while True:
        try:
            await asyncio.wait_for(over.wait(), RENEW_SECONDS)
        except TimeoutError:
            if not await _prolong(claim, services):
                return
        else:
            return


async def _prolong(claim: Claim, services: WebServices) -> bool:
    """Whether it is still ours. While the database is away it is: what the request stores will fail by itself."""
    until = max(services.clock.now() + IN_FLIGHT, claim.until)
    statement = update(IdempotencyRecord).where(*claim.record).values(locked_until=until)
    try:
        async with transaction(services.sessions) as session:
            held = (await session.execute(statement.returning(col(IdempotencyRecord.key)))).first()
    except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
        log.warning("request.claim_not_renewed", error=type(error).__name__)
        return True
    if held is not None:
        claim.until = until
    return held is not None


async def _request_digest(request: Request) -> bytes:
    body = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + body).digest()


async def _claim(session: AsyncSession, claim: Claim, digest: bytes, now: datetime) -> IdempotencyRecord | None:
    """None: the key is ours now. A record: the answer to give again. Raises while the first request runs."""
    fresh = {"request_hash": digest, "headers": "", "locked_until": claim.until, "created_at": now}
    statement = insert(IdempotencyRecord).values(api_key_id=claim.key_id, key=claim.key, **fresh)
    claimed = await session.execute(statement.on_conflict_do_nothing().returning(col(IdempotencyRecord.key)))
    if claimed.first() is not None:
        return None
    earlier = await session.get(IdempotencyRecord, (claim.key_id, claim.key), with_for_update={"key_share": True})
    if earlier is None:
        raise InFlight(
            "同一个 Idempotency-Key 的请求刚刚结束，请再试一次",
            "The request with this Idempotency-Key has just ended: try again",
            retry_after=1,
        )
    if earlier.created_at < now - KEPT:
        earlier.status, earlier.body, earlier.request_hash, earlier.created_at = None, None, digest, now
        earlier.locked_until = claim.until
        return None
    if earlier.request_hash != digest:
        raise KeyReused(
            "这个 Idempotency-Key 已用于内容不同的请求，请换一个",
            "This Idempotency-Key was used for another request. Take a new one.",
        )
    if earlier.status is not None:
        return earlier
    if now < earlier.locked_until <= now + 2 * IN_FLIGHT:
        raise InFlight(
            "同一个 Idempotency-Key 的请求还在处理，请稍后再试",
            "A request with this Idempotency-Key is under way. Retry-After says when to ask again.",
            retry_after=_seconds(earlier.locked_until - now),
        )
    earlier.locked_until = claim.until
    return None


def _seconds(wait: timedelta) -> int:
    """In whole seconds, at least one. A clock that was set back makes nobody wait longer than a claim lasts."""
    return max(1, min(ceil(wait.total_seconds()), int(IN_FLIGHT.total_seconds())))


def _replay(earlier: IdempotencyRecord, services: WebServices) -> Response:
    body, media_type = earlier.body or b"", earlier.headers
    if media_type.endswith(_SEALED):
        body = SecretBox(services.settings.secret_key).decrypt(body.decode()).encode()
        media_type = media_type.removesuffix(_SEALED)
    answer = Response(body, earlier.status or 200, media_type=media_type or None)
    if earlier.headers.endswith(_SEALED):
        answer.headers["Cache-Control"] = NO_STORE
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


async def _keep(request: Request, claim: Claim, response: Response) -> None:
    """Store the answer with the effect. One that was overtaken has no effect at all."""
    body, media_type = bytes(response.body), response.headers.get("content-type", "")
    if response.headers.get("cache-control") == NO_STORE:
        # A secret that is shown once: not even the answer for a repeat is kept in plain text.
        body = SecretBox(services_of(request).settings.secret_key).encrypt(body.decode()).encode()
        media_type += _SEALED
    values: dict[str, Any] = {"status": response.status_code, "body": body, "headers": media_type}
    statement = update(IdempotencyRecord).where(*claim.record).values(values).returning(col(IdempotencyRecord.key))
    session: AsyncSession | None = getattr(request.state, "session", None)
    if session is not None:
        kept = (await session.execute(statement)).first()
    else:
        async with transaction(services_of(request).sessions) as own:
            kept = (await own.execute(statement)).first()
    if kept is None:
        raise InFlight(
            "处理时间过长，同一个 Idempotency-Key 的另一个请求已接手",
            "It took too long: another request with this Idempotency-Key has taken over",
            retry_after=1,
        )


async def forget(request: Request) -> None:
    """Nothing was done, so the key may be used again. Does nothing once an answer is kept."""
    claim: Claim | None = getattr(request.state, "claim", None)
    if claim is None:
        return
    async with transaction(services_of(request).sessions) as session:
        await session.execute(delete(IdempotencyRecord).where(*claim.record))


async def prune(session: AsyncSession, *, now: datetime) -> int:
    """Remove answers older than 24 h. Returns how many."""
    pruned = await session.execute(
        delete(IdempotencyRecord)
        .where(col(IdempotencyRecord.created_at) < now - KEPT)
        .returning(col(IdempotencyRecord.key))
    )
    return len(pruned.all())
