"""The application on a database of the test's own, and a hand that publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.clock import FakeClock
from tests.web.conftest import Desk, open_desk


@pytest.fixture
async def desk(database: str, clock: FakeClock) -> AsyncIterator[Desk]:
    async with open_desk(database, clock) as desk:
        yield desk
