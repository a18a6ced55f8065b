"""The company of these tests: sixty people, the root and ten departments."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.bootstrap import REGISTRY
from app.database import Sessions, create_engine, create_sessions, transaction
from app.jobs.job import JobContext
from app.settings import Settings
from app.wecom.client import build_platform
from models.base import metadata
from sandbox.app import create_app
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from tests import databases
from tests.builders.policy import policy_in_force
from tests.fakes.clock import FakeClock
from tests.org.world import Spoiling, World


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
def company() -> SandboxConfig:
    return SandboxConfig(people=60, departments=10, limits=False)


@pytest.fixture
async def world(
    company: SandboxConfig, sessions: Sessions, clock: FakeClock, settings: Settings
) -> AsyncIterator[World]:
    app = create_app(company)
    spoiling = Spoiling(httpx.ASGITransport(app=app))
    platform = build_platform(settings, sessions, clock, transport=spoiling, retry_delays=())
    async with transaction(sessions) as session:
        await policy_in_force(session)
    async with SandboxClient.for_app(app) as sandbox:
        yield World(sandbox, app, spoiling, sessions, JobContext(sessions, clock, platform, settings), clock)
    await platform.aclose()
