"""The application that production runs, on a database of the test's own, with a platform that must not be called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlmodel import col

from app.bootstrap import Services, build
from app.database import Sessions, transaction
from app.installation import prepare
from app.main import create_app
from models.access import ApiKey
from tests import databases
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.web.probe import router as probe

BASE = "http://steward.test/api/v1"


@dataclass
class Platform:
    """Answers nothing, and remembers who tried."""

    called: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.called.append(request.url.path)
        return httpx.Response(503)


def client_of(app: FastAPI, key: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # An error that nobody foresaw is answered; it does not come back to the caller as an exception.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)


@dataclass
class Desk:
    """Another service of the company with a key for everything, and what it may look up."""

    app: FastAPI
    services: Services
    http: httpx.AsyncClient
    platform: Platform
    key: str

    @property
    def sessions(self) -> Sessions:
        return self.services.sessions

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        return client_of(self.app, key)

    async def make_key(
        self, name: str = "报表", *, once: str | None = None, scopes: tuple[str, ...] = ("org:read",)
    ) -> Any:
        """The answer to `POST /api-keys`: a write with an effect that can be counted."""
        headers = {"Idempotency-Key": once} if once else {}
        return await self.http.post("/api-keys", json={"name": name, "scopes": list(scopes)}, headers=headers)

    async def key_with(self, *scopes: str) -> str:
        answer = await self.make_key("一个密钥", scopes=scopes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    async def keys_named(self, name: str) -> int:
        async with transaction(self.sessions) as session:
            statement = select(func.count()).select_from(ApiKey).where(col(ApiKey.name) == name)
            return (await session.scalars(statement)).one()


@asynccontextmanager
async def open_desk(url: str, clock: FakeClock, *, is_prepared: bool = True) -> AsyncIterator[Desk]:
    """The application on this database."""
    platform, settings = Platform(), test_settings()
    services = build(settings, url, clock=clock, platform_transport=httpx.MockTransport(platform))
    if is_prepared:
        await prepare(services)
    app = create_app(services)
    app.include_router(probe)
    assert settings.bootstrap_api_key is not None
    key = settings.bootstrap_api_key.get_secret_value()
    async with client_of(app, key) as http:
        yield Desk(app, services, http, platform, key)
    await services.aclose()


@pytest.fixture
async def desk(database: str, clock: FakeClock) -> AsyncIterator[Desk]:
    """On a database of the test's own."""
    async with open_desk(database, clock) as desk:
        yield desk


@pytest.fixture(scope="module")
async def counter(server_url: str, template: str) -> AsyncIterator[Desk]:
    """On a database that the tests of a module share: for those that only ask."""
    async with databases.clone(server_url, template) as url, open_desk(url, FakeClock()) as desk:
        yield desk


@pytest.fixture
async def desk_without_database(clock: FakeClock) -> AsyncIterator[Desk]:
    """Nobody listens where its database should be."""
    async with open_desk("postgresql://steward:x@127.0.0.1:9/steward", clock, is_prepared=False) as desk:
        yield desk
