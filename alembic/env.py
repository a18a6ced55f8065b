"""Runs migrations over the application's own engine. A second migrating process waits for the first (D8)."""

from __future__ import annotations

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.database_url import read_url
from models import metadata
from models.base import EnumText

MIGRATION_LOCK = 0x57EA


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    # PgQueuer's tables are frozen SQL in a migration of their own; autogenerate does not know them.
    return not (kind == "table" and (name or "").startswith("pgqueuer"))


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    if kind == "type" and isinstance(item, EnumText):
        return "sa.String()"
    return False


def compare_type(_context: Any, _inspected: Any, _column: Any, inspected: Any, declared: Any) -> bool | None:
    if isinstance(declared, EnumText):
        return not isinstance(inspected, String)
    return None


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        render_item=render_item,
        compare_type=compare_type,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    # The lock belongs to the session, so this ends only the transaction that the SELECT began.
    connection.commit()
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
        connection.commit()


async def main() -> None:
    url = context.config.attributes.get("url") or context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("alembic: no database URL; use `steward migrate`")
    address = read_url(url)
    engine = create_async_engine(address.place, poolclass=NullPool, connect_args=address.connect_args())
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
