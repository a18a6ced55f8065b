from __future__ import annotations

import pytest

from app.approvals import rules
from app.approvals.errors import AlreadyDecided, NoApprover, NotAnApprover, OwnRequest
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState, Verdict
from models.ids import new_id

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
        request = a_request()
        with pytest.raises(OwnRequest):
            rules.check_may_decide(request, person_id=request.requester_id, approver_ids={request.requester_id})

    def test_a_bystander_may_not(self) -> None:
        with pytest.raises(NotAnApprover):
            rules.check_may_decide(a_request(), person_id=new_id(), approver_ids={new_id()})

    def test_an_approver_of_the_step_may(self) -> None:
        approver = new_id()
        rules.check_may_decide(a_request(), person_id=approver, approver_ids={approver})


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
