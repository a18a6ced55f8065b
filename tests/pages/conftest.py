"""The company with its platform, the application that production runs, and browsers in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests import databases
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.pages.world import House, open_house


@pytest.fixture
async def house(database: str, clock: FakeClock, settings: Settings) -> AsyncIterator[House]:
    """On a database of the test's own."""
    async with open_house(database, clock, settings) as house:
        yield house


@pytest.fixture(scope="module")
async def shared_house(server_url: str, template: str) -> AsyncIterator[House]:
    """On a database that the tests of a module share: for those that only look."""
    async with databases.clone(server_url, template) as url, open_house(url, FakeClock(), test_settings()) as house:
        yield house
