"""REST and CLI: send again what a selection holds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import REGISTRY

from app.probes.router import find_degraded
from models.ids import new_id
from tests.company import answer
from tests.delivery.conftest import Desk


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with desk.serving("deliveries:read", "deliveries:write") as client:
        yield client


async def refused(desk: Desk) -> str:
    message = await desk.text(await desk.colleagues(2))
    await desk.sandbox.fail("message/send", errcode=60011)
    await desk.work()
    return str(message.id)


class TestRetrySelected:
    async def test_it_says_first_what_it_would_do(self, desk: Desk, client: httpx.AsyncClient) -> None:
        message = await refused(desk)

        said = await answer(client.post("/deliveries/retry", json={"message": message, "errcode": 60011}))

        assert said == {
            "preview": True,
            "deliveries": 2,
            "calls": 0,
            "reasons": {"refused:60011": 2},
            "retried": 0,
            "passed_over": 0,
        }
        assert await desk.take_jobs() == []

    async def test_then_it_does_it(self, desk: Desk, client: httpx.AsyncClient) -> None:
        message = await refused(desk)

        done = await answer(client.post("/deliveries/retry", json={"message": message, "preview": False}))
        await desk.work()

        assert done["retried"] == 2
        summary = await answer(client.get("/deliveries/summary", params={"message": message}))
        assert (summary["sent"], summary["failed"]) == (2, 0)

    async def test_a_kind_without_an_id_selects_nothing_by_mistake(self, client: httpx.AsyncClient) -> None:
        await answer(client.post("/deliveries/retry", json={"about_kind": "group"}), 422)

    async def test_a_call_that_has_not_ended_is_not_made_again(self, desk: Desk, client: httpx.AsyncClient) -> None:
        call = await desk.to_group("nowhere", "一", new_id())
        await answer(client.post(f"/deliveries/calls/{call.id}/retry"), 409)


async def degraded(desk: Desk) -> dict[str, str]:
    async with desk.sessions() as session:
        return {found.what: found.detail for found in await find_degraded(session, now=desk.clock.now())}


class TestReadiness:
    async def test_what_the_platform_refused_is_counted_with_the_command_for_it(self, desk: Desk) -> None:
        await refused(desk)

        found = await degraded(desk)

        assert found["delivery.failed"].startswith("2 ")
        assert "steward deliveries retry" in found["delivery.failed"]
        assert REGISTRY.get_sample_value("steward_failed_now", {"what": "deliveries"}) == 2

    async def test_trouble_of_the_platform_is_told_with_its_cure(self, desk: Desk) -> None:
        await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", errcode=60020)
        await desk.work()

        told = (await degraded(desk))["limit:message/send"]

        assert "60020" in told
        assert "企业可信IP" in told
