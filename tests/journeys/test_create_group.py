"""A work group: applied for, approved on the phone, created by the service, announced (policy 1.1 to 1.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.cast import CAST
from tests.journeys.world import World, group_asked
from tests.manners import BOTH


async def creations(world: World) -> list[dict[str, Any]]:
    """What the platform heard of new groups."""
    return await world.sandbox.calls("appchat/create")


@pytest.mark.parametrize("like", BOTH, indirect=True)
class TestApproved:
    """Policy 1.1: a work group is registered before it exists; 1.2: the type decides who approves and who is told."""

    async def test_the_head_approves_on_the_phone_and_the_service_creates_the_group(self, world: World) -> None:
        request = await world.apply("create_group", CAST.applicant, group_asked())
        assert [step["approvers"] for step in request["steps"]] == [[CAST.head]]
        assert await creations(world) == [], "nothing is created before it is approved"

        card = await world.decide(request, 1)
        assert CAST.group_name in card.title
        assert "依据制度" in card.text
        assert "1.1" in card.text

        decided = await world.field(f"/requests/{request['id']}", "outcome", "done")
        await world.settled()
        group = await world.get(f"/groups/{decided['group_id']}")
        seen = await world.in_group(group)
        assert sorted(seen["userlist"]) == CAST.members
        assert (seen["name"], seen["owner"]) == (CAST.group_name, CAST.applicant)
        assert group["state"] == "active"
        assert group["owner"] == {"desired": CAST.applicant, "observed": CAST.applicant}
        assert (await world.again(card)).face == "已同意"

    async def test_the_first_message_names_the_owner_and_carries_the_charter(self, world: World) -> None:
        """Policy 1.5: the charter is published when the group is created."""
        group = await world.group()

        [first] = await world.said_in(group)
        assert "陈蕾悦" in first
        assert group["charter"] in first
        assert "入群、退群须申请并经批准" in first

    async def test_the_requester_is_told_and_human_resources_are_informed(self, world: World) -> None:
        """Policy 1.2: and who must be informed (备案): human resources, for a group of a department."""
        await world.group()

        assert await world.told(CAST.applicant, "已办理完成")
        for userid in CAST.hr:
            assert CAST.group_name in await world.told(userid, CAST.group_name)

    async def test_the_decision_names_person_time_rule_and_policy_version(self, world: World) -> None:
        """P5: every decision has a person, a time, a rule and a policy version."""
        group = await world.group()

        request = await world.get(f"/requests/{group['request_id']}")
        [decision] = request["steps"][0]["decisions"]
        assert (decision["person"], decision["verdict"], decision["via"]) == (CAST.head, "approve", "card")
        assert decision["decided_at"]
        assert (request["rule"]["clause"], request["rule"]["policy_version"]) == ("1.1", 1)
        actions = [entry["action"] for entry in await world.every("/audit")]
        assert {"request.submitted", "request.approved", "group.registered", "group.created"} <= set(actions)


class TestRejected:
    """Policy 1.1: created after approval; without it there is no group."""

    async def test_one_rejection_ends_it_and_every_approvers_card_shows_it(self, world: World) -> None:
        """An interest group is approved by human resources: any one of them."""
        asked = group_asked(name="羽毛球爱好者") | {"type": "interest"}
        request = await world.apply("create_group", CAST.applicant, asked)
        [step] = request["steps"]
        assert sorted(step["approvers"]) == sorted(CAST.hr)
        cards = [await world.card_with(userid, f"approval.reject:{step['id']}") for userid in CAST.hr]

        await world.decide(request, 1, by=CAST.hr[1], verdict="reject")

        await world.field(f"/requests/{request['id']}", "state", "rejected")
        await world.settled()
        for card in cards:
            now = await world.again(card)
            assert now.face == "已驳回", card.userid
            assert "周悦思" in now.text
        assert "已驳回" in await world.told(CAST.applicant, "已驳回")
        assert await creations(world) == []
        assert (await world.get("/groups"))["items"] == []


class TestRefusedBeforehand:
    """Policy 1.3: the name says department and matter; the platform cuts silently at 50 characters."""

    async def test_a_name_that_the_platform_would_cut_is_refused_before_anybody_is_asked(self, world: World) -> None:
        asked = group_asked(name="市场部-" + "新" * 47)

        problem = await world.refused("create_group", CAST.applicant, asked, status=400)

        assert problem["type"].endswith("/group-name-refused")
        assert "50" in problem["detail"]

    async def test_a_name_without_its_department_is_refused_and_the_form_is_told(self, world: World) -> None:
        problem = await world.refused("create_group", CAST.applicant, group_asked(name="新品上线"), status=400)

        assert "部门名称-项目名称" in problem["detail"]

    async def test_a_second_group_of_the_same_name_is_refused(self, world: World) -> None:
        await world.group()

        problem = await world.refused("create_group", CAST.team[0], group_asked(), status=409)

        assert problem["type"].endswith("/group-name-taken")

    async def test_a_second_application_for_the_same_name_names_the_first(self, world: World) -> None:
        first = await world.apply("create_group", CAST.applicant, group_asked())

        problem = await world.refused("create_group", CAST.applicant, group_asked(), status=409)

        assert f"#{first['number']}" in problem["detail"]


class TestPlatformRefuses:
    """F59: approved, but the platform refused: visible, and repeated without a second decision."""

    async def test_the_failure_is_told_with_its_reason_and_a_retry_creates_the_group(self, world: World) -> None:
        await world.sandbox.fail("appchat/create", errcode=86006)
        request = await world.apply("create_group", CAST.applicant, group_asked())
        await world.decide(request, 1)

        failed = await world.field(f"/requests/{request['id']}", "outcome", "failed")
        assert failed["state"] == "approved"
        assert "86006" in failed["outcome_detail"]
        group = await world.get(f"/groups/{(await world.get('/groups'))['items'][0]['id']}")
        assert group["state"] == "failed"
        await world.settled()
        assert await world.told(CAST.applicant, "86006")

        await world.post(f"/requests/{request['id']}/retry")

        await world.field(f"/requests/{request['id']}", "outcome", "done")
        await world.settled()
        [only] = await world.sandbox.groups()
        assert (only["name"], only["chatid"]) == (CAST.group_name, group["chatid"])
        await world.post(f"/requests/{request['id']}/retry", status=409)

    async def test_an_answer_that_never_came_makes_exactly_one_group(self, world: World) -> None:
        """P3: the group was created, the answer was lost: the same chatid again says that it exists."""
        await world.sandbox.fail("appchat/create", timeout=True, when="after")
        request = await world.apply("create_group", CAST.applicant, group_asked())
        await world.decide(request, 1)
        await world.settled()
        [call] = await world.every("/deliveries/calls", kind="appchat/create")
        assert (call["state"], call["hold_reason"]) == ("ready", "recovering")
        assert (await world.get(f"/requests/{request['id']}"))["outcome"] == "pending"

        await world.pass_time(timedelta(seconds=10))

        await world.field(f"/requests/{request['id']}", "outcome", "done")
        await world.settled()
        [only] = await world.sandbox.groups()
        assert only["name"] == CAST.group_name
        assert len(await creations(world)) == 2
        [group] = (await world.get("/groups"))["items"]
        assert len(await world.said_in(group)) == 1
