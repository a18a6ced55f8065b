"""`steward audit verify` as an operator runs it."""

from __future__ import annotations

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.audit.service import record, seal_entries
from app.audit.why import About, Why
from app.clock import SystemClock
from app.database import Sessions, transaction
from models.audit import ObjectKind
from tests.cli.conftest import Steward
from tests.databases import dsn


async def three_rows(session: AsyncSession) -> None:
    now = SystemClock().now()
    for number in range(3):
        await record(session, "a.done", About(ObjectKind.TASK, number), Why(SYSTEM), now=now)
    await seal_entries(session, now=now)


async def test_a_good_trail_exits_0_and_a_tampered_one_1(steward: Steward, sessions: Sessions, database: str) -> None:
    async with transaction(sessions) as session:
        await three_rows(session)

    good = await steward("audit", "verify")
    assert (good.code, "完整" in good.out) == (0, True), good.err
    kept = good.out.rpartition("链的末尾：")[2].strip()
    assert (await steward("audit", "verify", "--expect", kept, "--json")).json()["holds"] is True

    connection = await asyncpg.connect(dsn(database))
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("UPDATE audit_entries SET actor_id = 'x' WHERE position = 2")
    await connection.close()

    bad = await steward("audit", "verify", "--json", "--expect", "ab" * 32)
    assert bad.code == 1
    for part in ('"holds": false', '"changed"', "第 2 行", '"not_expected"'):
        assert part in bad.out
    told = await steward("audit", "verify")
    assert (told.code, "第 2 行" in told.err) == (1, True)
