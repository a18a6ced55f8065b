"""Policy 1.9: an owner goes. Who would follow is asked in turn, and only who accepts is the owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.approvals.errors import AlreadyDecided, NotTheRequester, UnknownKind
from app.approvals.service import Ballot
from app.bootstrap import REGISTRY
from app.database import transaction
from app.findings import service as findings
from app.groups import presentation, service
from app.groups.errors import NotAMember
from app.groups.schemas import GroupOut
from app.groups.succession.ask import note_nobody_left
from app.jobs.timers import sweep
from app.ladders.tell import GATHERS
from models.approvals import OutcomeState, Request, RequestState, StepState, Verdict
from models.delivery import CallKind
from models.groups import FindingKind, Group
from models.ids import FindingId, GroupId, RequestId, StepId
from models.org import Person, PersonStatus
from tests.builders.approvals import texts_to
from tests.builders.policy import policy_in_force
from tests.company import PERSONNEL
from tests.groups.office import Office


async def gone(office: Office, userid: str = "wang", why: str = "disabled") -> None:
    await office.departed(await office.leaves_the_company(userid, why))


async def requests(office: Office) -> list[Request]:
    async with office.sessions() as session:
        statement = select(Request).where(col(Request.kind) == "own_group").order_by(col(Request.number))
        return list(await session.scalars(statement))


async def shown(office: Office, group: Group) -> GroupOut:
    async with office.sessions() as session:
        return await presentation.group(session, await session.get_one(Group, group.id))


async def told(office: Office, who: str) -> list[str]:
    async with office.sessions() as session:
        return await texts_to(session, office.people[who])


async def wait(office: Office, first: timedelta = timedelta(days=9)) -> None:
    for waited in (first, GATHERS):
        office.clock.advance(waited)
        while await sweep(office.sessions, office.clock, REGISTRY.timers):
            pass
    await office.work()


async def name_owner(office: Office, group: Group, who: str) -> None:
    async with transaction(office.sessions) as session:
        await service.change_owner(
            session,
            group_id=GroupId(group.id),
            owner=office.people[who],
            deputy=None,
            reason="岗位调整",
            actor=office.actor,
            now=office.clock.now(),
        )
    await office.work()


async def back_in(office: Office, group: Group, userid: str = "wang") -> None:
    """Able to act again, and put into the group by an administrator."""
    async with transaction(office.sessions) as session:
        (await session.get_one(Person, office.id(userid))).status = PersonStatus.ACTIVE
    async with transaction(office.sessions) as session:
        await service.add_by_hand(
            session,
            group_id=GroupId(group.id),
            person=await session.get_one(Person, office.id(userid)),
            reason="回到公司",
            actor=office.actor,
            now=office.clock.now(),
        )


class TestWhoFollows:
    """1.9: 群主离职或调动时，在其账号停用之前提出并确定接任人。

    Policy 13: "Who becomes owner without having applied is asked."
    """

    async def test_until_somebody_accepts_the_group_waits_and_says_so(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")

        await gone(office)
        await office.reconcile(group)

        on_platform = await office.sandbox.group(group.chatid)
        assert (on_platform["owner"], set(on_platform["userlist"])) == ("wang", {"wang", "li", "han"})
        assert await office.updates() == []
        assert await office.findings(group, None) == []
        seen = await shown(office, group)
        assert (seen.owner.desired, seen.owner.observed) == (None, "wang")
        assert seen.succession is not None
        assert (seen.succession.former, seen.succession.asked, seen.succession.is_vacant) == ("wang", "han", True)
        assert "group.owner_left" in await office.actions()
        assert "group.owner_changed" not in await office.actions()

    async def test_who_accepts_takes_over_in_the_call_that_removes_the_owner(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)

        assert await office.answers(group) == "韩梅"

        on_platform = await office.sandbox.group(group.chatid)
        assert (on_platform["owner"], set(on_platform["userlist"])) == ("han", {"li", "han"})
        assert len(await office.updates()) == 1
        (text,) = await office.messages("group.owner")
        assert "王芳 账号已停用，由您接任群主" in text
        [request] = await requests(office)
        assert (request.state, request.outcome) == (RequestState.APPROVED, OutcomeState.DONE)
        await office.reconcile(group)
        assert await office.findings(group, None) == []
        seen = await shown(office, group)
        assert (seen.owner.desired, seen.succession) == ("han", None)

    async def test_who_declines_is_followed_by_the_next(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", deputy="han")
        await gone(office)

        assert await office.answers(group, Verdict.REJECT, "手上的群太多") == "韩梅"
        assert await office.answers(group) == "李军"

        assert (await office.sandbox.group(group.chatid))["owner"] == "li"
        assert await office.findings(group, None) == []

    async def test_the_head_of_the_groups_department_goes_before_others(self, office: Office) -> None:
        group = await office.project("han", "zhou", owner="li", department_id=PERSONNEL)
        await gone(office, "li")
        assert await office.answers(group) == "周敏"
        assert (await office.now(group)).desired_owner_id == office.id("zhou")

    async def test_who_is_silent_is_reminded_and_then_followed_by_the_next(self, office: Office) -> None:
        """Nobody answers in their place, and what they answer too late changes nothing."""
        group = await office.project("li", "han", "sun", deputy="han")
        await gone(office)
        [request] = await requests(office)
        async with office.sessions() as session:
            [step] = await request_queries.steps_of(session, RequestId(request.id))
        assert step.note is not None
        assert "前答复，逾期不再等待" in step.note

        await wait(office, timedelta(hours=5))
        assert any("还在等待您答复是否愿意担任群主" in text for text in await told(office, "han"))
        assert (await office.asked_to_own(group)).name == "韩梅"  # type: ignore[union-attr]
        await wait(office)

        asked = await office.asked_to_own(group)
        assert asked is not None
        assert asked.name == "李军"
        async with office.sessions() as session:
            steps = await request_queries.steps_of(session, RequestId(request.id))
            late = Ballot(office.people["han"], Verdict.APPROVE, "rest")
            with pytest.raises(AlreadyDecided, match="逾期未答复"):
                await approvals.decide(session, late, step_id=StepId(step.id), now=office.clock.now())
        assert (steps[0].state, steps[0].note) == (StepState.SKIPPED, "韩梅 逾期未答复")
        assert "step.passed" in await office.actions()

    async def test_when_nobody_is_left_those_whom_the_policy_names_hear_it(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.answers(group, Verdict.REJECT)
        await wait(office)  # 李军 says nothing

        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        (text,) = await office.messages("group.finding")
        assert "“研发部-新品项目”需要新的群主：王芳 账号已停用，已征求韩梅、李军的意愿，无人接受。" in text
        assert "本人接受后即为群主" in text
        assert any(text in one for one in await told(office, "zhou"))
        assert not any(text in one for one in await told(office, "han"))
        seen = await shown(office, group)
        assert seen.succession is not None
        assert (seen.succession.is_vacant, seen.succession.asked) == (True, None)
        await gone(office)
        await office.reconcile(group)
        assert len(await requests(office)) == 1

        await name_owner(office, group, "li")
        await office.answers(group)
        assert await office.findings(group) == []
        assert (await office.sandbox.group(group.chatid))["owner"] == "li"

    async def test_a_finding_that_is_closed_by_hand_asks_nobody_again(self, office: Office) -> None:
        """What still shows at the next reading is a new finding, and names who has declined or was silent."""
        group = await office.project("li", "han", "sun", deputy="han")
        await gone(office)
        await office.answers(group, Verdict.REJECT)
        await office.answers(group, Verdict.REJECT)
        await wait(office)  # 孙悦 says nothing
        [finding] = await office.findings(group)
        async with transaction(office.sessions) as session:
            await findings.resolve_by_hand(
                session,
                await session.get_one(Group, group.id),
                finding_id=FindingId(finding.id),
                resolution="已知悉",
                actor=office.actor,
                now=office.clock.now(),
            )

        await office.reconcile(group)
        await office.reconcile(group)

        assert len(await requests(office)) == 1
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        assert "已征求韩梅、李军、孙悦的意愿，无人接受" in (await office.messages("group.finding"))[-1]

    async def test_who_left_by_themselves_and_is_back_is_followed_by_everybody(self, office: Office) -> None:
        """Who declined when the owner went the last time is asked when they go the next time."""
        group = await office.project("li", "han", deputy="han")
        for _ in range(2):
            await office.sandbox.transfer_group(group.chatid, "li")
            await office.sandbox.leave_group("wang", group.chatid)
            await office.reconcile(group)
            assert await office.answers(group, Verdict.REJECT) == "韩梅"
            office.clock.advance(timedelta(hours=1))
            await back_in(office, group)
            await office.work()

    async def test_where_nobody_can_be_asked_it_is_said_at_once(self, office: Office) -> None:
        await office.project("li", "han")
        for userid in ("li", "han"):
            async with transaction(office.sessions) as session:
                (await session.get_one(Person, office.id(userid))).status = PersonStatus.NOT_ACTIVATED
        await gone(office)
        assert await requests(office) == []
        (text,) = await office.messages("group.finding")
        assert "群内没有可以征求意愿的人" in text


class TestWhileSomebodyIsAsked:
    async def test_the_card_says_what_it_is_about_and_names_no_applicant(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        cards = [card for card in await office.sandbox.app_messages("han") if card.get("card")]
        card = cards[-1]["card"]
        rows = {row["keyname"]: row["value"] for row in card["horizontal_content_list"]}
        assert card["main_title"] == {"title": "接任“研发部-新品项目”的群主", "desc": "您是否愿意担任群主？"}
        assert rows["原群主"] == "王芳（账号已停用）"
        assert "申请人" not in rows
        assert "前答复，逾期不再等待" in card["sub_title_text"]
        assert [button["text"] for button in card["button_list"]] == ["愿意", "不愿意"]
        assert (await office.asked_to_own(group)) is not None

    async def test_nobody_applies_for_it_and_nobody_withdraws_it(self, office: Office) -> None:
        group = await office.project("li", "han")
        with pytest.raises(UnknownKind, match="create_group、exit、join"):
            await office.apply("own_group", "li", group_id=str(group.id))
        await gone(office)
        [request] = await requests(office)
        with pytest.raises(NotTheRequester, match="不能撤回"):
            async with transaction(office.sessions) as session:
                await approvals.withdraw(session, request_id=RequestId(request.id), now=office.clock.now())

    async def test_who_leaves_while_asked_is_not_waited_for(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", deputy="han")
        await gone(office)
        await gone(office, "han", "left")
        assert await office.answers(group) == "李军"
        assert (await office.sandbox.group(group.chatid))["owner"] == "li"

    async def test_a_second_departure_of_the_same_owner_asks_nobody_twice(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.sandbox.delete_person("wang")
        await gone(office, why="left")

        assert len(await requests(office)) == 1
        await office.answers(group)
        await office.reconcile(group)
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"
        assert await office.findings(group, None) == []
        assert len(await office.calls(CallKind.APPCHAT_UPDATE)) == 1

    async def test_whom_the_platform_appointed_is_no_finding_and_is_asked_like_others(self, office: Office) -> None:
        """A deleted owner's group passes on by itself; the register names nobody who was not asked."""
        group = await office.project("li", "han", deputy="han")
        await office.sandbox.transfer_group(group.chatid, "li")
        await office.sandbox.delete_person("wang")
        await gone(office, why="left")
        await office.reconcile(group)

        assert await office.findings(group, None) == []
        assert (await shown(office, group)).owner.observed == "li"
        await office.answers(group)
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"
        assert [body.get("owner") for body in await office.updates()] == ["han"]

    async def test_an_owner_in_the_register_alone_goes_at_once_and_is_not_set_again(self, office: Office) -> None:
        """Somebody has transferred the group in the client: the platform keeps nobody for whom it has an owner."""
        group = await office.project("li", "han", "sun", deputy="han")
        await office.sandbox.transfer_group(group.chatid, "li")
        await gone(office)
        on_platform = await office.sandbox.group(group.chatid)
        assert (on_platform["owner"], set(on_platform["userlist"])) == ("li", {"li", "han", "sun"})
        await office.answers(group)
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"

    async def test_a_dissolved_group_asks_nobody_any_more(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.sandbox.dismiss_group(group.chatid)
        await office.reconcile(group)

        [request] = await requests(office)
        assert (request.state, request.outcome_detail) == (RequestState.WITHDRAWN, "群已解散")
        assert await office.kinds_found(group) == [FindingKind.DISSOLVED]
        card = [one for one in await office.sandbox.app_messages("han") if one.get("card")][-1]["card"]
        assert "群已解散，不再需要答复" in card["sub_title_text"]

    @pytest.mark.parametrize("answers_first", [False, True], ids=["", "answered before the job"])
    async def test_a_former_owner_who_is_in_the_group_again_keeps_it(self, office: Office, answers_first: bool) -> None:
        """B7: back, and put in again before anybody has accepted. Who was asked reads why nobody is needed."""
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await back_in(office, group)
        assert (await shown(office, group)).owner.desired == "wang"

        if answers_first:
            await office.answers(group)
        await office.work()

        assert (await office.now(group)).desired_owner_id == office.id("wang")
        [request] = await requests(office)
        assert (request.state, request.outcome_detail) == (RequestState.WITHDRAWN, "原群主已回到群内")
        card = [one for one in await office.sandbox.app_messages("han") if one.get("card")][-1]["card"]
        assert "原群主已回到群内，不再需要答复" in card["sub_title_text"]
        assert await office.updates() == []
        assert await office.findings(group, None) == []

    async def test_an_owner_who_came_back_when_nobody_was_left_and_goes_again_is_followed(self, office: Office) -> None:
        """What was found about their first departure is over, and does not silence the second."""
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.answers(group, Verdict.REJECT)
        await office.answers(group, Verdict.REJECT)
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        await back_in(office, group)
        await office.work()
        assert [one.resolution for one in await office.findings(group, None)] == ["原群主已回到群内"]

        office.clock.advance(timedelta(hours=1))
        await gone(office)

        assert (await office.actions()).count("group.owner_left") == 2
        assert await office.answers(group) == "韩梅"
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"

    async def test_a_group_that_was_read_as_lost_still_waits_for_an_owner(self, office: Office) -> None:
        """One wrong answer, and the group is there again: whoever was asked no more is asked again."""
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.sandbox.fail("appchat/get", errcode=86003)
        await office.reconcile(group)
        assert await office.asked_to_own(group) is None

        await office.reconcile(group)
        await office.reconcile(group)

        assert len(await requests(office)) == 2, "once is enough"
        assert await office.answers(group) == "韩梅"
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"

    async def test_a_returned_owner_who_is_not_put_in_again_is_followed(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        async with transaction(office.sessions) as session:
            (await session.get_one(Person, office.id("wang"))).status = PersonStatus.ACTIVE
        await office.answers(group)
        assert await office.roster(group) == {"li", "han"}

    async def test_what_the_platform_refuses_is_visible_and_retried(self, office: Office) -> None:
        """F59."""
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.sandbox.fail("appchat/update", errcode=86005, times=1)
        await office.answers(group)
        [request] = await requests(office)
        assert request.outcome is OutcomeState.FAILED

        await office.retry(request)

        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"

    async def test_a_newcomer_reads_that_the_owner_is_not_settled(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        async with transaction(office.sessions) as session:
            await service.add_by_hand(
                session,
                group_id=GroupId(group.id),
                person=office.people["zhao"],
                reason="项目新增成员",
                actor=office.actor,
                now=office.clock.now(),
            )
        await office.work()
        assert "群主：待定" in (await office.messages("group.welcome"))[-1]

    async def test_a_removed_owner_goes_when_somebody_follows(self, office: Office) -> None:
        """2.8."""
        group = await office.project("li", "han", "sun", deputy="han")
        async with transaction(office.sessions) as session:
            await service.remove_by_hand(
                session,
                group_id=GroupId(group.id),
                person=office.people["wang"],
                reason="长期不参与",
                actor=office.actor,
                now=office.clock.now(),
            )
        await office.reconcile(group)
        assert "wang" in await office.roster(group)
        assert await office.findings(group, None) == []
        await office.answers(group, Verdict.REJECT)
        await office.answers(group)
        assert await office.roster(group) == {"li", "han", "sun"}
        assert "王芳 即将被移出，由您接任群主" in (await office.messages("group.owner"))[-1]

    async def test_a_stopgap_of_the_release_before_who_leaves_is_followed_too(self, office: Office) -> None:
        """Its finding, about the owner before them, is still open; it is over when somebody has accepted."""
        group = await office.project("li", "han", "sun")
        async with transaction(office.sessions) as session:
            row, former = await session.get_one(Group, group.id), office.people["sun"]
            await note_nobody_left(
                session, row, former, "已离职", asked=[], policy=await policy_in_force(session), now=office.clock.now()
            )
        assert await office.kinds_found(group) == [FindingKind.OWNER_LEFT]
        await gone(office)
        assert await office.answers(group) == "李军"
        assert await office.findings(group) == []


class TestWhomAnAdministratorNames:
    """13: who becomes owner without having applied is asked, also when an administrator names them."""

    async def test_they_are_the_owner_when_they_accept(self, office: Office) -> None:
        group = await office.project("li", "han")
        await name_owner(office, group, "li")
        assert (await office.now(group)).desired_owner_id == office.id("wang")
        assert await office.updates() == []

        await office.answers(group)

        assert (await office.sandbox.group(group.chatid))["owner"] == "li"
        assert await office.roster(group) == {"wang", "li", "han"}
        await office.reconcile(group)
        assert await office.findings(group, None) == []

    async def test_who_declines_leaves_the_owner_and_the_owner_hears_it(self, office: Office) -> None:
        group = await office.project("li", "han")
        await name_owner(office, group, "li")
        await office.answers(group, Verdict.REJECT)
        assert (await office.now(group)).desired_owner_id == office.id("wang")
        assert "李军 没有接受担任“研发部-新品项目”的群主" in (await told(office, "wang"))[-1]
        assert await office.findings(group, None) == []

    async def test_naming_somebody_else_asks_the_first_no_more(self, office: Office) -> None:
        group = await office.project("li", "han")
        await name_owner(office, group, "li")
        await name_owner(office, group, "han")
        first, _ = await requests(office)
        assert (first.state, first.outcome_detail) == (RequestState.WITHDRAWN, "管理员另提了人选")
        assert await office.answers(group) == "韩梅"

    async def test_who_owns_it_is_set_again_without_being_asked(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.transfer_group(group.chatid, "li")
        await name_owner(office, group, "wang")
        assert await requests(office) == []
        assert (await office.sandbox.group(group.chatid))["owner"] == "wang"

    async def test_when_the_owner_leaves_meanwhile_others_are_asked_after_a_no(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", deputy="han")
        await name_owner(office, group, "sun")
        await gone(office)
        await office.answers(group, Verdict.REJECT)
        assert await office.answers(group) == "韩梅"
        assert await office.roster(group) == {"li", "han", "sun"}

    async def test_who_has_declined_is_not_asked_again_when_whom_they_named_declines(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", "zhao", "qian", deputy="han")
        await gone(office)
        assert await office.answers(group, Verdict.REJECT) == "韩梅"
        await name_owner(office, group, "zhao")
        assert await office.answers(group, Verdict.REJECT) == "赵云"

        assert await office.answers(group) == "李军"
        assert (await office.now(group)).desired_owner_id == office.id("li")

    async def test_where_everybody_has_declined_it_is_said_with_their_names(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.answers(group, Verdict.REJECT)
        await name_owner(office, group, "li")
        await office.answers(group, Verdict.REJECT)

        assert await office.asked_to_own(group) is None
        [text] = await office.messages("group.finding")
        assert "王芳 离任，已征求韩梅、李军的意愿，无人接受。" in text

    async def test_the_finding_names_everybody_who_has_declined(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", deputy="han")
        await gone(office)
        assert await office.answers(group, Verdict.REJECT) == "韩梅"
        await name_owner(office, group, "sun")
        assert await office.answers(group, Verdict.REJECT) == "孙悦"
        assert await office.answers(group, Verdict.REJECT) == "李军"
        [text] = await office.messages("group.finding")
        assert "已征求韩梅、孙悦、李军的意愿，无人接受" in text

    async def test_whose_account_was_gone_while_they_were_asked_has_not_declined(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", deputy="han")
        await gone(office)
        await gone(office, "han", "disabled")
        async with transaction(office.sessions) as session:
            (await session.get_one(Person, office.id("han"))).status = PersonStatus.ACTIVE
        async with transaction(office.sessions) as session:
            await service.add_by_hand(
                session,
                group_id=GroupId(group.id),
                person=await session.get_one(Person, office.id("han")),
                reason="账号已启用",
                actor=office.actor,
                now=office.clock.now(),
            )
        await office.work()
        await name_owner(office, group, "sun")
        assert await office.answers(group, Verdict.REJECT) == "孙悦"

        asked = [await office.answers(group, Verdict.REJECT) for _ in range(2)]
        assert sorted(asked) == ["李军", "韩梅"]

    async def test_who_was_asked_in_vain_is_asked_again_by_name_alone(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="han")
        await gone(office)
        await office.answers(group, Verdict.REJECT)
        await office.answers(group, Verdict.REJECT)

        await name_owner(office, group, "han")
        assert await office.answers(group) == "韩梅"
        assert (await office.now(group)).desired_owner_id == office.id("han")

    async def test_only_members_are_named(self, office: Office) -> None:
        group = await office.project("li", "han")
        with pytest.raises(NotAMember):
            await name_owner(office, group, "zhao")


async def test_who_has_left_the_group_is_no_administrator_of_it(office: Office) -> None:
    """An owner who left by themselves is still employed: findings go to the deputy, who is asked."""
    group = await office.project("li", "han", deputy="han")
    await office.sandbox.transfer_group(group.chatid, "li")
    await office.sandbox.leave_group("wang", group.chatid)
    await office.reconcile(group)
    before = len(await told(office, "wang"))
    await office.sandbox.leave_group("li", group.chatid)
    await office.sandbox.add_to_group(group.chatid, "zhao")
    await office.reconcile(group)
    assert len(await told(office, "wang")) == before
    assert any("未经批准" in text for text in await told(office, "han"))


async def test_nobody_is_passed_over_who_has_accepted(office: Office) -> None:
    """A deputy named between the question and the answer does not push out who was asked first."""
    group = await office.project("li", "han", "sun")
    await gone(office)
    async with transaction(office.sessions) as session:
        (await session.get_one(Group, group.id)).deputy_id = office.id("sun")
    assert await office.answers(group) == "李军"
    assert (await office.now(group)).desired_owner_id == office.id("li")
