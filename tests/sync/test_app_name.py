"""The app calls itself what `agent/get` says."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from app.database import transaction
from app.inbox.job_payloads import SyncPayload
from app.sync.jobs import sync
from models.ids import APP
from models.installation import App
from tests.sync.world import World


async def name_here(world: World) -> str:
    async with transaction(world.sessions) as session:
        return (await session.scalars(select(col(App.name)).where(col(App.id) == APP))).one()


class TestTheNameOfTheApp:
    async def test_a_sync_takes_it_over(self, world: World) -> None:
        world.spoil("agent/get", lambda _, answer: answer | {"name": "行政小助手"})
        await sync(world.ctx, SyncPayload(reason="test"))
        assert await name_here(world) == "行政小助手"

    async def test_without_an_answer_it_keeps_the_name_it_has(self, world: World) -> None:
        before = await name_here(world)
        world.spoil("agent/get", lambda _, answer: answer | {"name": "行政小助手"})
        await world.sandbox.fail("agent/get", errcode=60011, times=None)
        await sync(world.ctx, SyncPayload(reason="test"))
        assert await name_here(world) == before
