"""The way back: the release before has no words for what only a later one says, and must not fall silent over it."""

from __future__ import annotations

import asyncio

import asyncpg
from alembic import command

from app.audit.why import About
from app.bootstrap import REGISTRY
from app.database import create_engine, create_sessions, migration_config, transaction
from app.ladders import service as ladders
from models.audit import ObjectKind
from models.ids import new_id
from tests.company import found
from tests.databases import clone, dsn
from tests.fakes.clock import MONDAY_9AM

BEFORE = "0017_light_receipts"
LATER_ONES = {"announcement.escalation", "announcement.final_list", "group.finding", "task.handed_over"}


async def test_what_only_this_release_says_goes_and_the_rest_stays(server_url: str, template: str) -> None:
    async with clone(server_url, template) as url:
        engine = create_engine(url)
        try:
            async with transaction(create_sessions(engine, registry=REGISTRY)) as session:
                company = await found(session)
                for purpose in REGISTRY.rungs:
                    about = About(ObjectKind.GROUP, new_id())
                    await ladders.reach(session, purpose, about, [company.li.id], now=MONDAY_9AM)
        finally:
            await engine.dispose()
        await asyncio.to_thread(command.downgrade, migration_config(url), BEFORE)
        connection = await asyncpg.connect(dsn(url))
        try:
            left = {row["purpose"] for row in await connection.fetch("SELECT purpose FROM rungs")}
        finally:
            await connection.close()
    assert left == set(REGISTRY.rungs) - LATER_ONES
