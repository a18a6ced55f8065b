from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals import service
from app.approvals.errors import AlreadyDecided, NotAnApprover, NothingToRetry, NotTheRequester, OwnRequest
from app.audit.actor import SYSTEM
from models.approvals import Decision, OutcomeState, Request, RequestState, StepApprover, StepState, Verdict
from models.audit import AuditEntry
from models.ids import RequestId
from models.policy import Timer
from tests.builders.approvals import (
    Library,
    asked,
    borrowing,
    cards_to,
    click,
    decide,
    everything_arrives,
    faces_of,
    step,
    step_of,
    texts_to,
)
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM

APPROVE, REJECT = Verdict.APPROVE, Verdict.REJECT
HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr")]
ANY_HR = [step("人力资源", "role:hr")]
ALL_HR = [step("人力资源会签", "role:hr", needed="all")]


class TestTwoSteps:
    """2.1: 部门负责人确认，人力资源审核 (two steps)."""

    async def test_the_heads_agreement_opens_the_step_of_hr(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)

        await decide(session, library, request, company.wang)

        assert (request.state, request.current_step) == (RequestState.PENDING, 2)
        assert await asked(session, request, 2) == {"韩梅", "孙宁"}
        assert len(await cards_to(session, company.han)) == 1
        assert not library.lent

    async def test_both_agreements_approve_it_and_the_kind_carries_it_out(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)

        await decide(session, library, request, company.wang)
        await decide(session, library, request, company.han)

        assert (request.state, request.outcome) == (RequestState.APPROVED, OutcomeState.PENDING)
        assert library.lent == [request]

    async def test_the_applicant_hears_of_every_stage(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.wang, comment="同意借用")
        await decide(session, library, request, company.han)

        submitted, moved_on, approved = await texts_to(session, company.li)
        assert "等待部门负责人审批" in submitted
        assert "王芳 03-02 09:00 同意：同意借用" in moved_on
        assert "下一步：人力资源" in moved_on
        assert "已同意，正在办理" in approved

    async def test_a_rejection_ends_it(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)

        await decide(session, library, request, company.wang, REJECT, comment="本周设备不足")

        assert (request.state, request.outcome) == (RequestState.REJECTED, OutcomeState.NONE)
        assert (await step_of(session, request, 2)).state is StepState.CANCELLED
        assert (library.refused, library.lent) == ([request], [])
        assert "本周设备不足" in (await texts_to(session, company.li))[-1]

    async def test_the_decision_names_person_time_rule_and_version(
        self, session: AsyncSession, company: Company
    ) -> None:
        """P5: every decision has a person, a time, a rule and a policy version."""
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)

        decision = (await session.scalars(select(Decision))).one()
        assert (decision.person_id, decision.decided_at) == (company.han.id, MONDAY_9AM)
        assert (decision.policy_version_id, decision.rule_key) == (company.policy.id, "member.join")
        trail = await session.scalars(
            select(AuditEntry).where(col(AuditEntry.object_id) == str(request.id)).order_by(col(AuditEntry.id))
        )
        assert [(entry.action, entry.actor_id) for entry in trail] == [
            ("request.submitted", str(company.li.id)),
            ("step.approved", str(company.han.id)),
            ("request.approved", str(company.han.id)),
        ]

    async def test_a_closed_step_has_no_deadline_left(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        assert not (await session.scalars(select(Timer).where(col(Timer.kind).startswith("approval.")))).all()


class TestAnyAndAll:
    """F49: any-of, all-of, N-of."""

    async def test_any_one_of_them_is_enough(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.sun)
        assert request.state is RequestState.APPROVED

    async def test_all_of_them_must_agree(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        states = [(await decide(session, library, request, by)).state for by in (company.sun, company.han)]
        assert states == [RequestState.PENDING, RequestState.APPROVED]

    async def test_a_long_comment_hides_no_other_verdict(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await decide(session, library, request, company.han, comment="请注意保管" * 60)
        await decide(session, library, request, company.sun)
        assert "孙宁 03-02 09:00 同意" in (await faces_of(session, company.sun))[-1]["sub_title_text"]
        assert "请注意保管" * 60 in (await texts_to(session, company.li))[-1]

    async def test_the_first_of_all_sees_who_is_still_needed(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)

        await click(session, library, company.sun, request)

        (face,) = await faces_of(session, company.sun)
        assert face["main_title"]["desc"] == "人力资源会签 · 已有 1 人同意，需 2 人"
        assert face["replace_text"] == "您已审批"
        assert not await faces_of(session, company.han)


class TestWhoMayDecide:
    """F56: nobody decides their own request; only an approver of the open step decides."""

    async def test_the_applicant_may_not(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        with pytest.raises(OwnRequest):
            await decide(session, library, request, company.li)

    async def test_not_even_when_the_table_lists_them(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        opened = await step_of(session, request)
        session.add(StepApprover(step_id=opened.id, person_id=company.li.id, added_at=MONDAY_9AM))
        with pytest.raises(OwnRequest):
            await decide(session, library, request, company.li)

    async def test_an_approver_of_a_later_step_may_not_yet(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        with pytest.raises(NotAnApprover):
            await decide(session, library, request, company.han)


class TestEveryCardShowsTheOutcome:
    """F54: every approver's card shows the outcome."""

    async def test_the_others_see_who_decided_and_when(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)

        await click(session, library, company.han, request)

        for person in (company.han, company.sun):
            (face,) = await faces_of(session, person)
            assert face["main_title"]["desc"] == "人力资源 · 已同意"
            assert face["sub_title_text"] == "韩梅 03-02 09:00 同意"
            assert face["replace_text"] == "已同意"

    async def test_who_agreed_first_sees_the_end_too(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await click(session, library, company.wang, request)
        await everything_arrives(session)
        await click(session, library, company.han, request, REJECT, position=2)

        after_own, after_all = await faces_of(session, company.wang)
        assert after_own["main_title"]["desc"] == "部门负责人 · 已转人力资源审批"
        assert after_all["main_title"]["desc"].endswith("已驳回")
        assert "韩梅 03-02 09:00 驳回" in after_all["sub_title_text"]

    async def test_a_click_is_answered_on_its_own_card_with_its_own_code(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await click(session, library, company.han, request)
        decision = (await session.scalars(select(Decision))).one()
        assert decision.via == "card"
        assert decision.event_id is not None


class TestTwoClicks:
    """P2 and F55: every click takes effect once; one wins, the others are told."""

    async def test_the_same_click_again_is_no_second_verdict(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await click(session, library, company.han, request)
        await click(session, library, company.han, request)

        assert len((await session.scalars(select(Decision))).all()) == 1
        assert request.state is RequestState.PENDING

    async def test_after_the_approval_it_is_harmless_too(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        await decide(session, library, request, company.han)
        assert library.lent == [request]

    async def test_nobody_changes_their_mind_afterwards(self, session: AsyncSession, company: Company) -> None:
        library = Library(ALL_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        with pytest.raises(AlreadyDecided, match="韩梅 03-02 09:00 同意"):
            await decide(session, library, request, company.han, REJECT)

    async def test_who_comes_late_is_told_by_whom_and_when(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        with pytest.raises(AlreadyDecided, match="韩梅 03-02 09:00 同意"):
            await decide(session, library, request, company.sun, REJECT, now=MONDAY_9AM + timedelta(minutes=5))

    async def test_a_late_click_changes_nothing_but_the_face_of_its_card(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await click(session, library, company.han, request)
        await click(session, library, company.sun, request, REJECT)

        assert request.state is RequestState.APPROVED
        assert len((await session.scalars(select(Decision))).all()) == 1
        assert (await faces_of(session, company.sun))[-1]["sub_title_text"] == "韩梅 03-02 09:00 同意"

    async def test_a_click_after_the_withdrawal_says_so(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await service.withdraw(session, request_id=RequestId(request.id), now=MONDAY_9AM)
        await click(session, library, company.sun, request)

        assert (await faces_of(session, company.sun))[-1]["replace_text"] == "已撤回"
        assert not (await session.scalars(select(Decision))).all()


class TestARefusedClick:
    """What cannot take effect leaves nothing behind, and who clicked reads why."""

    async def test_the_request_stays_open_and_the_card_keeps_its_buttons(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(ANY_HR, refusal_on_approval="群人数已满")
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)

        await click(session, library, company.han, request)

        fresh = await session.get_one(Request, request.id, populate_existing=True)
        assert (fresh.state, fresh.outcome) == (RequestState.PENDING, OutcomeState.NONE)
        assert not (await session.scalars(select(Decision))).all()
        (face,) = await faces_of(session, company.han)
        assert face["sub_title_text"].startswith("群人数已满")
        assert [button["text"] for button in face["button_list"]] == ["同意", "驳回"]
        assert "群人数已满" in (await texts_to(session, company.han))[-1]
        assert not await faces_of(session, company.sun)

    async def test_the_same_person_may_click_again_when_the_reason_is_gone(
        self, session: AsyncSession, company: Company
    ) -> None:
        library = Library(ANY_HR, refusal_on_approval="群人数已满")
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)
        await click(session, library, company.han, request)
        library.refusal_on_approval = None
        await click(session, library, company.han, request)
        assert (await session.get_one(Request, request.id)).state is RequestState.APPROVED


class TestWithdrawing:
    """The applicant may take an open request back."""

    async def test_the_cards_say_so_and_nobody_decides_any_more(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        await everything_arrives(session)

        await service.withdraw(session, request_id=RequestId(request.id), person=company.li, now=MONDAY_9AM)

        assert request.state is RequestState.WITHDRAWN
        (face,) = await faces_of(session, company.wang)
        assert face["replace_text"] == "已撤回"
        with pytest.raises(AlreadyDecided, match="撤回"):
            await decide(session, library, request, company.wang)
        assert not (await session.scalars(select(Timer).where(col(Timer.kind).startswith("approval.")))).all()

    async def test_nobody_else_may(self, session: AsyncSession, company: Company) -> None:
        library = Library(HEAD_THEN_HR)
        request = await borrowing(session, library, company.li)
        with pytest.raises(NotTheRequester):
            await service.withdraw(session, request_id=RequestId(request.id), person=company.wang, now=MONDAY_9AM)

    async def test_a_decided_request_stays_decided(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR)
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        with pytest.raises(AlreadyDecided):
            await service.withdraw(session, request_id=RequestId(request.id), now=MONDAY_9AM)


class TestWhatThePlatformMadeOfIt:
    """F59: approved-but-platform-failed is visible and retryable."""

    async def test_what_fails_at_once_is_not_called_under_way(self, session: AsyncSession, company: Company) -> None:
        library = Library(ANY_HR, fails_at_once="群已解散")
        request = await borrowing(session, library, company.li)
        await decide(session, library, request, company.han)
        told = await texts_to(session, company.li)
        assert not [text for text in told if "正在办理" in text]
        assert [text for text in told if "没有办成：群已解散" in text]

    async def test_a_failure_is_visible_and_the_applicant_reads_why(
        self, session: AsyncSession, company: Company
    ) -> None:
        _, request = await _approved(session, company)
        await _finish(session, request, OutcomeState.FAILED, "86003 群成员不足")

        assert (request.state, request.outcome) == (RequestState.APPROVED, OutcomeState.FAILED)
        assert request.outcome_detail == "86003 群成员不足"
        assert "没有办成：86003 群成员不足" in (await texts_to(session, company.li))[-1]

    async def test_a_retry_carries_it_out_again_without_another_decision(
        self, session: AsyncSession, company: Company
    ) -> None:
        library, request = await _approved(session, company)
        await _finish(session, request, OutcomeState.FAILED, "45009")

        await service.retry_outcome(session, request_id=RequestId(request.id), actor=SYSTEM, now=MONDAY_9AM)

        assert (request.outcome, request.outcome_detail) == (OutcomeState.PENDING, None)
        assert library.lent == [request, request]

    async def test_the_same_report_again_tells_nobody_twice(self, session: AsyncSession, company: Company) -> None:
        _, request = await _approved(session, company)
        await _finish(session, request, OutcomeState.DONE)
        told = len(await texts_to(session, company.li))
        await _finish(session, request, OutcomeState.DONE)
        await _finish(session, request, OutcomeState.FAILED, "late")

        assert request.outcome is OutcomeState.DONE
        assert len(await texts_to(session, company.li)) == told

    async def test_there_is_nothing_to_retry_while_it_runs_or_when_it_is_done(
        self, session: AsyncSession, company: Company
    ) -> None:
        _, request = await _approved(session, company)
        with pytest.raises(NothingToRetry):
            await service.retry_outcome(session, request_id=RequestId(request.id), actor=SYSTEM, now=MONDAY_9AM)


async def _approved(session: AsyncSession, company: Company) -> tuple[Library, Request]:
    library = Library(ANY_HR)
    request = await borrowing(session, library, company.li)
    return library, await decide(session, library, request, company.han)


async def _finish(session: AsyncSession, request: Request, outcome: OutcomeState, detail: str | None = None) -> None:
    await service.finish_outcome(
        session, request_id=RequestId(request.id), outcome=outcome, detail=detail, now=MONDAY_9AM
    )
