"""The world in which stories happen: `world` has taken the company over and its worker is running."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from sqlalchemy.engine import make_url

from app.settings import Settings
from sandbox.config import Like
from tests import databases
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.journeys.world import World, open_world


@pytest.fixture(scope="module", autouse=True)
def plain_logs() -> Iterator[None]:
    """As the service logs. The library's own default draws a traceback with every local: nine seconds for one error."""
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
async def taken_over(server_url: str, template: str) -> AsyncIterator[str]:
    """A database in which the service has taken the company over; stories begin with copies of it."""
    async with databases.clone(server_url, template) as url:
        async with open_world(test_settings(), url, FakeClock()) as world:
            world.start_worker()
            await world.taken_over()
            await world.forget_tokens()
        yield str(make_url(url).database)


@pytest.fixture
async def world(
    settings: Settings, server_url: str, taken_over: str, clock: FakeClock, like: Like | None
) -> AsyncIterator[World]:
    """09:00 on a working Monday: the company is taken over, a worker is running, nothing is on its way."""
    async with databases.clone(server_url, taken_over) as url, open_world(settings, url, clock, like=like) as world:
        world.start_worker()
        await world.settled()
        yield world
        await world.settled()
        assert await world.trouble() == {}
