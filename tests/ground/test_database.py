"""The database every other test stands on."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, create_engine, current_revision, expected_revision, is_away, transaction


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


@pytest.mark.parametrize(
    ("sqlstate", "away"),
    [
        ("53100", True),  # disk full
        ("53200", True),  # out of memory
        ("53300", True),  # too many connections
        ("25006", True),  # read only
        ("57P03", True),  # cannot connect now
        ("23505", False),
        ("22003", False),
        ("40P01", False),
    ],
)
async def test_a_database_that_stores_nothing_now_says_nothing_about_the_work(
    session: AsyncSession, sqlstate: str, away: bool
) -> None:
    """Jobs lose no attempt to it, and callers are asked to come back."""
    with pytest.raises(DBAPIError) as refused:
        await session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))

    assert is_away(refused.value) is away
