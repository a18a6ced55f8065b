"""The intake behind a small application, and the platform's side of both channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlmodel import col

from app.database import Sessions, transaction
from app.settings import Settings
from callbacks.intake import Intake, build_intake
from callbacks.router import router
from models.inbox import ReceivedEvent
from sandbox.config import SandboxConfig
from sandbox.crypto import Cryptor
from tests.builders.callbacks import Sealed
from tests.builders.inbox_database import database, module_database
from tests.fakes.clock import FakeClock

__all__ = ["database", "module_database"]  # fixtures, found by name


@dataclass(frozen=True)
class Services:
    """The part of bootstrap's services that callbacks use."""

    intake: Intake
    sessions: Sessions
    clock: FakeClock


@dataclass(frozen=True)
class Platform:
    """Sends callbacks as the platform does, and reads what was stored of them."""

    http: httpx.AsyncClient
    sessions: Sessions
    app: Cryptor
    contacts: Cryptor

    async def post(self, sealed: Sealed, channel: str = "app") -> httpx.Response:
        return await self.http.post(f"/callbacks/{channel}", params=sealed.params, content=sealed.body)

    async def rows(self) -> list[ReceivedEvent]:
        async with transaction(self.sessions) as session:
            return list(await session.scalars(select(ReceivedEvent).order_by(col(ReceivedEvent.id))))


def cryptors(config: SandboxConfig | None = None) -> tuple[Cryptor, Cryptor]:
    config = config or SandboxConfig()
    return (
        Cryptor(config.app_token, config.app_aes_key, config.corp_id),
        Cryptor(config.contacts_token, config.contacts_aes_key, config.corp_id),
    )


def client_of(intake: Intake, sessions: Sessions, clock: FakeClock) -> httpx.AsyncClient:
    app = FastAPI()
    app.state.services = Services(intake, sessions, clock)
    app.include_router(router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steward.test")


@pytest.fixture
async def platform(sessions: Sessions, settings: Settings, clock: FakeClock) -> AsyncIterator[Platform]:
    intake = build_intake(settings, sessions, clock)
    await intake.start()
    async with client_of(intake, sessions, clock) as http:
        yield Platform(http, sessions, *cryptors())
    await intake.stop()


@pytest.fixture
def now(clock: FakeClock) -> datetime:
    return clock.now()
