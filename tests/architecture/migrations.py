"""`python -m tests.architecture.migrations`: models and migrations agree; empty → head → empty → head; one head.

Run by `make check` on a real server. With `new "add absences"` it writes the migration that the models ask for.
"""

from __future__ import annotations

import asyncio
import sys

import asyncpg
from alembic import command
from alembic.util import CommandError

from app.database import expected_revision, migrate, migration_config
from tests.databases import dsn, named, server

DATABASE = "migration_check"


async def _create(url: str) -> None:
    connection = await asyncpg.connect(dsn(url))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()


async def _relations(url: str) -> set[str]:
    """Every table, sequence, function and type of ours."""
    connection = await asyncpg.connect(dsn(url))
    try:
        rows = await connection.fetch(
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace"
        )
        return {str(row["name"]) for row in rows}
    finally:
        await connection.close()


def write(message: str) -> None:
    """The difference between the migrations and the models, as a new file to be read and corrected."""
    with server() as url:
        asyncio.run(_create(url))
        target = named(url, DATABASE)
        migrate(target)
        command.revision(migration_config(target), message, autogenerate=True)


def main() -> int:
    if sys.argv[1:2] == ["new"]:
        write(sys.argv[2])
        return 0
    expected_revision()  # raises on two heads
    with server() as url:
        asyncio.run(_create(url))
        target = named(url, DATABASE)
        migrate(target)
        first = asyncio.run(_relations(target))
        migrate(target, "base")
        left = {name for name in asyncio.run(_relations(target)) if "alembic_version" not in name}
        if left:
            print("left behind by the way down:", sorted(left), file=sys.stderr)  # noqa: T201 -- a command's output
            return 1
        migrate(target)
        if asyncio.run(_relations(target)) != first:
            print("the second way up differs from the first", file=sys.stderr)  # noqa: T201 -- a command's output
            return 1
        try:
            command.check(migration_config(target))
        except CommandError as error:
            print(error, file=sys.stderr)  # noqa: T201 -- a command's output
            return 1
    print("migrations: one head, models agree, empty → head → empty → head")  # noqa: T201 -- a command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
