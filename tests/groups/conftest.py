from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import Sessions, transaction
from app.jobs.job import JobContext
from app.settings import Settings
from app.wecom.client import build_platform
from sandbox.app import create_app
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from tests.builders.policy import policy_in_force
from tests.builders.rest import rolled_back
from tests.fakes.clock import FakeClock
from tests.groups.office import Office


@pytest.fixture
async def office(shared_engine: AsyncEngine, clock: FakeClock, settings: Settings) -> AsyncIterator[Office]:
    """The default policy, the research department and HR, the sandbox for a platform; all of it rolled back."""
    async with rolled_back(shared_engine) as sessions, opened(sessions, clock, settings) as office:
        yield office


@pytest.fixture
async def busy_office(sessions: Sessions, clock: FakeClock, settings: Settings) -> AsyncIterator[Office]:
    """The same in a database of its own, where things can happen at the same moment."""
    async with opened(sessions, clock, settings) as office:
        yield office


@asynccontextmanager
async def opened(sessions: Sessions, clock: FakeClock, settings: Settings) -> AsyncIterator[Office]:
    nobody_listens = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    config = SandboxConfig(people=10, app_callback_url="http://steward.test/callbacks/app", callback_retries=1)
    program = create_app(config, http=nobody_listens)
    platform = build_platform(settings, sessions, clock, transport=httpx.ASGITransport(app=program), retry_delays=())
    async with transaction(sessions) as session:
        await policy_in_force(session, delivery__jitter_seconds=0, delivery__avoid_marks=False)
    async with SandboxClient.for_app(program) as sandbox:
        office = Office(JobContext(sessions, clock, platform, settings), clock, sandbox)
        await office.open()
        yield office
    await program.state.sandbox.pusher.stop()
    await platform.aclose()
    await nobody_listens.aclose()
