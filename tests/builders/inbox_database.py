"""One database for the many tests of a module that commit into the inbox; it is emptied after each of them.

Cloning costs half a second where disks are slow, and these tests touch two tables.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests import databases


@pytest.fixture(scope="module")
async def module_database(server_url: str, template: str) -> AsyncIterator[str]:
    async with databases.clone(server_url, template) as url:
        yield url


@pytest.fixture
async def database(module_database: str) -> AsyncIterator[str]:
    yield module_database
    connection = await asyncpg.connect(databases.dsn(module_database))
    await connection.execute(
        "DROP FUNCTION IF EXISTS refuse CASCADE; DELETE FROM received_events; DELETE FROM subject_claims;"
        "DELETE FROM callback_gaps; DELETE FROM callback_refusals; DELETE FROM intake_servers;"
        "DELETE FROM platform_state; DELETE FROM sync_runs; DELETE FROM pgqueuer"
    )
    await connection.close()
