"""Who leaves the company leaves its groups, and what they owned has a new owner (policy 2.6, 1.9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.journeys.cast import CAST
from tests.journeys.moments import wednesday
from tests.journeys.world import Phone, World

LEAVER = CAST.team[2]
DEPUTY = CAST.team[0]


class TestOutOfEveryGroup:
    """Policy 2.6: on departure the person is out of every group."""

    async def test_whom_an_administrator_disables_is_taken_out_of_every_group(self, world: World) -> None:
        groups = [await world.group(), await world.group(name="市场部-品牌月")]

        await world.sandbox.disable(LEAVER)
        await world.settled()

        assert (await world.get(f"/members/{LEAVER}"))["status"] == "disabled"
        for group in groups:
            assert LEAVER not in (await world.in_group(group))["userlist"]
            members = await world.every(f"/groups/{group['id']}/members", former=True)
            [stay] = [row for row in members if row["userid"] == LEAVER]
            assert (stay["desired"], stay["observed"], stay["reason"]) == (False, False, "departure")
            assert await world.every(f"/groups/{group['id']}/findings") == []

    async def test_whom_an_administrator_deletes_has_left_and_accuses_nobody(self, world: World) -> None:
        """The platform drops them from its groups by itself: that is a departure, not an unapproved leave."""
        group = await world.group()

        await world.sandbox.delete_person(LEAVER)
        await world.settled()
        world.advance(timedelta(minutes=1))
        await world.post(f"/groups/{group['id']}/reconcile")
        await world.settled()

        assert (await world.get(f"/members/{LEAVER}"))["status"] == "left"
        members = [row["userid"] for row in await world.every(f"/groups/{group['id']}/members")]
        assert sorted(members) == sorted({*CAST.members} - {LEAVER})
        assert await world.every(f"/groups/{group['id']}/findings") == []

    async def test_a_departure_without_an_event_is_found_by_the_runs_that_follow(self, world: World) -> None:
        """F26: most changes are silent. 8.5: missing from two runs is a departure, from one it is not."""
        group = await world.group()
        await world.lose_contact_events()
        await world.sandbox.delete_person(LEAVER)

        await world.sync()
        assert (await world.get(f"/members/{LEAVER}"))["status"] == "missing"
        world.advance(timedelta(minutes=1))
        await world.sync()
        await world.settled()

        assert (await world.get(f"/members/{LEAVER}"))["status"] == "left"
        assert await world.every(f"/groups/{group['id']}/findings") == []


class TestOwnerLeaves:
    """Policy 1.9: when the owner leaves, who would follow is asked, and only who accepts is the owner."""

    async def test_the_deputy_accepts_on_the_phone_and_is_the_owner(self, world: World) -> None:
        group = await world.group()

        await world.sandbox.disable(CAST.applicant)
        await world.settled()

        waiting = await world.get(f"/groups/{group['id']}")
        assert waiting["owner"] == {"desired": None, "observed": CAST.applicant}
        assert (waiting["succession"]["asked"], waiting["succession"]["is_vacant"]) == (DEPUTY, True)
        card = await answer(world, group, DEPUTY, "approve")
        assert card.title == f"接任“{CAST.group_name}”的群主"
        assert "您是否愿意担任群主？" in card.text
        await world.settled()

        seen = await world.in_group(group)
        assert seen["owner"] == DEPUTY
        assert CAST.applicant not in seen["userlist"]
        group = await world.get(f"/groups/{group['id']}")
        assert (group["owner"], group["succession"]) == ({"desired": DEPUTY, "observed": DEPUTY}, None)
        assert await world.told(DEPUTY, "由您接任群主")
        assert await world.every(f"/groups/{group['id']}/findings") == []
        feed = await world.get("/events", types="group.owner_left,group.owner_changed")
        assert [event["type"] for event in feed["items"]] == ["group.owner_left", "group.owner_changed"]

    async def test_who_declines_is_followed_by_the_next_until_a_person_is_asked(self, world: World) -> None:
        group = await world.group()
        await world.sandbox.disable(CAST.applicant)
        await world.settled()

        asked = []
        while candidate := (await world.get(f"/groups/{group['id']}"))["succession"]["asked"]:
            asked.append(candidate)
            await answer(world, group, candidate, "reject")
            await world.settled()

        assert asked[0] == DEPUTY
        assert sorted(asked) == sorted(CAST.team)
        assert (await world.in_group(group))["owner"] == CAST.applicant
        [finding] = await world.every(f"/groups/{group['id']}/findings")
        assert finding["kind"] == "owner_left"
        assert finding["rule"]["clause"] == "1.9"
        assert await world.told(CAST.hr[0], "需要新的群主")


async def answer(world: World, group: dict[str, Any], userid: str, verdict: str) -> Phone:
    """On the card on their phone."""
    request_id = (await world.get(f"/groups/{group['id']}"))["succession"]["request_id"]
    [step] = [one for one in (await world.get(f"/requests/{request_id}"))["steps"] if one["state"] == "open"]
    assert step["is_offer"]
    return await world.press(userid, f"approval.{verdict}:{step['id']}")


class TestTasksOfALeaver:
    """Policy 4.5, F82: a leaver's open tasks are handed over."""

    async def test_the_head_gets_the_card_and_the_assigner_hears_it(self, world: World) -> None:
        asked = {"title": "整理新品验收单", "acceptance": "验收单全部勾选并上传", "due_at": wednesday(18).isoformat()}
        task = await world.post("/tasks", asked | {"assigner": CAST.applicant, "owner": LEAVER})
        await world.settled()

        await world.sandbox.disable(LEAVER)
        await world.settled()

        handed = await world.get(f"/tasks/{task['id']}")
        leader = handed["owner"]
        assert leader not in {LEAVER, CAST.applicant}
        assert handed["state"] == "assigned"
        assert await world.told(leader, "由您接手")
        assert await world.told(CAST.applicant, "账号已停用，由")
        await world.press(leader, f"task.accept:{task['id']}")
        await world.field(f"/tasks/{task['id']}", "state", "accepted")

    async def test_other_services_read_of_it_in_the_feed(self, world: World) -> None:
        """D23."""
        asked = {"title": "整理新品验收单", "acceptance": "验收单全部勾选并上传", "due_at": wednesday(18).isoformat()}
        await world.post("/tasks", asked | {"assigner": CAST.applicant, "owner": LEAVER})

        await world.sandbox.disable(LEAVER)
        await world.settled()

        feed = await world.get("/events", types="person.departed,task.*")
        assert [event["type"] for event in feed["items"]] == ["task.assigned", "person.departed", "task.handed_over"]
        departed = feed["items"][1]
        assert (departed["rule_key"], departed["policy_version"]) == ("member.departure", 1)
