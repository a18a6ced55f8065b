"""Token and EncodingAESKey are rotated while the service runs: nothing is lost, and replies are sealed with the keys
that the click came with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.settings import Settings
from sandbox.config import SandboxConfig
from sandbox.crypto import Cryptor
from tests import databases
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.journeys.cast import CAST
from tests.journeys.world import World, open_world

OLD = SandboxConfig()
NEW_TOKEN, NEW_AES_KEY = "anewtoken", "anewkeyanewkeyanewkeyanewkeyanewkeyanewkeyA"


@pytest.fixture
def settings() -> Settings:
    """As docs/operators.md says: the new values in the usual names, the present ones as the previous."""
    return test_settings(
        WECOM_APP_TOKEN=NEW_TOKEN,
        WECOM_APP_AES_KEY=NEW_AES_KEY,
        WECOM_APP_PREVIOUS_TOKEN=OLD.app_token,
        WECOM_APP_PREVIOUS_AES_KEY=OLD.app_aes_key,
    )


@pytest.fixture
async def world(settings: Settings, server_url: str, taken_over: str, clock: FakeClock) -> AsyncIterator[World]:
    """The service knows both; the platform still signs with the old ones."""
    async with databases.clone(server_url, taken_over) as url, open_world(settings, url, clock) as world:
        world.start_worker()
        await world.settled()
        yield world
        await world.settled()
        assert await world.trouble() == {}


def the_platform_uses(world: World, token: str, aes_key: str) -> None:
    """Somebody has saved these in the console. The same page may save one of the two first."""
    world.platform.state.channels["app"].cryptor = Cryptor(token, aes_key, OLD.corp_id)


async def publish(world: World, title: str) -> dict[str, Any]:
    body = {"title": title, "body": "内容", "author": CAST.head, "audience": {"people": [*CAST.team]}}
    published = await world.post("/announcements", body)
    await world.settled()
    return published


async def confirmed(world: World, published: dict[str, Any]) -> int:
    await world.settled()
    return int((await world.get(f"/announcements/{published['id']}"))["receipts"]["confirmed"])


async def test_clicks_before_between_and_after_are_heard_and_answered(world: World) -> None:
    """Old pair, new token with the old key, old token with the new key, new pair: one person each, and one twice."""
    pairs = [
        (OLD.app_token, OLD.app_aes_key),
        (NEW_TOKEN, OLD.app_aes_key),
        (OLD.app_token, NEW_AES_KEY),
        (NEW_TOKEN, NEW_AES_KEY),
    ]
    for number, (token, aes_key) in enumerate(pairs):
        the_platform_uses(world, token, aes_key)
        published = await publish(world, f"通知{number}")
        for userid in CAST.team:
            await world.press(userid, f"announcement.confirm:{published['id']}")

        assert await confirmed(world, published) == len(CAST.team)
        pushes = (await world.sandbox.callbacks("app"))[-len(CAST.team) :]
        assert [push["statuses"] for push in pushes] == [[200]] * len(CAST.team)
        # The platform could open each reply: it was sealed with the pair of the click.
        assert [push["reply_error"] for push in pushes] == [""] * len(CAST.team)
        assert all("已收到" in push["reply"] for push in pushes)


async def test_keys_that_are_neither_are_refused_and_the_reason_is_told(world: World) -> None:
    the_platform_uses(world, NEW_TOKEN, "Z" * 43)
    event = "<xml><MsgType>event</MsgType><Event>enter_agent</Event><FromUserName>x</FromUserName></xml>"

    assert await world.sandbox.push(event) == [400]

    async def noted() -> dict[str, Any] | None:
        return next(iter(await world.every("/callbacks/refusals", channel="app")), None)

    refusal = await world.until("the refusal to be kept", noted)
    assert refusal["disagrees"] == "aes_key"
    assert "EncodingAESKey" in refusal["explanation"]
