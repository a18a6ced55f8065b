"""`Idempotency-Key` on every write (F94): the answer of the first request is kept 24 h and given again.

The answer is stored through the session of the request itself, so effect and answer commit together: a process
killed half-way leaves either both or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response, params
from fastapi.routing import APIRoute
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.types import Receive, Scope, Send

from app.database import transaction
from app.errors import Conflict, Invalid
from app.web.deps import authenticate, services_of
from models.access import IdempotencyRecord

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
KEPT = timedelta(hours=24)
IN_FLIGHT = timedelta(minutes=2)
LONGEST_KEY = 255


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


@dataclass(frozen=True)
class Claim:
    """A key that is ours. Whoever takes it over once `until` has passed holds a later moment."""

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
        raise KeyTooLong(f"最多 {LONGEST_KEY} 个字符")
    caller = await authenticate(request)
    services = services_of(request)
    now = services.clock.now()
    claim = Claim(caller.key_id, key, now + IN_FLIGHT)
    digest = await _request_digest(request)
    async with transaction(services.sessions) as session:
        earlier = await _claim(session, claim, digest, now)
    if earlier is not None:
        return _replay(earlier)
    request.state.claim = claim
    try:
        response = await original(request)
    except BaseException:
        # A refusal is no answer to keep: what was refused may be possible later.
        await forget(request)
        raise
    await _keep(request, claim, response)
    return response


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
        raise InFlight("同一个 Idempotency-Key 的请求刚刚结束，请再试一次")
    if earlier.created_at < now - KEPT:
        earlier.status, earlier.body, earlier.request_hash, earlier.created_at = None, None, digest, now
        earlier.locked_until = claim.until
        return None
    if earlier.request_hash != digest:
        raise KeyReused("这个 Idempotency-Key 已用于内容不同的请求，请换一个")
    if earlier.status is not None:
        return earlier
    if earlier.locked_until > now:
        raise InFlight("同一个 Idempotency-Key 的请求还在处理，请稍后再试")
    earlier.locked_until = claim.until
    return None


def _replay(earlier: IdempotencyRecord) -> Response:
    answer = Response(earlier.body, earlier.status or 200, media_type=earlier.headers or None)
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


async def _keep(request: Request, claim: Claim, response: Response) -> None:
    """Store the answer with the effect. One that was overtaken after two minutes has no effect at all."""
    values: dict[str, Any] = {
        "status": response.status_code,
        "body": bytes(response.body),
        "headers": response.headers.get("content-type", ""),
    }
    statement = update(IdempotencyRecord).where(*claim.record).values(values).returning(col(IdempotencyRecord.key))
    session: AsyncSession | None = getattr(request.state, "session", None)
    if session is not None:
        kept = (await session.execute(statement)).first()
    else:
        async with transaction(services_of(request).sessions) as own:
            kept = (await own.execute(statement)).first()
    if kept is None:
        raise InFlight("处理时间过长，同一个 Idempotency-Key 的另一个请求已接手")


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
