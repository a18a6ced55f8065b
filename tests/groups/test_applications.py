"""What an application to join or to leave must say, and who may make it for somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.approvals import queries as requests
from app.approvals import service as approvals
from app.approvals.errors import IncompleteApplication, NotForOthers, NotToldYet, UnreadablePayload
from app.database import transaction
from app.policy import service as policies
from app.policy.schema import PolicyDocument
from app.policy.sections.groups import ExitRule, JoinRule
from models.approvals import OutcomeState, Request, RequestState, StepState, Verdict
from models.groups import GroupState
from models.ids import RequestId
from models.org import Department, Person
from tests.builders.approvals import cards_to
from tests.builders.policy import policy
from tests.company import HEADQUARTERS, PERSONNEL, RESEARCH, answer
from tests.groups.office import Office

NOTHING = {"title": "", "contact": ""}


class TestWhatAnApplicationSays:
    """2.1: joining is applied for with true name, title and contact, and a work reason."""

    async def test_the_approver_reads_name_title_contact_and_reason_on_the_card(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id), reason="负责新品测试")

        card = await card_of(office, request)
        assert {row["keyname"]: row["value"] for row in card["horizontal_content_list"]} == {
            "编号": f"#{request.number}",
            "申请人": "赵云",
            "职务": "工程师",
            "联系方式": "分机 8021",
            "群": "研发部-新品项目",
            "用途": "新品项目协作",
        }
        assert card["sub_title_text"] == "理由：负责新品测试"

    async def test_for_somebody_else_the_card_names_both(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "wang", group_id=str(group.id), person="zhao")

        card = await card_of(office, request)
        rows = {row["keyname"]: row["value"] for row in card["horizontal_content_list"]}
        assert (rows["申请人"], rows["成员"], rows["职务"], rows["联系方式"]) == ("王芳", "赵云", "工程师", "分机 8021")
        assert "更多" not in rows
        assert card["main_title"]["title"] == "申请赵云加入“研发部-新品项目”"

    async def test_what_is_wanting_is_named_at_once_with_its_place_and_the_clause(self, office: Office) -> None:
        group = await office.project("li", "han")
        with pytest.raises(IncompleteApplication) as refusal:
            await office.apply("join", "zhao", group_id=str(group.id), reason=" ", **NOTHING)

        assert str(refusal.value) == (
            "按制度第 2.1 条，这份申请还须写明：职务、"
            "联系方式（电话、分机或邮箱）、工作理由。只有空格或标点的不算写明，"
            "联系方式至少含 3 位数字或字母。"
        )
        assert refusal.value.english == (
            "The application also has to say (clause 2.1): the title, a contact (telephone, extension "
            "or e-mail), the reason; blanks and punctuation say nothing, "
            "and a contact has 3 digits or Latin letters at least"
        )
        assert [one["where"] for one in refusal.value.facts["faults"]] == [
            "payload.title",
            "payload.contact",
            "reason",
        ]
        assert refusal.value.facts["faults"][1]["what"] == (
            "请写明联系方式（电话、分机或邮箱），联系方式至少含 3 位数字或字母"
        )
        assert refusal.value.facts["clause"] == "2.1"
        in_english = [one["what"] for one in refusal.value.english_facts["faults"]]
        assert in_english[1] == (
            "Say a contact (telephone, extension or e-mail); a contact has 3 digits or Latin letters at least"
        )
        assert "".join(in_english).isascii()

    @pytest.mark.parametrize("reason", ["", "  \t", "。。。", "——", "？！…", "\u200b\u200b", "\u3164", "👍"])
    async def test_a_reason_that_says_nothing_is_none(self, office: Office, reason: str) -> None:
        group = await office.project("li", "han")
        for kind, who in (("join", "zhao"), ("exit", "han")):
            with pytest.raises(IncompleteApplication, match="工作理由"):
                await office.apply(kind, who, group_id=str(group.id), reason=reason)

    @pytest.mark.parametrize("contact", ["无", "-", "同上", "()"])
    async def test_a_contact_that_reaches_nobody_is_none(self, office: Office, contact: str) -> None:
        group = await office.project("li", "han")
        with pytest.raises(IncompleteApplication, match="联系方式"):
            await office.apply("join", "zhao", group_id=str(group.id), contact=contact)

    @pytest.mark.parametrize("contact", ["分机８０２１", "电话１３８００１３８０００", "ｗａｎｇ＠ｃｏ"])
    async def test_full_width_digits_and_letters_are_a_contact(self, office: Office, contact: str) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id), contact=contact)
        assert ["联系方式", contact] in request.shown["fields"]

    @pytest.mark.parametrize("field", ["title", "contact", "name"])
    async def test_details_are_short_and_in_one_line(self, office: Office, field: str) -> None:
        group = await office.project("li", "han")
        with pytest.raises(UnreadablePayload, match=field):
            await office.apply("join", "zhao", group_id=str(group.id), **{field: "长" * 65})
        with pytest.raises(UnreadablePayload, match=field):
            await office.apply("join", "zhao", group_id=str(group.id), **{field: "138\u202e0013"})

    async def test_a_line_break_makes_no_row_of_its_own(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id), contact="8021\n审批人：赵云")
        assert ["联系方式", "8021 审批人：赵云"] in request.shown["fields"]

    async def test_what_the_contact_book_knows_needs_no_saying(self, office: Office) -> None:
        """A title there goes before what the application says of it, which stands beside it; a contact only stands in
        for what is not said.
        """
        group = await office.project("li", "han")
        await office.hire("lin", "林静", position="产品经理", extra={"工号": "77", "分机": "6120"})
        request = await office.apply("join", "lin", group_id=str(group.id), title="总裁", contact="")
        assert ["职务", "产品经理（填写：总裁）"] in request.shown["fields"]
        assert ["联系方式", "分机 6120"] in request.shown["fields"]

    async def test_leaving_asks_for_a_reason_alone(self, office: Office) -> None:
        """2.5."""
        group = await office.project("li", "han")
        request = await office.apply("exit", "han", group_id=str(group.id), reason="调岗")
        assert request.state is RequestState.PENDING

    async def test_where_people_leave_freely_nobody_asks_why(self, office: Office) -> None:
        group = await office.project("li", "han", type="interest", name="研发部-摄影")
        request = await office.apply("exit", "han", group_id=str(group.id), reason="")
        assert request.state is RequestState.APPROVED

    async def test_rest_answers_with_the_members_that_are_wanting(self, office: Office) -> None:
        group = await office.project("li", "han")
        body = {"kind": "join", "requester": "zhao", "payload": {"group_id": str(group.id)}}
        async with office.serving("requests:write") as http:
            problem = await answer(http.post("/requests", json=body), 400)
        assert problem["type"] == "/problems/incomplete-application"
        assert [one["where"] for one in problem["faults"]] == ["payload.title", "payload.contact", "reason"]


class TestDocumentsWithoutTheKey:
    """D11: a version that was written before `requires` and `applied_by` is read as it was meant."""

    async def test_asks_for_nothing_more_than_it_did(self, office: Office) -> None:
        await older_policy(office)
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id), reason="", **NOTHING)
        assert request.state is RequestState.PENDING

    async def test_superiors_apply_for_others_and_colleagues_do_not(self, office: Office) -> None:
        await older_policy(office)
        group = await office.project("li", "han")
        request = await office.apply("join", "wang", group_id=str(group.id), person="zhao")
        assert request.state is RequestState.PENDING
        with pytest.raises(NotForOthers):
            await office.apply("join", "zhao", group_id=str(group.id), person="qian")

    def test_the_rule_says_so(self) -> None:
        join = JoinRule.model_validate({"steps": [{"name": "人力资源", "approver": "role:hr"}]})
        assert join.requires == []
        assert [str(one) for one in join.applicants] == [
            "department_head",
            "direct_leader",
            "group_administrator",
            "role:hr",
        ]

    def test_who_may_apply_is_written_only_where_somebody_decides(self) -> None:
        with pytest.raises(ValueError, match="只能由本人申请"):
            ExitRule.model_validate({"mode": "free", "applied_by": ["department_head"]})


class TestWhoMayApplyForSomebody:
    """2.1: the applicant's department head applies or confirms. 2.5: leaving is applied for by the person."""

    @pytest.mark.parametrize("requester", ["zhao", "wang", "li", "zhou", "boss"])
    async def test_themselves_heads_at_every_height_administrators_and_hr(self, office: Office, requester: str) -> None:
        """Zhao, wang who heads the department, li who is deputy owner, zhou of HR, who heads the whole company."""
        await office.hire_president()
        async with transaction(office.sessions) as session:
            (await session.get_one(Department, HEADQUARTERS)).leader_userids = ["boss"]
        group = await office.project("li", "han", owner="sun", deputy="li")
        request = await office.apply("join", requester, group_id=str(group.id), person="zhao")
        assert request.state is RequestState.PENDING

    @pytest.mark.parametrize("kind", ["join", "exit"])
    async def test_nobody_else_does(self, office: Office, kind: str) -> None:
        group = await office.project("li", "han", "zhao")
        person = "sun" if kind == "join" else "zhao"
        with pytest.raises(NotForOthers) as refusal:
            await office.apply(kind, "han", group_id=str(group.id), person=person)
        name, clause = ("孙悦", "2.1") if kind == "join" else ("赵云", "2.5")
        assert str(refusal.value) == (
            f"按制度第 {clause} 条，这份申请由 {name} 本人提出，"
            "或由其部门负责人、直接上级、群主或副群主、人力资源代为提出；韩梅 不在其中"
        )
        assert refusal.value.english.startswith(f"{name} applies for this (clause {clause}), or ")
        assert refusal.value.facts["may_apply"][0] == "department_head"

    async def test_a_head_who_applies_for_their_own_people_has_confirmed_it(self, office: Office) -> None:
        """2.1: the department head applies *or* confirms; HR reviews."""
        group = await office.project("li", "han", owner="qian")
        request = await office.apply("join", "wang", group_id=str(group.id), person="zhao")

        async with office.sessions() as session:
            first, second = await requests.steps_of(session, request.id)
        assert (first.state, first.note) == (StepState.SKIPPED, "由部门负责人 王芳 提出，即为确认")
        assert second.state is StepState.OPEN
        assert await office.asked(request) == {"周敏"}
        assert "step.passed" in await office.actions()

    async def test_nobody_confirms_alone_by_applying(self, office: Office) -> None:
        """F56, where the head's is the only step: whoever stands above the head decides."""
        await office.hire_president()
        async with transaction(office.sessions) as session:
            head = [{"name": "部门负责人", "approver": "department_head"}]
            now = office.clock.now()
            await policy(session, groups__types__project__join__steps=head, effective_at=now)
        group = await office.project("li", "han", owner="qian")
        request = await office.apply("join", "wang", group_id=str(group.id), person="zhao")
        assert request.state is RequestState.PENDING
        assert await office.asked(request) == {"总裁"}

    async def test_the_direct_leader_does(self, office: Office) -> None:
        group = await office.project("li", "han")
        async with transaction(office.sessions) as session:
            (await session.get_one(Person, office.id("zhao"))).direct_leader_userids = ["qian"]
        assert (await office.apply("join", "qian", group_id=str(group.id), person="zhao")).state is RequestState.PENDING

    async def test_a_head_of_another_department_does_not(self, office: Office) -> None:
        group = await office.project("li", "han", owner="qian")
        await office.hire("lin", "林静", PERSONNEL)
        with pytest.raises(NotForOthers, match="王芳 不在其中"):
            await office.apply("join", "wang", group_id=str(group.id), person="lin")

    async def test_a_deputy_does_not_for_their_head(self, office: Office) -> None:
        group = await office.project("han", "zhao", owner="qian")
        async with transaction(office.sessions) as session:
            deputy = await session.get_one(Person, office.id("li"))
            deputy.position = "副部长"
            (await session.get_one(Department, RESEARCH)).leader_userids = ["wang", "li"]
        assert await office.apply("join", "li", group_id=str(group.id), person="sun")
        with pytest.raises(NotForOthers):
            await office.apply("join", "li", group_id=str(group.id), person="wang")

    async def test_the_policy_may_name_others_or_nobody(self, office: Office) -> None:
        group = await office.project("li", "han")
        async with transaction(office.sessions) as session:
            now = office.clock.now()
            await policy(session, groups__types__project__join__applied_by=["userid:han"], effective_at=now)
        assert await office.apply("join", "han", group_id=str(group.id), person="zhao")
        with pytest.raises(NotForOthers):
            await office.apply("join", "wang", group_id=str(group.id), person="sun")

    async def test_where_nobody_decides_only_the_person_leaves(self, office: Office) -> None:
        """2.5, `exit.mode` free: it would be done before they could object."""
        group = await office.project("li", "han", type="interest", name="研发部-摄影")
        with pytest.raises(NotForOthers, match="只能由 韩梅 本人提出，王芳 不能代为申请"):
            await office.apply("exit", "wang", group_id=str(group.id), person="han")

    async def test_rest_refuses_with_403(self, office: Office) -> None:
        group = await office.project("li", "han")
        payload = {"group_id": str(group.id), "person": "zhao", "title": "工程师", "contact": "8021"}
        body = {"kind": "join", "requester": "han", "reason": "工作需要", "payload": payload}
        async with office.serving("requests:write") as http:
            problem = await answer(http.post("/requests", json=body), 403)
        assert (problem["type"], problem["clause"]) == ("/problems/not-for-others", "2.1")


class TestObjecting:
    """2.5: whom it concerns is told and may object. Against their will nobody is let go: that is 2.8."""

    async def test_an_objection_to_an_exit_ends_it_and_they_stay(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="zhao")
        request = await office.apply("exit", "wang", group_id=str(group.id), person="han")
        async with office.serving("requests:decide", "requests:read") as http:
            body = {"person": "han", "reason": "仍在负责测试"}
            shown = await answer(http.post(f"/requests/{request.id}/objections", json=body), 201)
        await office.work()

        assert shown["state"] == "withdrawn"
        assert shown["outcome_detail"] == "韩梅 提出异议：仍在负责测试"
        [objection] = shown["objections"]
        assert (objection["person"], objection["reason"], objection["via"]) == ("han", "仍在负责测试", "rest")
        assert "han" in await office.roster(group)
        assert (await office.stay(group, "han")).desired

    async def test_without_one_they_go_once_they_were_told(self, office: Office) -> None:
        group = await office.project("li", "han", deputy="zhao")
        request = await office.apply("exit", "wang", group_id=str(group.id), person="han")
        with pytest.raises(NotToldYet):
            await office.decide(request)
        await office.work()
        request = await office.decide(request)
        await office.work()
        assert (await office.request(request)).outcome is OutcomeState.DONE
        assert "han" not in await office.roster(group)


class TestPersonalDetails:
    """2.5: the leaver's personal details in that group's register are erased."""

    async def test_of_who_leaves_title_and_contact_go_and_the_record_stays(self, office: Office) -> None:
        group = await office.project("li", "han")
        joined = await office.granted("join", "zhao", group_id=str(group.id))
        assert details_in(joined) == {"工程师", "分机 8021"}

        left = await office.granted("exit", "zhao", group_id=str(group.id))

        joined = await office.request(joined)
        assert details_in(joined) == details_in(left) == set()
        assert ["用途", "新品项目协作"] in joined.shown["fields"]
        assert joined.payload["group_id"] == str(group.id)
        assert joined.reason == "工作需要"

    async def test_of_who_leaves_unapproved_likewise(self, office: Office) -> None:
        group = await office.project("li", "han")
        joined = await office.granted("join", "zhao", group_id=str(group.id))
        await office.sandbox.leave_group("zhao", group.chatid)
        await office.reconcile(group)
        assert details_in(await office.request(joined)) == set()

    async def test_what_they_said_when_they_came_back_stays(self, office: Office) -> None:
        group = await office.project("li", "han")
        await office.granted("join", "zhao", group_id=str(group.id))
        await office.granted("exit", "zhao", group_id=str(group.id))
        office.clock.advance(timedelta(minutes=10))
        again = await office.granted("join", "zhao", group_id=str(group.id))
        assert details_in(again) == {"工程师", "分机 8021"}

    async def test_of_others_and_of_other_groups_nothing_goes(self, office: Office) -> None:
        group = await office.project("li", "han")
        other = await office.project("li", "han", name="研发部-其他项目")
        kept = [
            await office.granted("join", "sun", group_id=str(group.id)),
            await office.granted("join", "zhao", group_id=str(other.id)),
        ]
        await office.granted("join", "zhao", group_id=str(group.id))
        await office.granted("exit", "zhao", group_id=str(group.id))
        for request in kept:
            assert details_in(await office.request(request)) == {"工程师", "分机 8021"}

    async def test_who_is_not_let_in_leaves_none(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.decide(await office.apply("join", "zhao", group_id=str(group.id)), Verdict.REJECT)
        assert details_in(request) == set()

    async def test_of_an_applicant_who_left_the_company_they_go_when_nobody_can_hand_it_in_again(
        self, office: Office
    ) -> None:
        """P6: for a week the leaver may turn out to be none, and their request is handed in again as it was."""
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await office.departed(await office.leaves_the_company("zhao"))
        assert (await office.request(request)).state is RequestState.WITHDRAWN
        assert details_in(await office.request(request)) == {"工程师", "分机 8021"}

        await office.pass_time(days=7, minutes=1)
        assert details_in(await office.request(request)) == set()

    async def test_of_what_failed_for_good_they_go_after_a_week(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        failed = await self._fails(office, request)
        assert details_in(failed) == {"工程师", "分机 8021"}, "somebody may try again"

        await office.pass_time(days=7, minutes=1)
        assert details_in(await office.request(request)) == set()

    async def test_what_succeeded_after_a_failure_keeps_them(self, office: Office) -> None:
        group = await office.project("li", "han")
        request = await office.apply("join", "zhao", group_id=str(group.id))
        await self._fails(office, request)
        async with transaction(office.sessions) as session:
            await approvals.finish_outcome(
                session, request_id=RequestId(request.id), outcome=OutcomeState.DONE, now=office.clock.now()
            )

        await office.pass_time(days=7, minutes=1)
        assert details_in(await office.request(request)) == {"工程师", "分机 8021"}

    @staticmethod
    async def _fails(office: Office, request: Request) -> Request:
        async with transaction(office.sessions) as session:
            row = await requests.get_for_update(session, RequestId(request.id))
            row.state, row.outcome = RequestState.APPROVED, OutcomeState.PENDING
        async with transaction(office.sessions) as session:
            return await approvals.finish_outcome(
                session,
                request_id=RequestId(request.id),
                outcome=OutcomeState.FAILED,
                detail="群已满",
                now=office.clock.now(),
            )

    async def test_of_a_dissolved_group_they_go_after_a_week(self, office: Office) -> None:
        group = await office.project("li", "han")
        joined = await office.granted("join", "zhao", group_id=str(group.id))
        await office.sandbox.dismiss_group(group.chatid)
        await office.reconcile(group)
        await office.pass_time(days=7, minutes=1)
        assert details_in(await office.request(joined)) == set()

    async def test_of_a_group_that_was_only_read_as_dissolved_they_stay(self, office: Office) -> None:
        """P6."""
        group = await office.project("li", "han")
        joined = await office.granted("join", "zhao", group_id=str(group.id))
        await office.sandbox.fail("appchat/get", errcode=86003, times=1)
        await office.reconcile(group)
        assert (await office.now(group)).state is GroupState.LOST
        office.clock.advance(timedelta(minutes=10))
        await office.reconcile(group)
        assert (await office.now(group)).state is GroupState.ACTIVE
        await office.pass_time(days=7, minutes=1)
        assert details_in(await office.request(joined)) == {"工程师", "分机 8021"}

    async def test_they_stand_in_no_event_and_in_no_audit_row(self, office: Office) -> None:
        """D23: events carry ids and versions, no personal details."""
        group = await office.project("li", "han")
        await office.granted("join", "zhao", group_id=str(group.id))
        async with office.serving() as http:
            trail = (await http.get("/audit")).text + (await http.get("/events")).text
        assert "8021" not in trail
        assert "request.submitted" in trail


async def card_of(office: Office, request: Request) -> dict[str, Any]:
    """The newest card of an approver of the open step."""
    async with office.sessions() as session:
        step = (await requests.steps_of(session, request.id))[request.current_step - 1]
        place = (await requests.approvers_of(session, step.id))[0]
        return (await cards_to(session, await session.get_one(Person, place.person_id)))[-1]


def details_in(request: Request) -> set[str]:
    said = {value for _, value in request.shown["fields"]} | {str(one) for one in request.payload.values()}
    return said & {"工程师", "分机 8021"}


async def older_policy(office: Office) -> None:
    """The document in force as a version from before these keys holds it."""
    async with transaction(office.sessions) as session:
        document = (await policies.in_force(session, now=office.clock.now())).document.model_dump(mode="json")
        for rule in document["groups"]["types"].values():
            for change in ("join", "exit"):
                del rule[change]["requires"], rule[change]["applied_by"]
        older = PolicyDocument.model_validate(document)
        await policy(session, document=older, effective_at=office.clock.now())
