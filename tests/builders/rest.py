"""One domain's REST on its own, with a key, inside a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from app.audit.actor import SYSTEM
from app.clock import Clock
from app.database import Sessions, transaction
from app.manifest import SESSION_KEY, collect
from app.settings import Settings
from app.web import problems
from app.web.keys import create_key


@asynccontextmanager
async def rolled_back(engine: AsyncEngine) -> AsyncIterator[Sessions]:
    """Sessions that commit as far as they can see. One request after another, because they share a connection."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield async_sessionmaker(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={SESSION_KEY: collect(())},
        )
        await outer.rollback()


@asynccontextmanager
async def serving(
    router: APIRouter, sessions: Sessions, clock: Clock, settings: Settings, *, scopes: Sequence[str]
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.services = SimpleNamespace(settings=settings, sessions=sessions, clock=clock)
    app.include_router(router, prefix="/api/v1")
    problems.install(app)
    async with transaction(sessions) as session:
        _, key = await create_key(session, name="test", scopes=list(scopes), actor=SYSTEM, now=clock.now())
    headers = {"authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://steward/api/v1", headers=headers) as client:
        yield client


async def answer(call: Awaitable[httpx.Response], status: int = 200) -> Any:
    """The body of an answer with this status."""
    response = await call
    assert response.status_code == status, response.text
    return response.json()
