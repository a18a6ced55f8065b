"""What the queue holds: the one place in the tests that names PgQueuer's table and columns."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.job import Job, Payload

P = TypeVar("P", bound=Payload)


async def queued(session: AsyncSession, job: Job[P]) -> list[P]:
    """What the waiting jobs of this kind carry, in their order."""
    rows = await session.execute(
        text("SELECT payload FROM pgqueuer WHERE entrypoint = :name ORDER BY id"), {"name": job.name}
    )
    return [job.read(json.loads(payload)) for payload in rows.scalars()]


async def queued_names(session: AsyncSession) -> list[str]:
    """The names of all waiting jobs, in their order."""
    return list((await session.execute(text("SELECT entrypoint FROM pgqueuer ORDER BY id"))).scalars())


async def queued_rows(session: AsyncSession) -> list[tuple[str, dict[str, Any]]]:
    """All waiting jobs as they are stored: name and payload."""
    rows = await session.execute(text("SELECT entrypoint, payload FROM pgqueuer ORDER BY id"))
    return [(name, json.loads(payload)) for name, payload in rows]


async def take(session: AsyncSession, job: Job[P]) -> list[P]:
    """Remove the waiting jobs of this kind, as a worker does, and return what they carry."""
    rows = await session.execute(
        text("DELETE FROM pgqueuer WHERE entrypoint = :name RETURNING id, payload"), {"name": job.name}
    )
    return [job.read(json.loads(payload)) for _, payload in sorted(rows.all())]


async def take_all(session: AsyncSession, *, but: Collection[str] = ()) -> list[tuple[str, dict[str, Any]]]:
    """Remove all waiting jobs `but` those with these names; return names and stored payloads, for `REGISTRY.jobs`."""
    rows = await session.execute(
        text("DELETE FROM pgqueuer WHERE entrypoint <> ALL(:but) RETURNING id, entrypoint, payload"), {"but": list(but)}
    )
    return [(name, json.loads(payload)) for _, name, payload in sorted(rows.all())]


async def store(session: AsyncSession, name: str, payload: bytes) -> None:
    """Insert a row as it may have been left by an earlier version."""
    await session.execute(
        text(
            "INSERT INTO pgqueuer (priority, entrypoint, payload, status, created, updated, execute_after)"
            " VALUES (0, :name, :payload, 'queued', now(), now(), now())"
        ),
        {"name": name, "payload": payload},
    )
