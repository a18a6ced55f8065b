"""The world in which stories happen: `world` has taken the company over and its worker is running."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from app.settings import Settings
from tests.fakes.clock import FakeClock
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


@pytest.fixture
async def world(settings: Settings, database: str, clock: FakeClock) -> AsyncIterator[World]:
    """09:00 on a working Monday: the first sync is done, and nothing is on its way."""
    async with open_world(settings, database, clock) as world:
        world.start_worker()
        await world.taken_over()
        yield world
        await world.settled()
        assert await world.trouble() == {}
