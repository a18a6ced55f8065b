"""An ordinary outage needs nobody: the platform is away for more than an hour, comes back, and everything goes on.

Jobs that read gave up after eight tries once, about 150 s. Real workers, a real queue, the platform is the sandbox.
Nobody gives a command from the moment the line is cut.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from app.database import transaction
from app.jobs.held import held_work
from tests.journeys.cast import CAST
from tests.journeys.world import World

Json = dict[str, Any]

STEP = timedelta(minutes=5)
STEPS = 15
MINUTE = timedelta(minutes=1)

WAITING = (
    "SELECT entrypoint, max(attempts) AS attempts FROM pgqueuer WHERE status <> 'failed' AND attempts > 0"
    " GROUP BY entrypoint"
)


async def pass_everywhere(world: World, by: timedelta) -> None:
    """Time passes for the queue too, whose clock is the database's."""
    async with transaction(world.services.sessions) as session:
        back = {"seconds": by.total_seconds()}
        moved = "UPDATE pgqueuer SET execute_after = execute_after - make_interval(secs => :seconds)"
        await session.execute(text(f"{moved} WHERE status = 'queued'"), back)
    await world.pass_time(by)


async def tries(world: World) -> dict[str, int]:
    """Jobs that have failed and wait, and how often they were tried."""
    async with transaction(world.services.sessions) as session:
        return {row[0]: row[1] for row in await session.execute(text(WAITING))}


async def given_up(world: World) -> list[Json]:
    async with transaction(world.services.sessions) as session:
        return await held_work(session)


async def test_an_hour_without_the_platform_is_made_up_for_by_itself(world: World) -> None:
    world.accept_trouble("jobs")
    world.start_worker()
    group = await world.group()
    leaver, newcomer = CAST.team[-1], "newcomer"
    world.line.is_cut = True

    # A hint for each kind of reading, a comparison, a full sync, words to people and to the group.
    await world.sandbox.leave_group(leaver, group["chatid"])
    await world.sandbox.hire(newcomer, "新同事", departments=[CAST.department])
    await world.sandbox.set_name(CAST.head, "改名")
    await world.post(f"/groups/{group['id']}/reconcile")
    run = await world.post("/sync-runs")
    body = {"title": "请确认", "body": "内容", "author": CAST.head, "audience": {"groups": [group["id"]]}}
    announcement = await world.post("/announcements", body)
    await world.settled()
    said_before = await world.said_in(group)

    for _ in range(STEPS):
        await pass_everywhere(world, STEP)
        assert await given_up(world) == []
    tried = await tries(world)
    assert max(tried.values()) > 10, tried
    assert {"org.refresh_person", "groups.reconcile"} <= tried.keys()
    assert {call["state"] for call in await world.every("/deliveries/calls")} <= {"held", "done"}
    assert "failed" not in {one["state"] for one in await world.every("/deliveries")}

    world.line.is_cut = False
    for _ in range(4):
        await pass_everywhere(world, STEP)
    await pass_everywhere(world, MINUTE)

    assert await given_up(world) == []
    assert await tries(world) == {}
    assert (await world.get(f"/members/{newcomer}"))["name"] == "新同事"
    assert (await world.get(f"/members/{CAST.head}"))["name"] == "改名"
    assert {one["state"] for one in await world.every("/sync-runs")} <= {"done", "failed"}
    assert (await world.every("/sync-runs"))[0]["state"] == "done", run
    assert {call["state"] for call in await world.every("/deliveries/calls")} == {"done"}
    assert {one["state"] for one in await world.every("/deliveries")} == {"sent"}
    receipts = await world.every(f"/announcements/{announcement['id']}/receipts")
    assert {one["card"] for one in receipts} == {"sent"}
    found = Counter(one["kind"] for one in await world.every(f"/groups/{group['id']}/findings"))
    assert found["unapproved_leave"] == 1
    said = await world.said_in(group)
    assert said[: len(said_before)] == said_before
    assert max(Counter(said).values()) == 1
    for person in await world.sandbox.people(limit=200):
        cards = [one.text for one in await world.cards(person["userid"])]
        texts = await world.texts(person["userid"])
        assert all(count == 1 for count in Counter(cards + texts).values()), person["userid"]
