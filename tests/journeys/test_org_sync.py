"""The organisation follows the platform, and never believes it blindly (P6, policy 8.5, F20, F23)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.settings import Settings
from tests.fakes.clock import FakeClock
from tests.journeys.cast import CAST
from tests.journeys.world import World, open_world

LATER = timedelta(minutes=10)


async def statuses(world: World) -> Counter[str]:
    return Counter(member["status"] for member in await world.every("/members"))


async def report(world: World, run: dict[str, Any]) -> str:
    seen = await world.get(f"/sync-runs/{run['id']}")
    return "\n".join(seen["report"]["explanations"])


@pytest.fixture
async def company(settings: Settings, database: str, clock: FakeClock) -> AsyncIterator[World]:
    """120 people: large enough that a fifth of them is more than fifty."""
    async with open_world(settings, database, clock, people=120) as world:
        world.start_worker()
        await world.taken_over()
        yield world
        await world.settled()
        assert await world.trouble() == {}


class TestAWrongAnswer:
    """P6: a wrong answer from upstream never empties the organisation."""

    async def test_when_the_platform_suddenly_lists_nobody_nobody_leaves(self, world: World) -> None:
        before = await statuses(world)
        await world.sandbox.fail("user/list_id", answer={"dept_user": [], "next_cursor": ""}, times=None)
        await world.sandbox.fail("user/list", answer={"userlist": []}, times=None)

        for _ in range(3):
            world.advance(LATER)
            await world.sync()

        after = await statuses(world)
        assert after["left"] == 0
        assert sum(after.values()) == 60

        await world.sandbox.clear_faults()
        world.advance(LATER)
        await world.sync()
        assert await statuses(world) == before

    async def test_when_departments_vanish_from_the_answer_they_stay(self, world: World) -> None:
        before = [department["id"] for department in await world.every("/departments")]
        await world.sandbox.fail("department/simplelist", answer={"department_id": []}, times=None)
        await world.sandbox.fail("department/list", answer={"department": []}, times=None)

        for _ in range(3):
            world.advance(LATER)
            await world.sync()

        assert [department["id"] for department in await world.every("/departments")] == before


class TestLargeLosses:
    """Policy 8.5: more than 50 people and more than 20 % at once wait for a person."""

    async def test_sixty_percent_vanish_and_wait_until_a_person_releases_them(self, company: World) -> None:
        gone = await sixty_percent(company)
        await company.sync()
        company.advance(LATER)

        run = await company.sync()

        assert run["state"] == "held"
        assert f"{len(gone)}" in await report(company, run)
        held = {person["id"] for person in run["report"]["held"]["people"]}
        assert held == set(gone)
        assert (await statuses(company))["left"] == 0

        released = await company.post(f"/sync-runs/{run['id']}/release")

        assert released["state"] == "released"
        assert released["decided_by"]
        assert (await statuses(company))["left"] == len(gone)
        await company.post(f"/sync-runs/{run['id']}/release", status=409)

    async def test_rejected_nothing_of_it_takes_effect(self, company: World) -> None:
        await sixty_percent(company)
        await company.sync()
        company.advance(LATER)
        run = await company.sync()

        rejected = await company.post(f"/sync-runs/{run['id']}/reject")

        assert rejected["state"] == "rejected"
        assert (await statuses(company))["left"] == 0


async def sixty_percent(world: World) -> list[str]:
    """Deleted on the platform without a word to us."""
    await world.lose_contact_events()
    people = await world.sandbox.people()
    ordinary = [person["userid"] for person in people if not any(person["is_leader_in_dept"])]
    gone = ordinary[: len(people) * 6 // 10]
    for userid in gone:
        await world.sandbox.delete_person(userid)
    return gone


class TestRename:
    """F23: a renamed userid keeps everything."""

    async def test_departments_groups_and_cards_go_with_the_person(self, world: World) -> None:
        group = await world.group()
        old, new = CAST.team[1], "xie.jian"
        before = await world.get(f"/members/{old}")

        await world.sandbox.rename_userid(old, new)
        await world.settled()

        after = await world.get(f"/members/{new}")
        kept = ("name", "status", "departments", "first_seen_at")
        assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
        assert after["userid"] == new
        assert sum((await statuses(world)).values()) == 60
        members = [row["userid"] for row in await world.every(f"/groups/{group['id']}/members")]
        assert new in members
        assert old not in members

        world.advance(LATER)
        await world.post(f"/groups/{group['id']}/reconcile")
        await world.settled()
        assert await world.every(f"/groups/{group['id']}/findings") == []
        leave = await world.apply("exit", new, {"group_id": group["id"]})
        assert (await world.approve(leave))["outcome"] == "done"
        await world.settled()
        assert new not in (await world.in_group(group))["userlist"]

    async def test_a_rename_that_no_event_told_is_not_a_departure_at_once(self, world: World) -> None:
        """Policy 8.5: missing from one run is not a departure."""
        await world.lose_contact_events()
        await world.sandbox.rename_userid(CAST.stranger, "ma.jie")

        await world.sync()

        assert (await world.get(f"/members/{CAST.stranger}"))["status"] == "missing"
        assert (await world.get("/members/ma.jie"))["status"] == "active"


class TestExplained:
    """F20: why people are missing, and what to do about it."""

    async def test_an_untrusted_address_is_named_with_its_ip_and_the_page_to_open(self, world: World) -> None:
        await world.sandbox.configure(trusted_ips=["203.0.113.7"])

        run = await world.sync()

        assert run["state"] == "failed"
        said = await report(world, run)
        assert "60020" in said
        assert "127.0.0.1" in said
        assert (await statuses(world))["left"] == 0

        await world.sandbox.configure(trusted_ips=None)
        world.advance(LATER)
        assert (await world.sync())["state"] == "done"

    async def test_a_narrow_visible_range_makes_nobody_leave(self, world: World) -> None:
        await world.lose_contact_events()
        await world.sandbox.set_visible_range(parties=[CAST.department])

        run = await world.sync()

        after = await statuses(world)
        assert after["left"] == 0
        assert after["invisible"] > 0 or run["state"] == "held"
        assert "可见范围" in await report(world, run)
