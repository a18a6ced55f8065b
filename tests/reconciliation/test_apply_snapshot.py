from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest

from app.database import transaction
from app.findings.errors import FindingClosed
from app.groups import queries
from app.groups import service as group_service
from app.groups.snapshot import GroupSnapshot, read_group
from app.inbox.job_payloads import RECONCILE, ReconcilePayload
from app.reconciliation import jobs
from app.reconciliation.apply_snapshot import apply_snapshot
from models.delivery import CallKind
from models.groups import FindingKind, FindingState, GroupState
from models.ids import FindingId, GroupId
from tests.builders.policy import policy
from tests.groups.office import Office


class TestUnapprovedLeave:
    """Policy 2.5: 未经批准退群给予警告。 No event tells of it: the roster is read and compared."""

    async def test_a_member_who_left_by_themselves_is_a_warning_level_finding(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.leave_group("han", group.chatid)

        await office.reconcile(group)

        (finding,) = await office.findings(group)
        assert finding.kind is FindingKind.UNAPPROVED_LEAVE
        assert (finding.subject_userid, finding.person_id) == ("han", office.id("han"))
        assert (finding.details["severity"], finding.rule_key) == ("warning", "member.unapproved_leave")
        stay = await office.stay(group, "han")
        assert (stay.desired, stay.observed, stay.reason) == (False, False, "unapproved_leave")
        assert "member.left_unapproved" in await office.actions()

    async def test_the_owner_is_told_once_with_the_clause(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.leave_group("han", group.chatid)

        await office.reconcile(group)
        await office.reconcile(group)

        (text,) = await office.messages("group.finding")
        assert "未经批准退群" in text
        assert "第 2.5 条" in text
        assert "未经批准退群" in (await office.sandbox.app_messages("wang"))[-1]["text"]

    async def test_nobody_is_put_back_against_their_will(self, office: Office) -> None:
        """P4: what WeCom says about membership is the truth."""
        group = await office.project("li", "han")
        await office.sandbox.leave_group("han", group.chatid)
        await office.reconcile(group)
        assert await office.updates() == []

    async def test_it_stays_found_until_they_are_back_or_a_person_has_dealt_with_it(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao")
        await office.sandbox.leave_group("han", group.chatid)
        await office.sandbox.leave_group("zhao", group.chatid)
        await office.reconcile(group)
        assert len(await office.findings(group)) == 2

        await office.granted("join", "han", group_id=str(group.id))
        await office.reconcile(group)

        (left,) = await office.findings(group)
        assert left.person_id == office.id("zhao")
        async with transaction(office.sessions) as session:
            await group_service.resolve_finding(
                session,
                group_id=GroupId(group.id),
                finding_id=FindingId(left.id),
                resolution="已谈话提醒",
                actor=office.actor,
                now=office.clock.now(),
            )
        await office.reconcile(group)
        assert await office.findings(group) == []
        with pytest.raises(FindingClosed, match="已谈话提醒"):
            async with transaction(office.sessions) as session:
                await group_service.resolve_finding(
                    session,
                    group_id=GroupId(group.id),
                    finding_id=FindingId(left.id),
                    resolution="再次",
                    actor=office.actor,
                    now=office.clock.now(),
                )

    async def test_a_leave_approved_afterwards_is_forgiven(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("exit", "han", group_id=str(group.id))
        await office.sandbox.leave_group("han", group.chatid)
        await office.reconcile(group)
        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE]

        request = await office.decide(request)

        assert request.outcome == "done"
        assert await office.findings(group) == []

    async def test_who_lost_their_account_did_not_leave(self, office: Office) -> None:
        """Deleted a moment ago, and the organisation has not heard of it: the platform is asked by name."""
        group = await office.project("li", "han")
        await office.sandbox.delete_person("han")

        await office.reconcile(group)

        assert await office.findings(group, None) == []
        assert "org.refresh_person" in await office.waiting()

    async def test_when_an_owner_has_left_the_deputy_is_asked(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao", deputy="han")
        await office.sandbox.transfer_group(group.chatid, "zhao")
        await office.sandbox.leave_group("wang", group.chatid)

        await office.reconcile(group)

        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE]
        assert (await office.sandbox.group(group.chatid))["owner"] == "zhao"
        assert await office.answers(group) == "韩梅"
        assert (await office.sandbox.group(group.chatid))["owner"] == "han"
        await office.reconcile(group)
        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE]


class TestFreeToLeave:
    """Policy 2.5 and `exit.mode`: who leaves a group that people may leave freely is noted without blame."""

    INTEREST: ClassVar = {"name": "羽毛球爱好者", "type": "interest", "purpose": "周末打球"}

    async def test_a_leave_is_noted_without_a_finding_and_nobody_hears_a_word(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", **self.INTEREST)
        await office.sandbox.leave_group("han", group.chatid)

        await office.reconcile(group)

        assert await office.findings(group, state=None) == []
        assert await office.messages("group.finding") == []
        stay = await office.stay(group, "han")
        assert (stay.desired, stay.observed, stay.reason) == (False, False, "exit")
        assert stay.ended_at is not None
        actions = await office.actions()
        assert "member.left" in actions
        assert "member.left_unapproved" not in actions

    async def test_an_owner_who_leaves_is_followed_without_blame(self, office: Office) -> None:
        group = await office.project("li", "han", "sun", deputy="li", **self.INTEREST)
        await office.sandbox.leave_group("wang", group.chatid)

        await office.reconcile(group)
        await office.answers(group)

        (text,) = await office.messages("group.owner")
        assert "王芳 已退群，由您接任群主" in text
        assert "未经批准" not in text

    async def test_where_leaving_is_told_the_administrator_hears_it_without_blame(self, office: Office) -> None:
        group = await office.project("li", "han", "sun")
        async with transaction(office.sessions) as session:
            await policy(session, groups__types__project__exit={"mode": "notify", "steps": []})
        await office.sandbox.leave_group("han", group.chatid)

        await office.reconcile(group)

        assert await office.findings(group, state=None) == []
        (text,) = await office.messages("group.finding")
        assert text.startswith("【退群】韩梅 已退出“研发部-新品项目”。")

    @pytest.mark.parametrize(
        ("asked", "said"),
        [(INTEREST, "如需退群，可以随时自行退出。"), ({}, "请先申请退群，批准后由系统移出；请勿自行退出。")],
    )
    async def test_the_welcome_says_how_people_leave_this_type(
        self, office: Office, asked: dict[str, str], said: str
    ) -> None:
        group = await office.project("li", "han", **asked)
        await office.granted("join", "sun", group_id=str(group.id))

        (text,) = await office.messages("group.welcome")
        assert said in text
        assert ("请勿自行退出" in text) == ("请勿自行退出" in said)


class TestUnapprovedJoin:
    """Policy 2.1: 其他人不得邀请。6.6: 未经批准邀请他人的，给予警告。"""

    async def test_somebody_let_in_by_hand_is_reported(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.add_to_group(group.chatid, "zhao")

        await office.reconcile(group)

        (finding,) = await office.findings(group)
        assert (finding.kind, finding.person_id) == (FindingKind.UNAPPROVED_JOIN, office.id("zhao"))
        stay = await office.stay(group, "zhao")
        assert (stay.desired, stay.observed) == (False, True)

    async def test_the_finding_is_over_when_they_are_out_again(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.add_to_group(group.chatid, "zhao")
        await office.reconcile(group)
        await office.sandbox.remove_from_group(group.chatid, "zhao")

        await office.reconcile(group)

        (finding,) = await office.findings(group, None)
        assert finding.state is FindingState.RESOLVED
        assert (await office.stay(group, "zhao")).ended_at is not None

    async def test_a_userid_we_do_not_know_is_reported_and_looked_up(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.hire("newbie", "新人")
        await office.sandbox.add_to_group(group.chatid, "newbie")

        await office.reconcile(group)

        (finding,) = await office.findings(group)
        assert (finding.subject_userid, finding.person_id) == ("newbie", None)
        assert "org.refresh_person" in await office.waiting()

    async def test_a_renamed_account_is_neither_a_leave_nor_a_stranger(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.rename_userid("han", "hanmeimei")

        await office.reconcile(group)

        assert await office.findings(group, None) == []


class TestNameAndOwner:
    """D13: names and owners too have a wanted and a seen column. Policy 1.3, 1.9."""

    async def test_a_renamed_group_gets_its_registered_name_back(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.rename_group(group.chatid, "摸鱼群")

        await office.reconcile(group)

        (finding,) = await office.findings(group)
        assert (finding.kind, finding.details["name"]) == (FindingKind.RENAMED, "摸鱼群")
        assert (await office.sandbox.group(group.chatid))["name"] == "研发部-新品项目"
        await office.reconcile(group)
        assert await office.findings(group) == []
        assert (await office.now(group)).observed_name == "研发部-新品项目"

    async def test_another_owner_on_the_platform_is_reported_until_it_agrees(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.transfer_group(group.chatid, "li")

        await office.reconcile(group)
        assert await office.kinds_found(group) == [FindingKind.OWNER_CHANGED]
        assert (await office.now(group)).observed_owner_userid == "li"

        await office.sandbox.transfer_group(group.chatid, "wang")
        await office.reconcile(group)
        assert await office.findings(group) == []


class TestDissolved:
    """P8: nobody but the owner can dissolve a group, and no event tells of it."""

    @pytest.mark.parametrize("errcode", [49008, 86003, 40050])
    async def test_a_dissolved_group_is_lost_and_told(self, office: Office, errcode: int) -> None:
        group = await office.project("li", "han")
        await office.sandbox.configure(dismissed_group_errcode=errcode)
        await office.sandbox.dismiss_group(group.chatid)

        await office.reconcile(group)

        lost = await office.now(group)
        assert lost.state is GroupState.LOST
        assert await office.kinds_found(group) == [FindingKind.DISSOLVED]

    async def test_a_group_found_again_lives_on(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.sandbox.fail("appchat/get", errcode=86003)
        await office.reconcile(group)
        assert (await office.now(group)).state is GroupState.LOST

        await office.reconcile(group)

        assert (await office.now(group)).state is GroupState.ACTIVE
        assert await office.findings(group) == []


class TestWrongAnswers:
    """P6: a wrong answer from upstream never empties a group: losses beyond the budget wait for a human."""

    async def test_a_roster_that_lost_nearly_everybody_is_held_and_a_person_asked(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao", "qian", "sun")
        for userid in ("li", "han", "zhao", "qian", "sun"):
            await office.sandbox.leave_group(userid, group.chatid)

        await office.reconcile(group)

        (finding,) = await office.findings(group)
        assert (finding.kind, finding.details["lost"]) == (FindingKind.ROSTER_LOSS, 5)
        assert (await office.stay(group, "han")).observed
        assert "可能是错误的答复" in (await office.messages("group.finding"))[0]

    async def test_when_the_next_answer_is_whole_it_was_nothing(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao", "qian", "sun")
        gone = ("li", "han", "zhao", "qian", "sun")
        for userid in gone:
            await office.sandbox.leave_group(userid, group.chatid)
        await office.reconcile(group)
        for userid in gone:
            await office.sandbox.add_to_group(group.chatid, userid)

        await office.reconcile(group)

        assert await office.findings(group) == []
        assert len(await office.findings(group, None)) == 1

    async def test_a_person_who_has_looked_lets_it_through(self, office: Office) -> None:
        group = await office.project("li", "han", "zhao", "qian", "sun")
        for userid in ("li", "han", "zhao", "qian", "sun"):
            await office.sandbox.leave_group(userid, group.chatid)
        await office.reconcile(group)

        await office.reconcile(group, accept_losses=True)

        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE] * 5

    async def test_an_answer_with_nobody_in_it_is_held(self, office: Office) -> None:
        group = await office.project("li", "han")
        for userid in ("li", "han", "wang"):
            await office.sandbox.leave_group(userid, group.chatid)

        await office.reconcile(group)
        assert await office.kinds_found(group) == [FindingKind.ROSTER_LOSS]

        await office.reconcile(group, accept_losses=True)
        assert await office.kinds_found(group) == [FindingKind.ROSTER_LOSS]


class TestChangesUnderWay:
    """What the ledger still carries is no difference: nobody is accused while a call of ours is on its way."""

    async def test_a_join_that_was_not_sent_yet_is_no_finding(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.decide(await office.apply("join", "zhao", group_id=str(group.id)))
        await office.sandbox.add_to_group(group.chatid, "zhao")
        office.clock.advance(timedelta(minutes=10))

        await office.run_only(RECONCILE, ReconcilePayload(group_id=GroupId(group.id)))

        assert await office.findings(group, None) == []

    async def test_a_reading_from_before_a_change_accuses_nobody(self, office: Office) -> None:
        group = await office.project("li", "han")
        reading = await read_group(office.ctx.platform.app, group.chatid, at=office.clock.now())
        assert isinstance(reading, GroupSnapshot)
        office.clock.advance(timedelta(seconds=1))
        await office.granted("join", "zhao", group_id=str(group.id))

        async with transaction(office.sessions) as session:
            await apply_snapshot(session, group_id=GroupId(group.id), snapshot=reading, now=office.clock.now())

        assert await office.findings(group, None) == []
        assert (await office.stay(group, "zhao")).observed

    async def test_an_older_reading_never_undoes_a_newer_one(self, office: Office) -> None:
        group = await office.project("li", "han")
        old = await read_group(office.ctx.platform.app, group.chatid, at=office.clock.now())
        assert isinstance(old, GroupSnapshot)
        await office.sandbox.leave_group("han", group.chatid)
        await office.reconcile(group)

        async with transaction(office.sessions) as session:
            await apply_snapshot(session, group_id=GroupId(group.id), snapshot=old, now=office.clock.now())

        assert not (await office.stay(group, "han")).observed
        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE]

    async def test_a_group_still_being_created_is_not_lost(self, office: Office) -> None:
        request = await office.decide(
            await office.apply(
                "create_group", "li", name="研发部-新品", type="project", purpose="协作", members=["han"]
            )
        )
        group = await office.group_of(request)

        await office.run_only(RECONCILE, ReconcilePayload(group_id=GroupId(group.id)))

        assert (await office.now(group)).state is GroupState.CREATING

    async def test_a_creation_of_unknown_outcome_is_found_by_a_reading(self, office: Office) -> None:
        await office.sandbox.fail("appchat/create", timeout=True, when="after")
        await office.sandbox.fail("appchat/create", http_status=502, times=None)
        request = await office.granted(
            "create_group", "li", name="研发部-新品", type="project", purpose="协作", members=["han"]
        )
        await office.exhaust(CallKind.APPCHAT_CREATE)
        await office.sandbox.clear_faults()
        group = await office.group_of(request)
        (call,) = await office.calls(CallKind.APPCHAT_CREATE)
        assert (call.state, group.state) == ("unknown", GroupState.CREATING)
        assert "未知" in str(group.state_detail)

        await office.reconcile(group)

        assert (await office.now(group)).state is GroupState.ACTIVE
        assert (await office.request(request)).outcome == "done"
        assert len((await office.sandbox.group(group.chatid))["messages"]) == 1


class TestRhythm:
    """Policy 2.7: 群成员每日与实际核对. The interval is the policy's, and the timer a row."""

    async def test_it_is_due_at_start_and_again_after_the_interval(self, office: Office) -> None:
        group = await office.project("li", "han")
        async with transaction(office.sessions) as session:
            await jobs.start_up(session, now=office.clock.now(), settings=office.ctx.settings)
        await office.sandbox.leave_group("han", group.chatid)

        await office.pass_time(seconds=1)
        assert await office.kinds_found(group) == [FindingKind.UNAPPROVED_LEAVE]

        await office.sandbox.leave_group("li", group.chatid)
        await office.pass_time(minutes=30)
        assert len(await office.findings(group)) == 1
        await office.pass_time(minutes=31)
        assert len(await office.findings(group)) == 2

    async def test_starting_again_does_not_put_it_off(self, office: Office) -> None:
        async with transaction(office.sessions) as session:
            await jobs.start_up(session, now=office.clock.now(), settings=office.ctx.settings)
        office.clock.advance(timedelta(minutes=5))
        async with transaction(office.sessions) as session:
            await jobs.start_up(session, now=office.clock.now(), settings=office.ctx.settings)
            timer = await queries.timer(session, jobs.RECONCILE_DUE, jobs.EVERYTHING)
        assert timer is not None
        assert timer.due_at < office.clock.now()
