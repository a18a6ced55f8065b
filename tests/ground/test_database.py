"""The database every other test stands on."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, create_engine, current_revision, expected_revision, transaction


class Undone(Exception):
    pass


async def insert_and_fail(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        await session.execute(text("INSERT INTO apps (id, name, created_at) VALUES ('x', 'x', now())"))
        raise Undone


async def test_a_rolled_back_session_sees_the_migrated_schema(session: AsyncSession) -> None:
    assert (await session.execute(text("SELECT count(*) FROM requests"))).scalar_one() == 0


async def test_a_cloned_database_is_at_our_head(database: str) -> None:
    engine = create_engine(database)
    assert await current_revision(engine) == expected_revision()
    await engine.dispose()


async def test_what_a_transaction_raises_in_is_rolled_back(sessions: Sessions) -> None:
    with pytest.raises(Undone):
        await insert_and_fail(sessions)
    async with sessions() as session:
        assert (await session.execute(text("SELECT count(*) FROM apps"))).scalar_one() == 0


async def test_an_error_does_not_tell_the_values_it_was_about(session: AsyncSession) -> None:
    """F112: a traceback ends in the log, and what people wrote must not."""
    with pytest.raises(DBAPIError) as refused:
        await session.execute(text("SELECT * FROM nowhere WHERE body = :body"), {"body": "工资表在附件里"})

    assert "nowhere" in str(refused.value)
    assert "工资表" not in str(refused.value)
