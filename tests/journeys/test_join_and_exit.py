"""Joining and leaving a group are applied for (policy 2.1, 2.5, 7.9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from tests.journeys.cast import CAST
from tests.journeys.world import World


async def join(world: World, group: dict[str, Any], userid: str = CAST.newcomer) -> dict[str, Any]:
    return await world.apply("join", userid, {"group_id": group["id"]})


async def roster(world: World, group: dict[str, Any]) -> dict[str, tuple[bool, bool]]:
    """Of each userid: wanted, seen."""
    rows = await world.every(f"/groups/{group['id']}/members")
    return {row["userid"]: (row["desired"], row["observed"]) for row in rows}


class TestJoining:
    """Policy 2.1: the department head confirms; human resources review; the service adds."""

    async def test_it_takes_two_steps_and_then_the_service_adds_them(self, world: World) -> None:
        group = await world.group()

        request = await join(world, group)
        first, second = request["steps"]
        assert first["approvers"] == [CAST.other_head], "the head of the applicant's own department"
        assert (first["state"], second["state"]) == ("open", "waiting")

        await world.decide(request, 1)
        await world.decide(request, 2, by=CAST.hr[2])

        await world.field(f"/requests/{request['id']}", "outcome", "done")
        await world.settled()
        assert CAST.newcomer in (await world.in_group(group))["userlist"]
        assert (await roster(world, group))[CAST.newcomer] == (True, True)
        assert await world.told(CAST.newcomer, "已办理完成")

    async def test_a_newcomer_is_told_purpose_and_rules(self, world: World) -> None:
        """Policy 2.11: nobody is added without notice (purpose, members, rules)."""
        group = await world.group()
        await world.approve(await join(world, group))
        await world.settled()

        assert "入群、退群须申请并经批准" in await world.told(CAST.newcomer, "群规")

    async def test_without_the_second_step_nobody_is_added(self, world: World) -> None:
        group = await world.group()
        request = await join(world, group)

        await world.decide(request, 1)
        await world.decide(request, 2, by=CAST.hr[0], verdict="reject")

        await world.field(f"/requests/{request['id']}", "state", "rejected")
        await world.settled()
        assert CAST.newcomer not in (await world.in_group(group))["userlist"]
        assert CAST.newcomer not in await roster(world, group)
        assert await world.sandbox.calls("appchat/update") == []


class TestNobodySignsTheirOwn:
    """Policy 7.9: nobody approves their own application, whatever the routing says."""

    async def test_a_heads_own_application_goes_to_the_next_superior(self, world: World) -> None:
        group = await world.group()

        request = await join(world, group, CAST.other_head)

        assert request["steps"][0]["approvers"] == [CAST.president]

    async def test_of_human_resources_the_others_review_it(self, world: World) -> None:
        group = await world.group()

        request = await join(world, group, CAST.hr[1])
        await world.decide(request, 1)
        await world.settled()

        second = (await world.get(f"/requests/{request['id']}"))["steps"][1]
        assert sorted(second["approvers"]) == sorted({*CAST.hr} - {CAST.hr[1]})
        body = {"person": CAST.hr[1], "verdict": "approve"}
        problem = await world.post(f"/requests/{request['id']}/decisions", body, status=403)
        assert problem["type"].endswith("/own-request")


class TestAtOnce:
    """F55: of two clicks at the same moment one wins, and the other one's card says who."""

    async def test_two_of_human_resources_press_at_once_and_one_decision_is_taken(self, world: World) -> None:
        group = await world.group()
        request = await join(world, group)
        await world.decide(request, 1)
        step = (await world.field(f"/requests/{request['id']}", "current_step", 2))["steps"][1]
        cards = [await world.card_with(userid, f"approval.approve:{step['id']}") for userid in CAST.hr[:2]]

        await asyncio.gather(
            world.sandbox.click(CAST.hr[0], cards[0].task_id, f"approval.approve:{step['id']}"),
            world.sandbox.click(CAST.hr[1], cards[1].task_id, f"approval.reject:{step['id']}"),
        )
        await world.settled()

        request = await world.get(f"/requests/{request['id']}")
        [decision] = request["steps"][1]["decisions"]
        name = {CAST.hr[0]: "周鹏杰", CAST.hr[1]: "周悦思"}[decision["person"]]
        approved = decision["verdict"] == "approve"
        for card in cards:
            now = await world.again(card)
            assert now.face == ("已同意" if approved else "已驳回"), card.userid
            assert name in now.text
        assert (CAST.newcomer in (await world.in_group(group))["userlist"]) is approved

    async def test_over_rest_who_is_late_reads_who_was_faster(self, world: World) -> None:
        group = await world.group()
        request = await join(world, group)
        await world.decide(request, 1)
        await world.decide(request, 2, by=CAST.hr[0])
        await world.field(f"/requests/{request['id']}", "state", "approved")

        body = {"person": CAST.hr[1], "verdict": "reject"}
        problem = await world.post(f"/requests/{request['id']}/decisions", body, status=409)

        assert problem["type"].endswith("/already-decided")
        assert "周鹏杰" in problem["detail"]


class TestLeaving:
    """Policy 2.5: leaving is applied for to the group administrator and approved."""

    async def test_the_group_administrator_approves_and_the_service_takes_them_out(self, world: World) -> None:
        group = await world.group()
        leaver = CAST.team[2]

        request = await world.apply("exit", leaver, {"group_id": group["id"]})
        assert sorted(request["steps"][0]["approvers"]) == sorted([CAST.applicant, CAST.team[0]])
        await world.decide(request, 1, by=CAST.applicant)

        await world.field(f"/requests/{request['id']}", "outcome", "done")
        await world.settled()
        assert leaver not in (await world.in_group(group))["userlist"]
        assert leaver not in await roster(world, group)
        assert await world.every(f"/groups/{group['id']}/findings") == []

    async def test_rejected_they_stay(self, world: World) -> None:
        group = await world.group()
        leaver = CAST.team[2]

        request = await world.apply("exit", leaver, {"group_id": group["id"]})
        await world.decide(request, 1, by=CAST.applicant, verdict="reject")

        await world.field(f"/requests/{request['id']}", "state", "rejected")
        await world.settled()
        assert (await roster(world, group))[leaver] == (True, True)
        assert leaver in (await world.in_group(group))["userlist"]


class TestNobodyIsAppliedOutBehindTheirBack:
    """Policy 2.5: whom an application of somebody else concerns is told and may object."""

    async def test_who_presses_their_objection_stays_in_the_group(self, world: World) -> None:
        group = await world.group()
        person = CAST.team[2]

        request = await world.apply("exit", CAST.applicant, {"group_id": group["id"], "person": person})
        assert await world.card_with(person, f"approval.object:{request['id']}")
        card = await world.press(person, f"approval.object:{request['id']}")

        ended = await world.field(f"/requests/{request['id']}", "state", "withdrawn")
        await world.settled()
        assert [one["person"] for one in ended["objections"]] == [person]
        assert (await world.again(card)).face == "已撤回"
        assert await world.told(CAST.applicant, "提出异议，这份申请随之结束")
        assert person in (await world.in_group(group))["userlist"]

    async def test_a_colleague_applies_for_nobody(self, world: World) -> None:
        group = await world.group()
        payload = {"group_id": group["id"], "person": CAST.team[2]}
        problem = await world.refused("exit", CAST.team[1], payload, status=403)
        assert problem["type"].endswith("/not-for-others")
        assert "第 2.5 条" in problem["detail"]


class TestSayingWhoAndWhy:
    """Policy 2.1, 2.5: true name, title and contact, and a work reason; erased again when they leave."""

    async def test_an_application_that_says_too_little_asks_nobody(self, world: World) -> None:
        group = await world.group()
        payload = {"group_id": group["id"], "contact": "——"}
        problem = await world.refused("join", CAST.newcomer, payload, status=400)
        assert [one["where"] for one in problem["faults"]] == ["payload.contact"]

    async def test_who_has_left_leaves_no_contact_in_the_register(self, world: World) -> None:
        group = await world.group()
        joined = await world.approve(await join(world, group))
        await world.settled()
        assert ["联系方式", "分机 8021"] in joined["fields"]

        await world.pass_time(timedelta(minutes=1))
        await world.approve(await world.apply("exit", CAST.newcomer, {"group_id": group["id"]}))
        await world.settled()

        shown = await world.get(f"/requests/{joined['id']}")
        assert not {"职务", "联系方式"} & {row for row, _ in shown["fields"]}
        assert shown["reason"] == "工作需要"
