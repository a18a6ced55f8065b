"""The application on a database of the test's own, and a hand that publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests import databases
from tests.fakes.clock import FakeClock
from tests.web.conftest import Desk, open_desk


@pytest.fixture(scope="module")
async def counter(server_url: str, template: str) -> AsyncIterator[Desk]:
    """On a database that the tests of a module share: for those that only ask."""
    async with databases.clone(server_url, template) as url, open_desk(url, FakeClock()) as desk:
        yield desk


@pytest.fixture
async def desk(database: str, clock: FakeClock) -> AsyncIterator[Desk]:
    async with open_desk(database, clock) as desk:
        yield desk
