"""P3: every recipient is sent, failed, unknown or held; the four add up to the audience at every moment; and an
unknown outcome is never blindly repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.cast import CAST
from tests.journeys.world import World

TITLE = "请确认"
LEASE = timedelta(minutes=4)
"""Longer than a worker may hold a call without a sign of life."""


@pytest.fixture(autouse=True)
async def balanced(world: World) -> AsyncIterator[None]:
    """While the story goes on the ledger is added up again and again."""
    looks: list[int] = []

    async def watch() -> None:
        while True:
            looks.append(await world.unbalanced())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    yield
    watching.cancel()
    await asyncio.wait([watching])
    assert len(looks) > 5
    assert set(looks) == {0}


async def publish(world: World) -> dict[str, Any]:
    return await world.post(
        "/announcements",
        {"title": TITLE, "body": "内容", "author": CAST.head, "audience": {"people": [*CAST.team]}},
    )


async def delivery(world: World, published: dict[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = (await world.get(f"/announcements/{published['id']}"))["delivery"]
    assert sum(counts.values()) == 3
    return {state: count for state, count in counts.items() if count}


async def on_phones(world: World) -> list[int]:
    """How many cards of the notice each person has."""
    return [sum(card.title == TITLE for card in await world.cards(userid)) for userid in CAST.team]


class TestMessages:
    """message/send: the same bytes again while the platform still drops duplicates."""

    async def test_an_answer_that_never_came_is_sent_again_identically_and_arrives_once(self, world: World) -> None:
        await world.sandbox.fail("message/send", timeout=True, when="after")

        published = await publish(world)
        await world.settled()
        assert await delivery(world, published) == {"unknown": 3}
        assert await on_phones(world) == [1, 1, 1], "it did arrive; nobody told us"

        await world.pass_time(timedelta(seconds=10))

        assert await delivery(world, published) == {"sent": 3}
        first, second = await world.sandbox.calls("message/send")
        assert first["body"] == second["body"]
        assert await on_phones(world) == [1, 1, 1]

    async def test_a_message_that_never_arrived_is_sent_once(self, world: World) -> None:
        await world.sandbox.fail("message/send", timeout=True)

        published = await publish(world)
        await world.settled()
        assert await on_phones(world) == [0, 0, 0]
        await world.pass_time(timedelta(seconds=10))

        assert await delivery(world, published) == {"sent": 3}
        assert await on_phones(world) == [1, 1, 1]

    async def test_after_the_window_it_is_never_repeated_and_a_person_decides(self, world: World) -> None:
        await world.sandbox.fail("message/send", timeout=True, when="after", times=None)
        published = await publish(world)
        await world.settled()

        # Every attempt of four hours goes unanswered; then the platform would not know the message again.
        for _ in range(5):
            await world.pass_time(timedelta(hours=1))
        await world.sandbox.clear_faults()
        await world.pass_time(timedelta(hours=1))

        assert await delivery(world, published) == {"unknown": 3}
        assert await on_phones(world) == [1, 1, 1]
        [call] = await world.every("/deliveries/calls", state="unknown")
        await world.post(f"/deliveries/calls/{call['id']}/resolve", {"as": "done"})
        assert await delivery(world, published) == {"sent": 3}

    async def test_a_refusal_fails_everybody_with_the_reason_and_the_cure(self, world: World) -> None:
        await world.sandbox.fail("message/send", errcode=60011)

        published = await publish(world)
        await world.settled()

        assert await delivery(world, published) == {"failed": 3}
        [call] = await world.every("/deliveries/calls", state="failed")
        assert call["errcode"] == 60011
        assert call["error"]


class TestGroupPosts:
    """appchat/send has no duplicate check: nothing tells whether it happened, so a person decides."""

    async def test_one_visible_call_waits_for_a_person_and_holds_up_no_other_message(self, world: World) -> None:
        group = await world.group()
        await world.sandbox.fail("appchat/send", timeout=True, when="after")

        await post(world, group, "第一条")
        await world.settled()
        await post(world, group, "第二条")
        await world.settled()

        [call] = await world.every("/deliveries/calls", state="unknown")
        assert (call["kind"], call["subject_id"]) == ("appchat/send", group["id"])
        assert await said(world, group) == ["第一条", "第二条"]
        await world.pass_time(timedelta(hours=2))
        assert await said(world, group) == ["第一条", "第二条"], "not repeated"

        await world.post(f"/deliveries/calls/{call['id']}/resolve", {"as": "done"})
        await world.settled()

        assert await said(world, group) == ["第一条", "第二条"]
        await world.post(f"/deliveries/calls/{call['id']}/resolve", {"as": "failed"}, status=409)


class TestAWorkerDies:
    """P2, F108: killed between the claim and the answer: nothing is lost and nothing happens twice."""

    async def test_a_message_on_its_way_is_finished_by_the_next_worker_without_a_second_effect(
        self, world: World
    ) -> None:
        world.accept_trouble("jobs")
        world.line.silent = "message/send"
        published = await publish(world)
        await asyncio.wait_for(world.line.swallowed.wait(), 10)
        await world.kill_workers()
        assert await delivery(world, published) == {"held": 3}

        world.start_worker()
        await world.pass_time(LEASE)
        await world.job("delivery.recover")
        await world.pass_time(timedelta(minutes=1))

        assert await delivery(world, published) == {"sent": 3}
        assert await on_phones(world) == [1, 1, 1]

    async def test_a_group_being_created_is_one_group(self, world: World) -> None:
        world.accept_trouble("jobs")
        world.line.silent = "appchat/create"
        request = await world.apply("create_group", CAST.applicant, group_of_the_team())
        await world.decide(request, 1)
        await asyncio.wait_for(world.line.swallowed.wait(), 10)
        await world.kill_workers()

        world.start_worker()
        await world.pass_time(LEASE)
        await world.job("delivery.recover")
        await world.pass_time(timedelta(minutes=1))

        await world.field(f"/requests/{request['id']}", "outcome", "done")
        assert len(await world.sandbox.groups()) == 1

    async def test_a_post_to_a_group_is_left_to_a_person(self, world: World) -> None:
        group = await world.group()
        world.accept_trouble("jobs")
        world.line.silent = "appchat/send"
        await post(world, group, "第一条")
        await asyncio.wait_for(world.line.swallowed.wait(), 10)
        await world.kill_workers()

        world.start_worker()
        await world.pass_time(LEASE)
        await world.job("delivery.recover")
        await world.pass_time(timedelta(hours=1))

        assert await said(world, group) == ["第一条"]
        [call] = await world.every("/deliveries/calls", state="unknown")
        assert call["kind"] == "appchat/send"

    async def test_what_was_asked_for_while_nobody_worked_is_done_afterwards(self, world: World) -> None:
        await world.kill_workers()
        published = await publish(world)
        assert await delivery(world, published) == {"held": 3}

        world.start_worker()
        await world.settled()

        assert await delivery(world, published) == {"sent": 3}
        assert await on_phones(world) == [1, 1, 1]


def group_of_the_team() -> dict[str, Any]:
    return {
        "name": CAST.group_name,
        "type": "department",
        "purpose": "协调新品上线",
        "department_id": CAST.department,
        "owner": CAST.applicant,
        "members": [*CAST.team],
    }


async def post(world: World, group: dict[str, Any], title: str) -> None:
    body = {"title": title, "body": "内容", "author": CAST.applicant, "receipt": False}
    await world.post("/announcements", body | {"audience": {"groups": [group["id"]]}})


async def said(world: World, group: dict[str, Any]) -> list[str]:
    """Titles of what was announced in the group, in order."""
    return [title for text in await world.said_in(group) for title in ("第一条", "第二条") if title in text]
