"""The company of these tests: sixty people, the root and ten departments."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.bootstrap import REGISTRY
from app.database import Sessions, create_engine, create_sessions
from app.settings import Settings
from models.base import metadata
from sandbox.config import SandboxConfig
from tests import databases
from tests.company import open_company
from tests.fakes.clock import FakeClock
from tests.sync.world import Rest, World


@pytest.fixture(scope="session")
async def org_engine(server_url: str, template: str) -> AsyncIterator[AsyncEngine]:
    """One database for all these tests: they commit for real, and each begins with empty tables."""
    async with databases.clone(server_url, template) as url:
        engine = create_engine(url)
        yield engine
        await engine.dispose()


@pytest.fixture
async def sessions(org_engine: AsyncEngine) -> Sessions:
    async with org_engine.begin() as connection:
        # No foreign keys and no guards for the broom.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in [*metadata.tables, "pgqueuer"]:
            await connection.execute(text(f'DELETE FROM "{table}"'))  # noqa: S608 -- names of our own tables
    return create_sessions(org_engine, registry=REGISTRY)


@pytest.fixture
def sandbox_config() -> SandboxConfig:
    return SandboxConfig(people=60, departments=10, limits=False)


@pytest.fixture
async def world(
    sandbox_config: SandboxConfig, sessions: Sessions, clock: FakeClock, settings: Settings
) -> AsyncIterator[World]:
    async with open_company(World, sessions, clock, settings, config=sandbox_config) as world:
        yield world


@pytest.fixture
async def rest(world: World) -> AsyncIterator[Rest]:
    async with world.serving() as http:
        yield Rest(http)
