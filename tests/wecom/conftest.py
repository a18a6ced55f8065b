from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from app.bootstrap import REGISTRY
from app.database import Sessions, create_engine, create_sessions, transaction
from app.wecom.client import WecomClient
from models.installation import AccessToken, PlatformState
from models.limits import LimitBlock, LimitCounter, LimitSetting
from tests import databases
from tests.fakes.clock import FakeClock
from tests.wecom.scripted import ScriptedPlatform, client_over, http_over


@pytest.fixture
def scripted() -> ScriptedPlatform:
    return ScriptedPlatform()


@pytest.fixture
async def client(scripted: ScriptedPlatform, clock: FakeClock) -> AsyncIterator[WecomClient]:
    """A client on the scripted platform, with a token that needs no database."""
    async with http_over(scripted) as http:
        yield client_over(http, clock)


@pytest.fixture(scope="session")
async def wecom_engine(server_url: str, template: str) -> AsyncIterator[AsyncEngine]:
    async with databases.clone(server_url, template) as url:
        engine = create_engine(url)
        yield engine
        await engine.dispose()


@pytest.fixture
async def sessions(wecom_engine: AsyncEngine) -> Sessions:
    """One database for all of these tests, which touch few and small tables: emptied before each."""
    made = create_sessions(wecom_engine, registry=REGISTRY)
    async with transaction(made) as session:
        for table in (AccessToken, PlatformState, LimitBlock, LimitCounter, LimitSetting):
            await session.execute(delete(table))
    return made
