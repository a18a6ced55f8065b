from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.approvals import rules
from app.approvals.errors import AlreadyDecided, NoApprover, NotAnApprover, OwnRequest
from app.errors import WrongState
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState, Verdict
from models.ids import new_id
from models.org import Person, PersonStatus
from tests.fakes.clock import MONDAY_9AM

YES, NO = Verdict.APPROVE, Verdict.REJECT


def a_request(state: RequestState = RequestState.PENDING) -> Request:
    return Request(
        number=7,
        kind="borrow",
        subject_key="projector",
        title="借用投影仪",
        requester_id=new_id(),
        submitted_by="person:li",
        rule_key="member.join",
        correlation_id="c",
        state=state,
    )


def a_step(state: StepState) -> RequestStep:
    return RequestStep(
        position=1, name="部门负责人", approver="department_head", needed=1, rule_key="member.join", state=state
    )


def somebody(status: PersonStatus = PersonStatus.ACTIVE) -> Person:
    return Person(name="李军", status=status, first_seen_at=MONDAY_9AM, updated_at=MONDAY_9AM)


def may_decide(request: Request, who: Person, *, approvers: list[Person], barred: Sequence[Person] = ()) -> None:
    rules.check_may_decide(
        request,
        a_step(StepState.OPEN),
        person=who,
        barred={one.id for one in barred},
        approver_ids={one.id for one in approvers},
    )


class TestHowManyMustAgree:
    """F49: one, any-of, all-of, N-of, in sequence."""

    @pytest.mark.parametrize(("needed", "approvers", "count"), [("any", 3, 1), ("all", 3, 3), (2, 3, 2), ("all", 1, 1)])
    def test_the_policy_says_any_all_or_a_number(self, needed: str | int, approvers: int, count: int) -> None:
        assert rules.needed_of(needed, approvers) == count  # type: ignore[arg-type]  # parametrised

    def test_more_than_there_are_approvers_is_refused_and_says_so(self) -> None:
        with pytest.raises(NoApprover, match="需要 3 人同意，但只有 2 人"):
            rules.needed_of(3, 2)


class TestTheResultOfAStep:
    """F49, and as in the platform's own 审批： one rejection rejects."""

    @pytest.mark.parametrize(
        ("verdicts", "needed", "result"),
        [
            ([], 1, StepState.OPEN),
            ([YES], 1, StepState.APPROVED),
            ([NO], 1, StepState.REJECTED),
            ([YES], 2, StepState.OPEN),
            ([YES, YES], 2, StepState.APPROVED),
            ([YES, NO], 2, StepState.REJECTED),
            ([NO], 3, StepState.REJECTED),
        ],
    )
    def test_follows_from_its_verdicts(self, verdicts: list[Verdict], needed: int, result: StepState) -> None:
        assert rules.step_result(verdicts, needed) is result


class TestWhoMayDecide:
    """F56: nobody signs off their own request, whatever the routing says."""

    def test_the_requester_may_not_even_when_listed(self) -> None:
        request, requester = a_request(), somebody()
        request.requester_id = requester.id
        with pytest.raises(OwnRequest):
            may_decide(request, requester, approvers=[requester])

    def test_whom_it_is_about_may_not_even_when_listed(self) -> None:
        concerned = somebody()
        with pytest.raises(OwnRequest, match="涉及您本人"):
            may_decide(a_request(), concerned, approvers=[concerned], barred=[concerned])

    def test_a_bystander_may_not(self) -> None:
        with pytest.raises(NotAnApprover, match="李军 不是步骤“部门负责人”的审批人"):
            may_decide(a_request(), somebody(), approvers=[somebody()])

    def test_an_approver_whose_account_is_disabled_may_not(self) -> None:
        approver = somebody(PersonStatus.DISABLED)
        with pytest.raises(NotAnApprover, match="已停用"):
            may_decide(a_request(), approver, approvers=[approver])

    def test_an_approver_of_the_step_may(self) -> None:
        approver = somebody()
        may_decide(a_request(), approver, approvers=[approver])


class TestLifeCycles:
    @pytest.mark.parametrize("decided", [RequestState.APPROVED, RequestState.REJECTED, RequestState.WITHDRAWN])
    @pytest.mark.parametrize("target", list(RequestState))
    def test_a_decided_request_is_never_reopened(self, decided: RequestState, target: RequestState) -> None:
        with pytest.raises(AlreadyDecided):
            rules.move_request(a_request(decided), target)

    @pytest.mark.parametrize("closed", [StepState.APPROVED, StepState.REJECTED, StepState.CANCELLED, StepState.SKIPPED])
    def test_a_closed_step_stays_closed(self, closed: StepState) -> None:
        with pytest.raises(AlreadyDecided):
            rules.move_step(a_step(closed), StepState.OPEN)

    def test_a_step_waits_opens_and_is_decided(self) -> None:
        step = a_step(StepState.WAITING)
        rules.move_step(step, StepState.OPEN)
        rules.move_step(step, StepState.APPROVED)
        assert step.state is StepState.APPROVED

    def test_every_state_has_its_row_in_the_table(self) -> None:
        assert set(rules.REQUEST_TRANSITIONS) == set(RequestState)
        assert set(rules.STEP_TRANSITIONS) == set(StepState)
        assert set(rules.OUTCOME_TRANSITIONS) == set(OutcomeState)


class TestTheOutcomeOnThePlatform:
    """F59: approved-but-platform-failed is visible and retryable."""

    def test_a_failure_may_be_tried_again_or_turn_out_done(self) -> None:
        assert rules.may_become(OutcomeState.FAILED, OutcomeState.PENDING)
        assert rules.may_become(OutcomeState.FAILED, OutcomeState.DONE)

    def test_what_is_done_does_not_fail_afterwards(self) -> None:
        assert not rules.may_become(OutcomeState.DONE, OutcomeState.FAILED)
        assert not rules.may_become(OutcomeState.DONE, OutcomeState.DONE)

    def test_nothing_is_done_before_the_approval(self) -> None:
        assert not rules.may_become(OutcomeState.NONE, OutcomeState.DONE)

    def test_the_program_does_not_move_it_where_it_cannot_go(self) -> None:
        request = a_request(RequestState.APPROVED)
        request.outcome = OutcomeState.DONE
        with pytest.raises(WrongState, match="done → pending"):
            rules.move_outcome(request, OutcomeState.PENDING)
        assert request.outcome is OutcomeState.DONE
