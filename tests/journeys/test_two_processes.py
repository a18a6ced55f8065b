"""D10: any number of processes on one database. Limits, tokens and locks are shared through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.fakes.clock import FakeClock
from tests.journeys.cast import CAST
from tests.journeys.world import World, open_world


@pytest.fixture
async def processes(settings: Settings, database: str, clock: FakeClock) -> AsyncIterator[World]:
    """One that serves and two that work, each with its own connections and its own memory."""
    async with open_world(settings, database, clock) as world:
        world.start_worker()
        world.start_worker()
        await world.taken_over()
        yield world
        await world.settled()
        assert await world.trouble() == {}


async def published_to_all(world: World) -> tuple[str, list[str]]:
    """A notice to the sales department: its id, and everybody who got the card."""
    body = {"title": "请确认", "body": "内容", "author": CAST.head, "audience": {"departments": [8]}}
    published = await world.post("/announcements", body)
    await world.settled()
    receipts = await world.every(f"/announcements/{published['id']}/receipts")
    return published["id"], [row["person"] for row in receipts if row["card"] == "sent"]


class TestWorkersSideBySide:
    """P2: each callback takes effect once, however many processes there are."""

    async def test_many_clicks_are_absorbed_once_each(self, processes: World) -> None:
        announcement, people = await published_to_all(processes)
        assert len(people) > 8

        for userid in people:
            await processes.press(userid, f"announcement.confirm:{announcement}")
        await processes.settled()

        seen = await processes.get(f"/announcements/{announcement}")
        assert seen["receipts"]["confirmed"] == len(people)
        events = await processes.every("/callbacks", event_type="template_card_event")
        assert Counter(event["state"] for event in events) == {"done": len(people)}
        confirmed = [one for one in await processes.every("/audit") if one["action"] == "announcement.confirmed"]
        assert len(confirmed) == len(people)

    async def test_each_call_is_made_once(self, processes: World) -> None:
        await processes.group()
        announcement, people = await published_to_all(processes)
        for userid in people:
            await processes.press(userid, f"announcement.confirm:{announcement}")
        await processes.settled()

        ledger = Counter(call["kind"] for call in await processes.every("/deliveries/calls"))
        made = Counter(call["endpoint"] for call in await processes.sandbox.calls())
        assert {kind: made[kind] for kind in ledger} == dict(ledger)
        attempts = {call["attempts"] for call in await processes.every("/deliveries/calls", state="done")}
        assert attempts == {1}

    async def test_one_token_is_fetched_for_each_credential(self, processes: World) -> None:
        """F110: single flight across replicas."""
        await processes.group()
        await published_to_all(processes)

        assert len(await processes.sandbox.calls("gettoken")) == 2

    async def test_a_token_that_dies_is_fetched_once_more_and_nothing_is_lost(self, processes: World) -> None:
        """F111: refresh once, no storm."""
        await processes.sandbox.expire_tokens()
        before = len(await processes.sandbox.calls("gettoken"))

        _, people = await published_to_all(processes)

        assert len(people) > 8
        assert len(await processes.sandbox.calls("gettoken")) - before == 1

    async def test_the_company_is_taken_over_in_one_run(self, processes: World) -> None:
        runs = await processes.every("/sync-runs")

        assert [run["state"] for run in runs] == ["done"]


class TestServersSideBySide:
    """F9, F94: what one process has seen, the other knows."""

    async def test_a_callback_repeated_to_the_other_process_is_a_repeat(self, processes: World) -> None:
        await processes.sandbox.open_app(CAST.head)
        await processes.settled()
        [push] = [one for one in await processes.sandbox.callbacks("app") if "enter_agent" in one["plaintext"]]

        other = await processes.serve(processes.new_services())
        await processes.route_callbacks(other)
        assert await processes.sandbox.push(push["plaintext"]) == [200]
        await processes.settled()

        [event] = await processes.every("/callbacks", event_type="enter_agent")
        assert event["repeats"] == 1

    async def test_a_request_repeated_to_the_other_process_gets_the_first_answer(self, processes: World) -> None:
        other = processes.client_of(await processes.serve(processes.new_services()))
        body = {"title": "请确认", "body": "内容", "author": CAST.head, "audience": {"people": [*CAST.team]}}
        headers = {"Idempotency-Key": "the-same-notice"}

        first = await processes.rest.post("/announcements", json=body, headers=headers)
        second = await other.post("/announcements", json=body, headers=headers)

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["id"] == second.json()["id"]
        await processes.settled()
        assert len((await processes.get("/announcements"))["items"]) == 1
