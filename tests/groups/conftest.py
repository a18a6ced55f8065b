from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import Sessions
from app.settings import Settings
from tests.company import open_company
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock
from tests.groups.office import PEOPLE, Office


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


def opened(sessions: Sessions, clock: FakeClock, settings: Settings) -> AbstractAsyncContextManager[Office]:
    return open_company(
        Office,
        sessions,
        clock,
        settings,
        people=PEOPLE,
        delivery__jitter_seconds=0,
        delivery__avoid_marks=False,
    )
