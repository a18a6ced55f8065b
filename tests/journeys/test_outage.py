"""F17: the database is away, or nobody serves. What reaches us waits; what may be lost is known, told, and read again.

A real uvicorn, a real platform that hangs up after its five seconds, and a line to the database that is really cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.bootstrap import build
from app.database import create_engine, transaction
from app.installation import prepare
from app.main import create_app
from app.settings import Settings
from tests import databases
from tests.builders.callbacks import plain_event, seal
from tests.callbacks.conftest import cryptors
from tests.fakes.clock import FakeClock
from tests.fakes.database_line import DatabaseLine, database_line
from tests.fakes.environment import sandbox_environment
from tests.fakes.web_server import serving
from tests.journeys.cast import CAST
from tests.journeys.world import World, open_world

Json = dict[str, Any]


@dataclass
class Outage:
    """A world whose platform reaches the service over the network, and the service's line to its database."""

    world: World
    line: DatabaseLine
    base: str

    def entered(self, number: int = 0) -> str:
        """Somebody opened the app; each number is another event."""
        config = self.world.platform.state.config
        return (
            f"<xml><ToUserName><![CDATA[{config.corp_id}]]></ToUserName><FromUserName>{CAST.head}</FromUserName>"
            f"<CreateTime>{int(self.world.clock.now().timestamp())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
            f"<Event><![CDATA[enter_agent]]></Event><EventKey>{number}</EventKey>"
            f"<AgentID>{config.agent_id}</AgentID></xml>"
        )

    async def received(self) -> list[Json]:
        return await self.world.every("/callbacks", event_type="enter_agent")

    async def attempts(self) -> list[int | None]:
        """How each attempt of the platform's last push ended; None is a time-out."""
        statuses: list[int | None] = (await self.world.sandbox.callbacks())[-1]["statuses"]
        return statuses

    async def gaps(self) -> list[Json]:
        return await self.world.every("/callbacks/gaps")

    async def degraded(self) -> dict[str, str]:
        async with httpx.AsyncClient(timeout=60) as http:
            answer = (await http.get(f"{self.base}/readyz")).json()
        return {entry["what"]: entry["detail"] for entry in answer["degraded"]}

    async def gap(self) -> Json:
        async def look() -> Json | None:
            return next(iter(await self.gaps()), None)

        return await self.world.until("a gap to be noticed", look)

    async def closed(self) -> Json:
        """Once the jobs have run that a gap asks for, and the look that a crontab asks for each minute."""
        await self.world.settled()
        await self.world.job("inbox.close_gaps")
        return await self.gap()


@pytest.fixture
async def outage(settings: Settings, server_url: str, taken_over: str, clock: FakeClock) -> AsyncIterator[Outage]:
    async with databases.clone(server_url, taken_over) as url, open_world(settings, url, clock) as world:
        world.start_worker()
        await world.settled()
        async with database_line(url) as line, served(world, line) as base:
            yield Outage(world, line, base)


@asynccontextmanager
async def served(world: World, line: DatabaseLine) -> AsyncIterator[str]:
    """A process that serves, whose database is at the end of the line; the platform pushes to it."""
    services = build(world.settings, line.url, clock=world.clock, platform_transport=world.line)
    await prepare(services)
    async with serving(create_app(services)) as base:
        pusher = world.platform.state.pusher
        pusher.given_http = None
        await world.sandbox.set_callback_urls(app=f"{base}/callbacks/app", contacts=f"{base}/callbacks/contacts")
        yield base
    await services.aclose()


class TestTheDatabaseIsAway:
    async def test_a_restart_shorter_than_the_platforms_patience_is_not_noticed_by_anybody(
        self, outage: Outage
    ) -> None:
        await outage.line.cut()
        push = asyncio.create_task(outage.world.sandbox.push(outage.entered()))
        await asyncio.sleep(2)
        assert not push.done(), "held, not refused: a refusal would lose it"
        await outage.line.mend()

        assert await push == [200]
        assert [event["repeats"] for event in await outage.received()] == [0]
        assert await outage.gaps() == []

    async def test_a_longer_one_makes_the_platform_hang_up_and_try_again(self, outage: Outage) -> None:
        """Six seconds: the first attempt ends in a time-out, the second is answered. One event, no loss."""
        await outage.line.cut()
        push = asyncio.create_task(outage.world.sandbox.push(outage.entered()))
        await asyncio.sleep(6)
        await outage.line.mend()

        assert await push == [200]
        assert await outage.attempts() == [None, 200]
        assert [event["repeats"] for event in await outage.received()] == [1]

    async def test_what_the_platform_gave_up_on_is_written_all_the_same_and_the_outage_is_a_gap(
        self, outage: Outage
    ) -> None:
        """Seventeen seconds: three time-outs. Late is better than lost, and everything is read again."""
        await outage.line.cut()
        push = asyncio.create_task(outage.world.sandbox.push(outage.entered()))
        assert await push == [None]
        assert await outage.attempts() == [None, None, None]
        await asyncio.sleep(2)
        await outage.line.mend()

        gap = await outage.gap()
        assert (gap["reason"], gap["not_stored"], gap["stored_late"]) == ("database", 0, 1)
        assert [event["repeats"] for event in await outage.received()] == [2]
        assert (await outage.closed())["closed_by"] is not None
        assert "callbacks.gap" not in await outage.degraded()

    async def test_a_network_that_swallows_is_an_outage_too(self, outage: Outage) -> None:
        """Connections that stay open and say nothing."""
        outage.line.block()
        push = asyncio.create_task(outage.world.sandbox.push(outage.entered()))
        await asyncio.sleep(3)
        assert not push.done()
        await outage.line.cut()
        await outage.line.mend()

        assert await push == [200]
        assert len(await outage.received()) == 1


class TestNobodyServes:
    async def test_the_time_is_a_gap_that_stays_open_until_everything_was_read_again(self, outage: Outage) -> None:
        """Somebody left the company, and no process was there to hear it."""
        world = outage.world
        async with database_line(world.database) as line, served(world, line):
            pass
        await silent_for(world, seconds=600)
        await world.stop_workers()
        async with database_line(world.database) as line, served(world, line) as base:
            here = Outage(world, line, base)
            gap = await here.gap()
            assert gap["reason"] == "not_served"
            assert gap["closed_at"] is None
            assert "steward callbacks gaps" in (await here.degraded())["callbacks.gap"]

            world.start_worker()
            closed = await here.closed()

            run = await world.get(f"/sync-runs/{closed['closed_by']}")
            assert run["state"] == "done"
            assert run["started_at"] >= gap["ended_at"]
            assert "callbacks.gap" not in await here.degraded()

    async def test_a_rolling_restart_is_none(self, outage: Outage) -> None:
        """The other process has not stopped serving."""
        world = outage.world
        async with database_line(world.database) as line, served(world, line):
            await asyncio.sleep(1)
        async with database_line(world.database) as line, served(world, line) as base:
            await asyncio.sleep(1.5)
            assert await Outage(world, line, base).gaps() == []


class TestToldToEnd:
    """F108: ten seconds of a supervisor, and a database that cannot be written."""

    async def test_who_is_held_is_answered_before_the_end_and_the_loss_is_a_gap(self, database: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "{}:{}".format(*free.getsockname())
        environment = sandbox_environment() | {"STEWARD_DATABASE_URL": database, "STEWARD_LISTEN": address}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", "serve", env={"PATH": os.environ["PATH"]} | environment, stderr=DEVNULL
        )
        engine = create_engine(database)
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as http:
            await answers(http)
            async with engine.begin() as elsewhere:
                await elsewhere.execute(text("LOCK TABLE received_events IN ACCESS EXCLUSIVE MODE"))
                at = datetime.now(UTC)
                sealed = seal(cryptors()[0], plain_event(at=at), at=at)
                push = asyncio.create_task(http.post("/callbacks/app", params=sealed.params, content=sealed.body))
                await asyncio.sleep(1.5)
                assert not push.done()
                process.send_signal(signal.SIGTERM)

                assert (await push).status_code == 503
                assert await process.wait() == 0

        async with engine.begin() as connection:
            lost = await connection.execute(text("SELECT reason, not_stored, closed_at FROM callback_gaps"))
            assert lost.one() == ("database", 1, None)
            said_goodbye = "SELECT stopped_at IS NOT NULL FROM intake_servers"
            assert (await connection.execute(text(said_goodbye))).scalar_one()
        await engine.dispose()


async def answers(http: httpx.AsyncClient) -> None:
    while True:
        try:
            if (await http.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)


async def silent_for(world: World, *, seconds: int) -> None:
    """By the database's clock, as after a night: no process has given a sign of life."""
    async with transaction(world.services.sessions) as session:
        back = {"seconds": seconds}
        await session.execute(
            text("UPDATE intake_servers SET seen_at = seen_at - make_interval(secs => :seconds)"), back
        )
