from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.errors import DuplicateRequest
from app.database import transaction
from app.groups import service
from app.groups.errors import (
    AlreadyAMember,
    ChangeUnderWay,
    GroupNotActive,
    NotAMember,
    OwnerNeedsSuccessor,
    SizeRefused,
)
from models.approvals import OutcomeState, RequestState, Verdict
from models.delivery import CallKind, CallState
from models.groups import Group, GroupState
from models.ids import GroupId
from tests.builders.policy import policy
from tests.groups.office import Office


class TestJoining:
    """Policy 2.1: 入群实行申请制：由申请人的部门负责人确认，人力资源部审核，由系统添加。"""

    async def test_head_and_hr_agree_and_the_system_adds(self, office: Office) -> None:
        group = await office.project("li", "han")

        request = await office.apply("join", "zhao", group_id=str(group.id))
        assert [step["name"] for step in request.chain["steps"]] == ["部门负责人", "人力资源"]
        request = await office.decide(request)
        await office.work()

        assert "zhao" in await office.roster(group)
        stay = await office.stay(group, "zhao")
        assert (stay.desired, stay.observed, stay.reason) == (True, True, "join")
        assert (await office.request(request)).outcome is OutcomeState.DONE

    async def test_the_call_is_a_row_before_it_is_made(self, office: Office) -> None:
        group = await office.project("li", "han")

        await office.decide(await office.apply("join", "zhao", group_id=str(group.id)))

        (call,) = await office.calls(CallKind.APPCHAT_UPDATE)
        assert (call.state, call.purpose) == (CallState.READY, "group.roster")
        stay = await office.stay(group, "zhao")
        assert (stay.desired, stay.observed, stay.call_id) == (True, False, call.id)
        assert "zhao" not in await office.roster(group)

    async def test_the_newcomer_is_told_purpose_rules_and_the_way_out(self, office: Office) -> None:
        """Policy 2.11: 添加成员应告知本人。2.4: 新成员在 24 小时内自我介绍。"""
        group = await office.project("li", "han")
        await office.granted("join", "zhao", group_id=str(group.id))

        (text,) = await office.messages("group.welcome")
        assert "新品项目协作" in text
        assert "群规" in text
        assert "24 小时内" in text
        assert "申请退群" in text

    async def test_a_rejected_application_adds_nobody(self, office: Office) -> None:
        group = await office.project("li", "han")

        request = await office.decide(await office.apply("join", "zhao", group_id=str(group.id)), Verdict.REJECT)
        await office.work()

        assert request.state is RequestState.REJECTED
        assert await office.updates() == []

    async def test_who_is_in_already_cannot_apply(self, office: Office) -> None:
        group = await office.project("li", "han")
        with pytest.raises(AlreadyAMember):
            await office.apply("join", "li", group_id=str(group.id))

    async def test_one_application_at_a_time(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.apply("join", "zhao", group_id=str(group.id))
        with pytest.raises(DuplicateRequest):
            await office.apply("join", "wang", group_id=str(group.id), person="zhao")

    async def test_a_full_group_takes_nobody(self, office: Office) -> None:
        """Policy 1.6: 按用途规定群的人数上限（含应用）。"""
        group = await office.project("li", "han")
        async with transaction(office.sessions) as session:
            await policy(session, groups__types__project__max_members=4)

        with pytest.raises(SizeRefused, match="最多 3 人"):
            await office.apply("join", "zhao", group_id=str(group.id))

    async def test_a_group_that_is_not_there_takes_nobody(self, office: Office) -> None:
        request = await office.decide(
            await office.apply(
                "create_group", "li", name="研发部-新品", type="project", purpose="协作", members=["han"]
            )
        )
        group = await office.group_of(request)
        assert group.state is GroupState.CREATING
        with pytest.raises(GroupNotActive):
            await office.apply("join", "zhao", group_id=str(group.id))


class TestWhatThePlatformMakesOfIt:
    """F41, F59: changes are idempotent; approved but failed is visible and retryable."""

    async def test_adding_who_is_in_already_counts_as_done(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.decide(await office.apply("join", "zhao", group_id=str(group.id)))
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.sandbox.fail("appchat/update", errcode=86216)
        await office.work()

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert (await office.stay(group, "zhao")).observed

    async def test_a_real_refusal_is_told_and_can_be_retried(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.decide(await office.apply("join", "zhao", group_id=str(group.id)))
        await office.sandbox.fail("appchat/update", errcode=86216)
        await office.work()

        failed = await office.request(request)
        assert failed.outcome is OutcomeState.FAILED
        assert not (await office.stay(group, "zhao")).observed

        assert (await office.retry(request)).outcome is OutcomeState.DONE
        assert "zhao" in await office.roster(group)

    async def test_an_answer_lost_after_the_effect_is_not_repeated_blindly(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.fail("appchat/update", timeout=True, when="after")
        request = await office.granted("join", "zhao", group_id=str(group.id))
        assert request.outcome is OutcomeState.PENDING

        await office.pass_time(minutes=5)

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert len(await office.calls(CallKind.APPCHAT_UPDATE)) == 1

    async def test_what_became_impossible_before_the_approval_fails_visibly(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await office.leaves_the_company("zhao")

        request = await office.decide(request)

        assert request.outcome is OutcomeState.FAILED
        assert await office.updates() == []


class TestLeaving:
    """Policy 2.5: 退群须向群管理员申请，经批准后退出。"""

    async def test_the_group_administrator_agrees_and_the_system_removes(self, office: Office) -> None:
        group = await office.project("li", "han")

        request = await office.apply("exit", "han", group_id=str(group.id))
        assert [step["approver"] for step in request.chain["steps"]] == ["group_administrator"]
        request = await office.decide(request)
        await office.work()

        assert await office.roster(group) == {"wang", "li"}
        stay = await office.stay(group, "han")
        assert (stay.desired, stay.observed, stay.reason) == (False, False, "exit")
        assert stay.ended_at is not None
        assert (await office.request(request)).outcome is OutcomeState.DONE

    async def test_an_approved_leave_is_no_finding(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.granted("exit", "han", group_id=str(group.id))
        await office.reconcile(group)
        assert await office.findings(group, None) == []

    async def test_who_is_not_in_cannot_leave(self, office: Office) -> None:
        group = await office.project("li", "han")
        with pytest.raises(NotAMember):
            await office.apply("exit", "zhao", group_id=str(group.id))

    async def test_the_last_but_one_cannot_leave(self, office: Office) -> None:
        """The platform refuses a group of fewer than two (86006)."""
        group = await office.project("li")
        with pytest.raises(SizeRefused):
            await office.apply("exit", "li", group_id=str(group.id))

    async def test_an_owner_without_a_deputy_cannot_leave(self, office: Office) -> None:
        group = await office.project("li", "han")
        with pytest.raises(OwnerNeedsSuccessor, match="副群主"):
            await office.apply("exit", "wang", group_id=str(group.id))

    async def test_an_owner_goes_when_the_deputy_accepts_in_the_same_call(self, office: Office) -> None:
        """Policy 1.9: 群主离职或调动时 … 确定接任人。"""
        group = await office.project("li", "han", deputy="han")

        request = await office.granted("exit", "wang", group_id=str(group.id))
        await office.reconcile(group)
        assert (await office.updates(), await office.findings(group, None)) == ([], [])
        assert request.outcome is OutcomeState.PENDING
        with pytest.raises(ChangeUnderWay, match="正在征求接任人的意愿"):
            await office.apply("exit", "wang", group_id=str(group.id))

        await office.answers(group)

        assert (await office.request(request)).outcome is OutcomeState.DONE
        shown = await office.sandbox.group(group.chatid)
        assert (shown["owner"], set(shown["userlist"])) == ("han", {"li", "han"})
        after = await office.now(group)
        assert (after.desired_owner_id, after.deputy_id) == (office.id("han"), None)
        assert len(await office.updates()) == 1
        await office.reconcile(group)
        assert await office.findings(group, None) == []

    async def test_an_interest_group_is_left_freely(self, office: Office) -> None:
        group = await office.project("li", "han", name="羽毛球", type="interest")

        request = await office.apply("exit", "han", group_id=str(group.id))
        assert request.state is RequestState.APPROVED
        await office.work()

        assert "han" not in await office.roster(group)

    async def test_who_comes_back_has_a_second_stay(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao")
        await office.granted("exit", "han", group_id=str(group.id))
        first = await office.stay(group, "han")

        await office.granted("join", "han", group_id=str(group.id))

        second = await office.stay(group, "han")
        assert second.id != first.id
        assert (second.desired, second.observed, second.ended_at) == (True, True, None)


async def remove(office: Office, group: Group, userid: str, reason: str) -> None:
    async with transaction(office.sessions) as session:
        await service.remove_by_hand(
            session,
            group_id=GroupId(group.id),
            person=office.people[userid],
            reason=reason,
            actor=office.actor,
            now=office.clock.now(),
        )
    await office.work()


class TestByAnAdministrator:
    """Policy 2.8: 群管理员可因故移出成员，须记录理由。2.7: 应在群内的补入。"""

    async def test_removal_for_cause_is_recorded_and_told(self, office: Office) -> None:
        group = await office.project("li", "han")

        await remove(office, group, "han", "长期不参与")

        assert "han" not in await office.roster(group)
        assert (await office.stay(group, "han")).reason == "removed"
        assert "member.let_go" in await office.actions()
        (text,) = await office.messages("group.removed")
        assert "长期不参与" in text

    async def test_who_belongs_is_put_in_without_an_application(self, office: Office) -> None:
        group = await office.project("li", "han")
        async with transaction(office.sessions) as session:
            await add(session, office, group, "zhao")
        await office.work()

        assert "zhao" in await office.roster(group)
        assert len(await office.messages("group.welcome")) == 1

    async def test_who_came_in_by_hand_and_is_added_needs_no_call(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.reconcile(group)
        assert await office.kinds_found(group) == ["unapproved_join"]

        async with transaction(office.sessions) as session:
            await add(session, office, group, "zhao")
        await office.reconcile(group)

        assert await office.updates() == []
        assert (await office.stay(group, "zhao")).desired
        assert await office.findings(group) == []


async def add(session: AsyncSession, office: Office, group: Group, userid: str) -> None:
    await service.add_by_hand(
        session,
        group_id=GroupId(group.id),
        person=office.people[userid],
        reason="项目新增成员",
        actor=office.actor,
        now=office.clock.now(),
    )
