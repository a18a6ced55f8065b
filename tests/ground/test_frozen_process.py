"""A frozen process stops nobody: real processes, SIGSTOP, a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.bootstrap import patience_of
from app.database import Patience, Sessions, create_engine, create_sessions, end_stopped, is_away, transaction
from app.settings import Settings
from tests.databases import dsn

IDLE = 1.0


@asynccontextmanager
async def frozen_holder(database: str) -> AsyncIterator[None]:
    """A process that was stopped while it waited for the row, or held it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.ground.frozen_holder", database, str(IDLE)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"locked\n"
        os.kill(process.pid, signal.SIGSTOP)
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def with_a_row(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(text("INSERT INTO apps (id, name, created_at) VALUES ('app', 'x', now())"))


@pytest.mark.usefixtures("with_a_row")
class TestAFrozenHolder:
    async def test_loses_its_lock_and_the_next_one_works(self, database: str, sessions: Sessions) -> None:
        async with frozen_holder(database):
            async with transaction(sessions) as session:
                await session.execute(text("UPDATE apps SET name = 'awake' WHERE id = 'app'"))
            async with sessions() as session:
                assert (await session.execute(text("SELECT name FROM apps WHERE id = 'app'"))).scalar_one() == "awake"

    async def test_a_wait_that_is_too_long_is_no_fault_of_the_work(self, database: str) -> None:
        impatient = create_engine(database, patience=Patience(lock=timedelta(milliseconds=50)))
        async with frozen_holder(database):
            with pytest.raises(DBAPIError) as refused:
                async with transaction(create_sessions(impatient)) as session:
                    await session.execute(text("UPDATE apps SET name = 'late' WHERE id = 'app'"))
        await impatient.dispose()

        assert is_away(refused.value), "the job waits, and loses no try"


@pytest.mark.usefixtures("with_a_row")
class TestFrozenBetweenThePartsOfAStatement:
    """The server waits for the values of a statement whose text it has: neither idle nor a statement that runs."""

    @asynccontextmanager
    async def stopped_half_way(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(dsn(database))
        for name in ("idle_in_transaction_session_timeout", "statement_timeout"):
            await connection.execute(f"SET {name} = '200ms'")
        try:
            await connection.transaction().start()
            await connection.execute("UPDATE apps SET name = 'frozen' WHERE id = 'app'")
            await connection.prepare("SELECT name FROM apps WHERE id = $1")
            yield connection
        finally:
            connection.terminate()

    async def test_no_time_out_of_the_server_strikes_and_we_end_it(self, database: str, sessions: Sessions) -> None:
        async with self.stopped_half_way(database) as connection:
            await asyncio.sleep(1)
            assert not connection.is_closed(), "PostgreSQL ends it by itself now: then nobody needs to"

            async with transaction(sessions) as session:
                assert await end_stopped(session, idle=timedelta(minutes=1)) == []
                assert len(await end_stopped(session, idle=timedelta(seconds=0.5))) == 1
            async with transaction(sessions) as session:
                await session.execute(text("UPDATE apps SET name = 'awake' WHERE id = 'app'"))

        async with sessions() as session:
            assert (await session.execute(text("SELECT name FROM apps WHERE id = 'app'"))).scalar_one() == "awake"

    async def test_whoever_reads_rows_into_a_table_is_left_alone(self, database: str, sessions: Sessions) -> None:
        """A COPY may wait for its rows for as long as the platform takes."""

        async def rows() -> AsyncIterator[bytes]:
            yield b"copied\tx\t2026-11-27\n"
            await asyncio.sleep(1)
            async with transaction(sessions) as session:
                assert await end_stopped(session, idle=timedelta(seconds=0.5)) == []

        connection = await asyncpg.connect(dsn(database))
        try:
            await connection.copy_to_table("apps", source=rows(), columns=["id", "name", "created_at"])
        finally:
            await connection.close()


class TestSettings:
    async def test_every_connection_of_the_service_carries_them(self, database: str, settings: Settings) -> None:
        given = settings.model_copy(
            update={
                "database_statement_timeout": timedelta(seconds=41),
                "database_lock_timeout": timedelta(seconds=42),
                "database_idle_timeout": timedelta(seconds=43),
            }
        )
        engine = create_engine(database, patience=patience_of(given))
        shown = "SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"
        names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
        async with engine.connect() as connection:
            found = {row[0]: row[1] for row in await connection.execute(text(shown), {"names": names})}
        await engine.dispose()

        assert found == {
            "statement_timeout": "41000",
            "lock_timeout": "42000",
            "idle_in_transaction_session_timeout": "43000",
        }

    def test_a_lock_is_waited_for_longer_than_a_frozen_process_keeps_it(self) -> None:
        assert Patience().lock > Patience().idle
