from collections.abc import AsyncIterator

import pytest

from tests.sandbox.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = await World().start()
    yield world
    await world.stop()


@pytest.fixture
async def legacy_world() -> AsyncIterator[World]:
    """A company whose contacts callback and app are older than the cuts of 2022."""
    world = await World(contact_profile="legacy_full", app_created_after_2022=False).start()
    yield world
    await world.stop()
