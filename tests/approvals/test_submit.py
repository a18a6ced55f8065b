from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import service
from app.approvals.errors import DuplicateRequest, NoApprover, UnknownKind, UnreadablePayload
from app.approvals.service import Application
from app.audit.actor import person_actor
from app.errors import Invalid
from models.approvals import OutcomeState, Request, RequestState, StepState, Verdict
from models.audit import AuditEntry
from models.org import PersonStatus
from models.policy import Timer
from tests.builders.approvals import (
    Library,
    asked,
    borrowing,
    cards_to,
    decide,
    step,
    step_of,
    texts_to,
)
from tests.builders.policy import policy
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr")]


class TestApplying:
    """2.1: 入群须先申请，由申请人所在部门负责人确认，再由人力资源审核 (two steps)."""

    async def test_the_department_head_gets_a_card_with_two_buttons(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)

        (card,) = await cards_to(session, company.wang)
        opened = await step_of(session, request)
        assert card["main_title"] == {"title": "借用投影仪", "desc": "第 1/2 步 · 部门负责人"}
        assert [(button["text"], button["key"]) for button in card["button_list"]] == [
            ("同意", f"approval.approve:{opened.id}"),
            ("驳回", f"approval.reject:{opened.id}"),
        ]
        assert {row["keyname"]: row["value"] for row in card["horizontal_content_list"]} == {
            "编号": f"#{request.number}",
            "申请人": "李军",
            "物品": "投影仪",
        }
        assert "客户演示" in card["sub_title_text"]

    async def test_what_the_card_cannot_hold_stands_beside_it_in_full(
        self, session: AsyncSession, company: Company
    ) -> None:
        """P7: the platform cuts a card silently; nobody decides on half a reason."""
        reason = "客户现场演示新品，需要带投影仪和备用灯泡。" * 10
        await borrowing(session, Library(HEAD_THEN_HR), company.li, thing="会议室投影仪" * 6, reason=reason)
        (text,) = await texts_to(session, company.wang)
        assert f"理由：{reason}\n" in text
        assert f"物品：{'会议室投影仪' * 6}\n" in text

    async def test_more_rows_than_a_card_has_are_counted_on_it(self, session: AsyncSession, company: Company) -> None:
        """P8: a confidential group has five things to tell besides number and applicant."""
        library = Library(HEAD_THEN_HR, also_told=[(f"事项{one}", f"第{one}项") for one in range(1, 5)])
        await borrowing(session, library, company.li)
        (card,) = await cards_to(session, company.wang)
        assert card["horizontal_content_list"][-1] == {"keyname": "更多", "value": "另有 2 项"}
        assert "事项4：第4项" in (await texts_to(session, company.wang))[0]

    async def test_a_card_that_says_it_all_comes_alone(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD_THEN_HR), company.li)
        assert await texts_to(session, company.wang) == []

    async def test_a_long_reason_does_not_push_out_why_the_card_came_to_them(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([step("人力资源", "userid:han")])
        await borrowing(session, library, company.han, reason="演示" * 200)
        (card,) = await cards_to(session, company.zhao)
        assert card["sub_title_text"].startswith("申请人本人是审批人，转其上级审批\n理由：演示")

    async def test_the_card_cites_the_clause_and_hr_hears_nothing_yet(
        self, session: AsyncSession, company: Company
    ) -> None:
        await borrowing(session, Library(HEAD_THEN_HR), company.li)

        (card,) = await cards_to(session, company.wang)
        citation = company.policy.cite("member.join")
        assert card["quote_area"]["quote_text"] == f"依据制度第 2.1 条：{citation.text}"
        assert not await cards_to(session, company.han)

    async def test_the_applicant_is_told_whom_it_waits_for(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library(HEAD_THEN_HR), company.li)

        (text,) = await texts_to(session, company.li)
        assert "等待部门负责人审批：王芳" in text

    async def test_it_stands_in_the_trail_with_rule_policy_version_and_correlation(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)

        entry = (await session.scalars(select(AuditEntry).where(col(AuditEntry.object_id) == str(request.id)))).one()
        assert (entry.action, entry.actor_id) == ("request.submitted", str(company.li.id))
        assert (entry.policy_version_id, entry.rule_key) == (company.policy.id, "member.join")
        assert request.policy_version_id == company.policy.id
        assert entry.correlation_id
        assert request.correlation_id

    async def test_a_step_has_its_reminder_and_its_deadline(self, session: AsyncSession, company: Company) -> None:
        """7.10: four working hours until the reminder, the end of the next working day until the deadline."""
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)

        opened = await step_of(session, request)
        timers = {
            timer.kind: timer.due_at
            for timer in await session.scalars(select(Timer).where(col(Timer.subject) == str(opened.id)))
        }
        assert timers == {
            "approval.remind": datetime(2026, 3, 2, 6, 0, tzinfo=UTC),
            "approval.due": datetime(2026, 3, 3, 10, 0, tzinfo=UTC),
        }
        assert opened.due_at == timers["approval.due"]

    async def test_nobody_waits_for_what_the_kind_refuses(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(Invalid, match="公章不外借"):
            await borrowing(session, Library(HEAD_THEN_HR), company.li, thing="公章")
        assert not await cards_to(session, company.wang)

    async def test_an_unknown_kind_names_the_known_ones(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(UnknownKind) as refusal:
            await _submit(session, company, kind="steal", payload={})
        assert refusal.value.facts == {"known": ["borrow"]}

    async def test_an_unreadable_payload_names_the_field(self, session: AsyncSession, company: Company) -> None:
        with pytest.raises(UnreadablePayload) as refusal:
            await _submit(session, company, kind="borrow", payload={"think": "x"})
        assert [fault["where"] for fault in refusal.value.facts["faults"]] == ["thing"]
        assert str(refusal.value) == "payload 不完整或不正确：thing：缺少这一项，请补上"


class TestOneOpenRequestPerSubject:
    """One open request per (kind, subject)."""

    async def test_a_second_one_is_refused_and_names_the_first(self, session: AsyncSession, company: Company) -> None:
        first = await borrowing(session, Library(HEAD_THEN_HR), company.li)

        with pytest.raises(DuplicateRequest, match=f"#{first.number}"):
            await borrowing(session, Library(HEAD_THEN_HR), company.li)

    async def test_another_thing_or_another_person_is_another_request(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        numbers = {
            (await borrowing(session, library, company.li)).number,
            (await borrowing(session, library, company.li, thing="相机")).number,
            (await borrowing(session, library, company.chen)).number,
        }
        assert len(numbers) == 3

    async def test_after_the_decision_one_may_apply_again(self, session: AsyncSession, company: Company) -> None:
        library = Library([step("部门负责人", "department_head")])
        first = await borrowing(session, library, company.li)
        await decide(session, library, first, company.wang, Verdict.REJECT)
        again = await borrowing(session, library, company.li)
        assert again.state is RequestState.PENDING


class TestWhoIsAsked:
    """F50: the approver comes from the organisation: department head, direct leader, role, tag, post, person."""

    @pytest.mark.parametrize(
        ("expression", "names"),
        [
            ("department_head", {"王芳"}),
            ("role:hr", {"韩梅", "孙宁"}),
            ("post:总裁", {"赵总"}),
            ("userid:CHEN", {"陈晨"}),
            ("group_administrator", {"陈晨", "孙宁"}),
            ("group_owner", {"陈晨", "孙宁"}),
        ],
    )
    async def test_as_the_policy_names_them(
        self, session: AsyncSession, company: Company, expression: str, names: set[str]
    ) -> None:
        library = Library([step("审批", expression)], administrators=[company.chen, company.sun])
        assert await asked(session, await borrowing(session, library, company.li)) == names

    async def test_the_direct_leader(self, session: AsyncSession, company: Company) -> None:
        company.li.direct_leader_userids = ["chen"]
        library = Library([step("直接上级", "direct_leader")])
        assert await asked(session, await borrowing(session, library, company.li)) == {"陈晨"}

    async def test_every_one_of_them_has_a_card_of_their_own(self, session: AsyncSession, company: Company) -> None:
        await borrowing(session, Library([step("人力资源", "role:hr")]), company.li)
        (one,), (other,) = await cards_to(session, company.han), await cards_to(session, company.sun)
        assert one["task_id"] != other["task_id"]


class TestNobodySignsOffTheirOwnRequest:
    """F56: no self-approval; the step goes to the next superior."""

    async def test_a_department_head_asks_the_one_above(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.wang)
        assert await asked(session, request) == {"赵总"}

    async def test_of_two_in_the_role_the_other_decides(self, session: AsyncSession, company: Company) -> None:
        request = await borrowing(session, Library([step("人力资源", "role:hr")]), company.sun)
        assert await asked(session, request) == {"韩梅"}

    async def test_the_only_administrator_applies_and_their_superior_decides(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([step("群管理员", "group_administrator")], administrators=[company.li])
        request = await borrowing(session, library, company.li)
        assert await asked(session, request) == {"王芳"}
        assert (await step_of(session, request)).note == "申请人本人是审批人，转上一级负责人审批"

    async def test_a_role_nobody_holds_refuses_and_falls_to_nobody_lower(
        self, session: AsyncSession, company: Company
    ) -> None:
        company.zhao.position = "顾问"
        with pytest.raises(NoApprover, match="没有在职的审批人。请管理员在通讯录中安排人员，或在制度中改正"):
            await borrowing(session, Library([step("总裁", "role:president")]), company.li)

    async def test_whoever_is_above_the_only_holder_decides_what_the_holder_applies_for(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library([step("人力资源", "userid:han")]), company.han)
        assert await asked(session, request) == {"赵总"}
        assert (await step_of(session, request)).note == "申请人本人是审批人，转其上级审批"

    async def test_nor_does_whom_it_is_about_when_a_colleague_applies_for_them(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.wang)
        assert await asked(session, request) == {"赵总"}

    async def test_the_only_holder_of_a_role_does_not_agree_to_what_is_for_them(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library([step("总裁", "role:president")])
        with pytest.raises(NoApprover, match="申请涉及的本人是审批人"):
            await borrowing(session, library, company.li, borrower=company.zhao)

    async def test_the_policy_says_who_takes_such_a_step(self, session: AsyncSession, company: Company) -> None:
        await policy(session, approvals__fallback=["userid:chen"], effective_at=MONDAY_9AM)
        company.wang.status = company.zhao.status = PersonStatus.LEFT
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        assert await asked(session, request) == {"陈晨"}

    async def test_who_has_left_decides_nothing(self, session: AsyncSession, company: Company) -> None:
        company.wang.status = PersonStatus.LEFT
        request = await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)
        assert await asked(session, request) == {"赵总"}

    async def test_when_nobody_is_left_the_refusal_says_what_to_configure(
        self, session: AsyncSession, company: Company
    ) -> None:
        company.wang.status = company.zhao.status = PersonStatus.LEFT
        with pytest.raises(
            NoApprover,
            match=r"approvals.fallback（department_head、role:president）也没有。请在通讯录中设置部门负责人",
        ):
            await borrowing(session, Library([step("部门负责人", "department_head")]), company.li)

    async def test_a_later_step_that_nobody_can_decide_is_refused_at_once(
        self, session: AsyncSession, company: Company
    ) -> None:
        steps = [step("人力资源", "role:hr"), step("会签", "role:hr", needed=3)]
        with pytest.raises(NoApprover, match="需要 3 人同意，但只有 2 人"):
            await borrowing(session, Library(steps), company.li)


class TestTheDefinitionIsFrozen:
    """F57 and D11: a request keeps the policy version and the steps it started under."""

    async def test_a_new_policy_version_changes_nothing_about_it(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await policy(session, effective_at=MONDAY_9AM)
        library.asks = [step("总裁", "role:president")]

        await decide(session, library, request, company.wang, Verdict.APPROVE)

        assert await asked(session, request, 2) == {"韩梅", "孙宁"}
        assert request.policy_version_id == company.policy.id

    async def test_the_next_request_begins_under_the_new_version(self, session: AsyncSession, company: Company) -> None:
        newer = await policy(session, effective_at=MONDAY_9AM)
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li)
        assert request.policy_version_id == newer.id


class TestNoSteps:
    """2.5, `exit.mode` free: the policy asks nobody."""

    async def test_it_is_approved_at_once_and_carried_out(self, session: AsyncSession, company: Company) -> None:
        library = Library([])
        request = await borrowing(session, library, company.li)
        assert (request.state, request.outcome) == (RequestState.APPROVED, OutcomeState.PENDING)
        assert library.lent == [request]


async def test_the_second_step_waits_for_the_first(session: AsyncSession, company: Company) -> None:
    request = await borrowing(session, Library(HEAD_THEN_HR), company.li)
    assert (await step_of(session, request, 2)).state is StepState.WAITING
    assert await asked(session, request, 2) == set()


class TestAboutSomebodyElse:
    """2.5: nobody is applied out behind their back; whom it concerns is told and may object."""

    async def test_whom_it_is_about_is_told_who_has_applied_and_why(
        self, session: AsyncSession, company: Company
    ) -> None:
        request = await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.chen)
        [card] = await cards_to(session, company.chen)
        assert card["main_title"] == {"title": "借用投影仪", "desc": "李军 替您提交了这份申请"}
        assert card["sub_title_text"].splitlines() == [
            "如有异议，请在卡片上点“我有异议”，转达申请人和审批人。",
            "理由：客户演示",
        ]
        assert card["quote_area"]["quote_text"].startswith("依据制度第 2.1 条")
        [button] = card["button_list"]
        assert (button["text"], button["key"]) == ("我有异议", f"approval.object:{request.id}")

    async def test_what_the_card_cannot_hold_they_read_in_full(self, session: AsyncSession, company: Company) -> None:
        reason = "客户现场演示新品，需要带投影仪和备用灯泡。" * 10
        await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.chen, reason=reason)
        [text] = await texts_to(session, company.chen)
        assert f"理由：{reason}\n" in text
        assert "李军 替您提交了这份申请。如有异议" in text

    async def test_where_nobody_decides_no_objection_is_offered(self, session: AsyncSession, company: Company) -> None:
        """P8: it is approved already."""
        await borrowing(session, Library([]), company.li, borrower=company.chen)
        assert await cards_to(session, company.chen) == []
        [text] = await texts_to(session, company.chen)
        assert "替您提交了这份申请" in text
        assert "异议" not in text

    async def test_who_applies_for_themselves_is_told_nothing_of_the_kind(
        self, session: AsyncSession, company: Company
    ) -> None:
        await borrowing(session, Library(HEAD_THEN_HR), company.li, borrower=company.li)
        assert not await cards_to(session, company.li)
        assert not [text for text in await texts_to(session, company.li) if "替您" in text]


async def _submit(session: AsyncSession, company: Company, *, kind: str, payload: dict[str, str]) -> Request:
    Library(HEAD_THEN_HR).open_to(session)
    application = Application(kind, company.li, payload, submitted_by=person_actor(company.li.id))
    return await service.submit(session, application, now=MONDAY_9AM)
