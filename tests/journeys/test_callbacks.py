"""Callbacks: committed before they are answered, handled once, kept when they cannot be handled (P1, P2, F6, F14)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx

from app.bootstrap import build
from app.installation import prepare
from app.main import create_app
from tests.databases import dsn
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.journeys.cast import CAST
from tests.journeys.world import CALLBACKS, World

# The platform's own example (callbacks §1.2, doc path/90930).
OFFICIAL = {"WECOM_CORP_ID": "wx5823bf96d3bd56c7", "WECOM_APP_TOKEN": "QDG6eK"}
OFFICIAL_AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
OFFICIAL_QUERY = (
    "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780"
    "&echostr=P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D"
)


@asynccontextmanager
async def connection(world: World) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(dsn(world.database))
    try:
        yield opened
    finally:
        await opened.close()


class TestCommittedBeforeAnswered:
    """P1: a callback answered with 200 is committed. Nothing is answered before it is."""

    async def test_what_was_answered_is_there_although_nobody_works(self, world: World) -> None:
        await world.stop_workers()

        for userid in CAST.team:
            await world.sandbox.open_app(userid)
        await world.sandbox.wait_idle()

        pushes = [one for one in await world.sandbox.callbacks("app") if "enter_agent" in one["plaintext"]]
        assert [push["statuses"] for push in pushes] == [[200], [200], [200]]
        stored = await world.every("/callbacks", event_type="enter_agent")
        assert {event["state"] for event in stored} == {"pending"}
        assert sorted(event["userid"] for event in stored) == sorted(CAST.team)

        world.start_worker()
        await world.settled()
        assert {event["state"] for event in await world.every("/callbacks", event_type="enter_agent")} == {"ignored"}

    async def test_while_the_row_cannot_be_written_there_is_no_answer(self, world: World) -> None:
        async with connection(world) as other:
            lock = other.transaction()
            await lock.start()
            await other.execute("LOCK TABLE received_events IN SHARE MODE")
            push = asyncio.create_task(world.sandbox.push(entered(world, CAST.head)))
            done, _ = await asyncio.wait([push], timeout=0.5)
            assert not done, "answered before it was committed"
            await lock.rollback()

        assert await push == [200]
        [event] = await world.every("/callbacks", event_type="enter_agent")
        assert event["userid"] == CAST.head

    async def test_a_forged_signature_leaves_no_trace(self, world: World) -> None:
        """F2: 4xx, no side effect."""
        before = len(await world.every("/callbacks"))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=world.app)) as http:
            query = {"msg_signature": "0" * 40, "timestamp": str(int(world.clock.now().timestamp())), "nonce": "1"}
            answer = await http.post(f"{CALLBACKS}/app", params=query, content="<xml><Encrypt>AAAA</Encrypt></xml>")

        assert 400 <= answer.status_code < 500
        assert len(await world.every("/callbacks")) == before


class TestUnknown:
    """Every event type is stored; what we do not know is counted and kept for the day we do."""

    async def test_an_unknown_event_is_answered_stored_and_shown_with_its_body(self, world: World) -> None:
        world.accept_trouble("events")
        body = entered(world, CAST.head).replace("enter_agent", "coffee_is_ready")

        assert await world.sandbox.push(body) == [200]
        await world.settled()

        [event] = await world.every("/callbacks", state="unknown")
        assert event["event_type"] == "coffee_is_ready"
        assert "coffee_is_ready" in (await world.get(f"/callbacks/{event['id']}"))["body"]


class TestParked:
    """F13, F14: tried again with back-off, then parked with the reason, and replayed by a person."""

    async def test_a_parked_event_is_listed_with_its_reason_and_replayed_over_rest(self, world: World) -> None:
        # The digest of the morning that comes meanwhile meets the same table.
        world.accept_trouble("events", "jobs")
        published = await world.post(
            "/announcements",
            {"title": "请确认", "body": "内容", "author": CAST.head, "audience": {"people": [*CAST.team]}},
        )
        await world.settled()
        async with connection(world) as database:
            await database.execute("ALTER TABLE receipts RENAME TO receipts_in_repair")
            await world.press(CAST.team[0], f"announcement.confirm:{published['id']}")
            await world.settled()
            [event] = await world.every("/callbacks", event_type="template_card_event")
            assert (event["state"], event["attempts"]) == ("pending", 1)
            for _ in range(8):
                await world.pass_time(timedelta(hours=3))
            await database.execute("ALTER TABLE receipts_in_repair RENAME TO receipts")

        [event] = await world.every("/callbacks", state="parked")
        assert event["attempts"] == 8
        assert "receipts" in event["reason"]

        await world.post(f"/callbacks/{event['id']}/replay")
        await world.settled()

        assert (await world.get(f"/callbacks/{event['id']}"))["state"] == "done"
        assert (await world.get(f"/announcements/{published['id']}"))["receipts"]["confirmed"] == 1

    async def test_a_replayed_click_that_had_its_effect_has_none_again(self, world: World) -> None:
        published = await world.post(
            "/announcements",
            {"title": "请确认", "body": "内容", "author": CAST.head, "audience": {"people": [*CAST.team]}},
        )
        await world.press(CAST.team[0], f"announcement.confirm:{published['id']}")
        await world.settled()
        [event] = await world.every("/callbacks", event_type="template_card_event")
        calls = len(await world.every("/deliveries/calls"))

        await world.post(f"/callbacks/{event['id']}/replay")
        await world.settled()

        assert (await world.get(f"/callbacks/{event['id']}"))["state"] == "done"
        assert len(await world.every("/deliveries/calls")) == calls


class TestOfficialSample:
    """F1: the platform's own example is answered with exactly its plaintext."""

    async def test_the_example_of_the_documentation_is_verified(self, database: str, clock: FakeClock) -> None:
        settings = test_settings(**OFFICIAL, WECOM_APP_AES_KEY=OFFICIAL_AES_KEY)
        clock.set(datetime.fromtimestamp(1409659589, UTC))
        services = build(settings, database, clock=clock)
        await prepare(services)
        app = create_app(services)

        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http,
        ):
            answer = await http.get(f"{CALLBACKS}/app?{OFFICIAL_QUERY}")
        await services.aclose()

        assert (answer.status_code, answer.text) == (200, "1616140317555161061")


def entered(world: World, userid: str) -> str:
    """Somebody opened the app."""
    config = world.platform.state.config
    return (
        f"<xml><ToUserName><![CDATA[{config.corp_id}]]></ToUserName><FromUserName><![CDATA[{userid}]]></FromUserName>"
        f"<CreateTime>{int(world.clock.now().timestamp())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[enter_agent]]></Event><EventKey></EventKey><AgentID>{config.agent_id}</AgentID></xml>"
    )
