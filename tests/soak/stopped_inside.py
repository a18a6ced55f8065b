"""Stops workers inside their transactions: a lock that all of them run into is held until they wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.databases import dsn

RUN_INTO = "LOCK TABLE limit_counters IN EXCLUSIVE MODE"
"""Every call reserves its part of the limits, with its own row locked already."""

WAITING = """
SELECT DISTINCT split_part(a.application_name, ' ', 1) AS name FROM pg_stat_activity a
JOIN pg_locks l ON l.pid = a.pid AND l.granted AND l.mode = 'RowShareLock' AND l.relation = 'outgoing_calls'::regclass
WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
"""
"""Who has locked the row of a call, and waits for the reservation."""

SILENT = """
SELECT DISTINCT split_part(application_name, ' ', 1) AS name FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL
    AND (state LIKE 'idle in transaction%' OR wait_event = 'ClientRead')
"""
"""Whose server side has answered inside a transaction, or in the middle of a statement, and waits for the client."""


@asynccontextmanager
async def barred(url: str) -> AsyncIterator[None]:
    """While this lasts, nobody gets through a reservation."""
    connection = await asyncpg.connect(dsn(url), timeout=30)
    try:
        async with connection.transaction():
            await connection.execute(RUN_INTO)
            yield
    finally:
        await connection.close()


async def seen(url: str, statement: str) -> set[str]:
    """The names of the processes that the statement shows now."""
    connection = await asyncpg.connect(dsn(url), timeout=30)
    try:
        rows: list[Any] = await connection.fetch(statement)
        return {str(row["name"]) for row in rows}
    finally:
        await connection.close()


async def waiting_for(url: str, names: set[str], *, seconds: float) -> set[str]:
    """Which of them wait inside a transaction, as soon as all do, or when the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        inside = await seen(url, WAITING) & names
        if inside == names or loop.time() > deadline:
            return inside
        await asyncio.sleep(0.1)
