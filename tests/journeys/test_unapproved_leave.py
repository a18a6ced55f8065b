"""What people do to a group in the client raises no event; the comparison finds it (policy 2.5, 2.7, P4, P6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.journeys.cast import CAST
from tests.journeys.world import World

LATER = timedelta(minutes=1)
RUNAWAY = CAST.team[2]
RUNAWAY_NAME = "金宁安"


async def compared(world: World, group: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
    """Compare the group with the platform now, and what stands open then."""
    world.advance(LATER)
    await world.post(f"/groups/{group['id']}/reconcile", body)
    await world.settled()
    # What is found waits a moment for what is about to be found with it.
    await world.pass_time(timedelta(seconds=2))
    return await world.every(f"/groups/{group['id']}/findings", state="open")


class TestLeavingWithoutApproval:
    """Policy 2.5: leaving without approval is a warning-level violation, detected by roster difference."""

    async def test_it_is_found_told_to_the_owner_and_told_once(self, world: World) -> None:
        group = await world.group()
        await world.sandbox.leave_group(RUNAWAY, group["chatid"])

        [finding] = await compared(world, group)

        assert (finding["kind"], finding["userid"]) == ("unapproved_leave", RUNAWAY)
        assert finding["rule"]["clause"] == "2.5"
        assert RUNAWAY_NAME in await world.told(CAST.applicant, RUNAWAY_NAME)
        members = await world.every(f"/groups/{group['id']}/members")
        assert RUNAWAY not in [row["userid"] for row in members], "what the platform says is the truth"

        assert [one["id"] for one in await compared(world, group)] == [finding["id"]]
        told = [text for text in await world.texts(CAST.applicant) if RUNAWAY_NAME in text]
        assert len(told) == 1

    async def test_the_hourly_comparison_finds_it_by_itself(self, world: World) -> None:
        group = await world.group()
        await world.sandbox.leave_group(RUNAWAY, group["chatid"])

        await world.pass_time(timedelta(hours=1, minutes=1))

        [finding] = await world.every(f"/groups/{group['id']}/findings")
        assert finding["kind"] == "unapproved_leave"

    async def test_a_person_closes_it_with_what_was_done(self, world: World) -> None:
        group = await world.group()
        await world.sandbox.leave_group(RUNAWAY, group["chatid"])
        [finding] = await compared(world, group)

        path = f"/groups/{group['id']}/findings/{finding['id']}/resolve"
        await world.post(path, {"resolution": "已谈话提醒"})

        assert await compared(world, group) == []
        await world.post(path, {"resolution": "再来一次"}, status=409)


class TestOtherDifferences:
    """P4: the difference between what we want and what the platform shows is a finding."""

    async def test_somebody_pulled_in_by_a_member_is_a_finding(self, world: World) -> None:
        """Policy 2.1: nobody else invites; 6.6: inviting without approval."""
        group = await world.group()
        await world.sandbox.add_to_group(group["chatid"], CAST.stranger)

        [finding] = await compared(world, group)

        assert (finding["kind"], finding["userid"]) == ("unapproved_join", CAST.stranger)
        assert finding["rule"]["clause"] == "6.6"

    async def test_a_renamed_group_gets_its_registered_name_back(self, world: World) -> None:
        """Policy 1.3, D13: the registered name is the name."""
        group = await world.group()
        await world.sandbox.rename_group(group["chatid"], "吃瓜群")

        await compared(world, group)

        assert (await world.in_group(group))["name"] == CAST.group_name

    async def test_a_dissolved_group_is_told_and_takes_no_more_messages(self, world: World) -> None:
        group = await world.group()
        await world.sandbox.dismiss_group(group["chatid"])

        [finding] = await compared(world, group)

        assert finding["kind"] == "dissolved"
        assert (await world.get(f"/groups/{group['id']}"))["state"] == "lost"


class TestAWrongAnswer:
    """P6: a wrong answer from upstream never empties a group."""

    async def test_a_roster_that_comes_back_empty_changes_nothing_until_a_person_looks(self, world: World) -> None:
        everybody = [*CAST.team, CAST.newcomer, CAST.stranger, *CAST.hr]
        group = await world.group(everybody)
        lie = {"chat_info": await chat_info(world, group) | {"userlist": [CAST.applicant]}}
        await world.sandbox.fail("appchat/get", answer=lie, times=1)

        [finding] = await compared(world, group)

        assert finding["kind"] == "roster_loss"
        assert finding["rule"]["clause"] == "2.7"
        members = await world.every(f"/groups/{group['id']}/members")
        assert sorted(row["userid"] for row in members) == sorted([CAST.applicant, *everybody])

        assert await compared(world, group) == [], "the next, true answer closes it"


async def chat_info(world: World, group: dict[str, Any]) -> dict[str, Any]:
    seen = await world.in_group(group)
    return {
        "chatid": seen["chatid"],
        "name": seen["name"],
        "owner": seen["owner"],
        "userlist": seen["userlist"],
        "chat_type": 0,
    }
