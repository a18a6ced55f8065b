"""The world in which stories happen: `world` has taken the company over and its worker is running."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.fakes.clock import FakeClock
from tests.journeys.world import World, open_world


@pytest.fixture
async def world(settings: Settings, database: str, clock: FakeClock) -> AsyncIterator[World]:
    """09:00 on a working Monday: the first sync is done, and nothing is on its way."""
    async with open_world(settings, database, clock) as world:
        world.start_worker()
        await world.taken_over()
        yield world
        await world.settled()
        assert await world.trouble() == {}
