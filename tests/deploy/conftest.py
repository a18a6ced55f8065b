"""Databases and settings for what is deployed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.databases import dsn, named


@pytest.fixture
async def unmigrated_url(server_url: str) -> AsyncIterator[str]:
    """A database in which there is nothing."""
    name = f"unmigrated_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(dsn(server_url))
    await connection.execute(f'CREATE DATABASE "{name}"')
    yield named(server_url, name)
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()
