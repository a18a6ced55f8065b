"""`Idempotency-Key` on every write (F94): the answer of the first request is kept 24 h and given again.

The answer is stored through the session of the request itself, so effect and answer commit together: a process
killed half-way leaves either both or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

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
    slug = "idempotency-key-reused"
    title = "Idempotency-Key 已用于另一个请求"


class KeyTooLong(Invalid):
    slug = "idempotency-key-too-long"
    title = "Idempotency-Key 太长"


class IdempotentRoute(APIRoute):
    """`APIRouter(route_class=IdempotentRoute)`: writes that carry the header are done once."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # FastAPI says Coroutine, Awaitable suffices
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if request.method not in WRITES or not key:
                return await original(request)
            return await _once(request, key, original)

        return handle


async def _once(request: Request, key: str, original: Callable[[Request], Awaitable[Response]]) -> Response:
    if len(key) > LONGEST_KEY:
        raise KeyTooLong(f"最多 {LONGEST_KEY} 个字符")
    caller = await authenticate(request)
    services = services_of(request)
    digest = await _request_digest(request)
    async with transaction(services.sessions) as session:
        earlier = await _claim(session, caller.key_id, key, digest, services.clock.now())
    if earlier is not None:
        return _replay(earlier)
    try:
        response = await original(request)
        if response.status_code < 500:  # noqa: PLR2004 -- server errors may be tried again
            await _keep(request, caller.key_id, key, response)
            return response
    except BaseException:
        await _forget(request, caller.key_id, key)
        raise
    await _forget(request, caller.key_id, key)
    return response


async def _request_digest(request: Request) -> bytes:
    body = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + body).digest()


async def _claim(
    session: AsyncSession, key_id: UUID, key: str, digest: bytes, now: datetime
) -> IdempotencyRecord | None:
    """None: the key is ours now. A record: the answer to give again. Raises while the first request runs."""
    claim = insert(IdempotencyRecord).values(
        api_key_id=key_id, key=key, request_hash=digest, headers="", locked_until=now + IN_FLIGHT, created_at=now
    )
    claimed = await session.execute(claim.on_conflict_do_nothing().returning(col(IdempotencyRecord.key)))
    if claimed.first() is not None:
        return None
    earlier = await session.get(IdempotencyRecord, (key_id, key), with_for_update=True)
    if earlier is None:
        raise InFlight("同一个 Idempotency-Key 的请求刚刚结束,请再试一次")
    if earlier.created_at < now - KEPT:
        earlier.status, earlier.body, earlier.request_hash, earlier.created_at = None, None, digest, now
        earlier.locked_until = now + IN_FLIGHT
        return None
    if earlier.request_hash != digest:
        raise KeyReused("这个 Idempotency-Key 已用于内容不同的请求,请换一个")
    if earlier.status is not None:
        return earlier
    if earlier.locked_until > now:
        raise InFlight("同一个 Idempotency-Key 的请求还在处理,请稍后再试")
    earlier.locked_until = now + IN_FLIGHT
    return None


def _replay(earlier: IdempotencyRecord) -> Response:
    answer = Response(earlier.body, earlier.status or 200, media_type=earlier.headers or None)
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


async def _keep(request: Request, key_id: UUID, key: str, response: Response) -> None:
    values: dict[str, Any] = {
        "status": response.status_code,
        "body": bytes(response.body),
        "headers": response.headers.get("content-type", ""),
    }
    statement = (
        update(IdempotencyRecord)
        .where(col(IdempotencyRecord.api_key_id) == key_id, col(IdempotencyRecord.key) == key)
        .values(values)
    )
    session: AsyncSession | None = getattr(request.state, "session", None)
    if session is not None:
        await session.execute(statement)
        return
    async with transaction(services_of(request).sessions) as own:
        await own.execute(statement)


async def _forget(request: Request, key_id: UUID, key: str) -> None:
    """Nothing was done, so the key may be used again."""
    async with transaction(services_of(request).sessions) as session:
        await session.execute(
            delete(IdempotencyRecord).where(
                col(IdempotencyRecord.api_key_id) == key_id,
                col(IdempotencyRecord.key) == key,
                col(IdempotencyRecord.status).is_(None),
            )
        )


async def prune(session: AsyncSession, *, now: datetime) -> int:
    """Remove answers older than 24 h. Returns how many."""
    pruned = await session.execute(
        delete(IdempotencyRecord)
        .where(col(IdempotencyRecord.created_at) < now - KEPT)
        .returning(col(IdempotencyRecord.key))
    )
    return len(pruned.all())
