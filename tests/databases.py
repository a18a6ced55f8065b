"""Databases for tests: a real PostgreSQL, the real migrations, and a clone of the result for whoever commits."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker

from app import addresses
from app.bootstrap import REGISTRY
from app.database import MIGRATIONS, Sessions, async_url, migrate
from app.embedded import running
from app.manifest import SESSION_KEY

ROOT = MIGRATIONS.parent
TEMPLATE_LOCK = 0x7E57


def sessions_on(connection: AsyncConnection) -> Sessions:
    """Sessions on one connection whose outer transaction is rolled back: each commit is a savepoint."""
    return async_sessionmaker(
        connection,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
        info={SESSION_KEY: REGISTRY},
    )


@asynccontextmanager
async def rolled_back(engine: AsyncEngine) -> AsyncIterator[Sessions]:
    """Sessions that commit as far as they can see. One after another, because they share a connection."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield sessions_on(connection)
        await outer.rollback()


def register(sessions: Sessions, **more: Mapping[str, Any]) -> None:
    """Let these sessions know more than the domains have registered: `outcomes={…}`, `kinds={…}` …"""
    known: dict[str, Any] = {name: {**getattr(REGISTRY, name), **added} for name, added in more.items()}
    sessions.configure(info={SESSION_KEY: replace(REGISTRY, **known)})


def publish(sessions: Sessions, public_url: str | None) -> None:
    """Let these sessions know where phones reach our pages, as with the setting PUBLIC_URL; or not any more."""
    sessions.configure(info=dict(sessions.kw["info"]) | {addresses.SESSION_KEY: public_url})


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server: `STEWARD_TEST_DATABASE_URL`, or the embedded one under `var/tests`."""
    given = os.environ.get("STEWARD_TEST_DATABASE_URL")
    if given:
        yield async_url(given)
        return
    with running(ROOT / "var" / "tests") as embedded:
        yield embedded.url


def named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def dsn(url: str) -> str:
    """For asyncpg itself, which does not know SQLAlchemy's spelling."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def template_name() -> str:
    """One template per state of the migrations."""
    digest = hashlib.sha256()
    for path in sorted((MIGRATIONS / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    return f"template_{digest.hexdigest()[:12]}"


def ensure_template(url: str) -> str:
    """A migrated database to clone from; parallel workers wait for the one that builds it."""
    name = template_name()
    asyncio.run(_build_template(url, name))
    return name


async def _build_template(url: str, name: str) -> None:
    connection = await asyncpg.connect(dsn(url))
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        building = f"{name}_building"
        await connection.execute(f'DROP DATABASE IF EXISTS "{building}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{building}"')
        await asyncio.to_thread(migrate, named(url, building))
        await connection.execute(f'ALTER DATABASE "{building}" RENAME TO "{name}"')
    finally:
        await connection.close()


@asynccontextmanager
async def crowded(url: str) -> AsyncIterator[str]:
    """The same database for a user who gets one connection and no other, as on a server that is full."""
    role = f"crowded_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(dsn(url))
    try:
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 1")
        await connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        await connection.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
        yield make_url(url).set(username=role, password="x").render_as_string(hide_password=False)
    finally:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
        await connection.execute(f"DROP OWNED BY {role}")
        await connection.execute(f"DROP ROLE {role}")
        await connection.close()


@asynccontextmanager
async def clone(url: str, template: str) -> AsyncIterator[str]:
    """A database of one's own, migrated, empty, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(dsn(url))
    try:
        # WAL_LOG: copying the files would wait for a checkpoint of everything that other tests write, twice.
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY WAL_LOG')
        yield named(url, name)
    finally:
        with contextlib.suppress(asyncpg.PostgresError):
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.close()
