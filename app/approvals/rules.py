"""The states of a request, who may decide, and when a step has its result. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Literal
from uuid import UUID

from app.approvals.errors import AlreadyDecided, NoApprover, NotAnApprover, NotTheRequester, OwnRequest
from app.errors import WrongState
from app.org.rules import may_act, why_not
from app.policy.sections.groups import Requirement
from app.quotes import quoted
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState, Verdict
from models.org import Person


class RequestPurpose(StrEnum):
    """What a message about a request is for."""

    CARD = "approval.card"
    DETAILS = "approval.details"
    CONCERNED = "approval.concerned"
    OBJECTED = "approval.objected"
    REMINDER = "approval.reminder"
    ESCALATED = "approval.escalated"
    PROGRESS = "approval.progress"
    REFUSAL = "approval.refusal"


REQUEST_TRANSITIONS: dict[RequestState, frozenset[RequestState]] = {
    RequestState.PENDING: frozenset({RequestState.APPROVED, RequestState.REJECTED, RequestState.WITHDRAWN}),
    # A decided request is never reopened: people apply again.
    RequestState.APPROVED: frozenset(),
    RequestState.REJECTED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}

STEP_TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.WAITING: frozenset({StepState.OPEN, StepState.SKIPPED, StepState.CANCELLED}),
    StepState.OPEN: frozenset({StepState.APPROVED, StepState.REJECTED, StepState.SKIPPED, StepState.CANCELLED}),
    StepState.APPROVED: frozenset(),
    StepState.REJECTED: frozenset(),
    StepState.SKIPPED: frozenset(),
    StepState.CANCELLED: frozenset(),
}

OUTCOME_TRANSITIONS: dict[OutcomeState, frozenset[OutcomeState]] = {
    OutcomeState.NONE: frozenset({OutcomeState.PENDING}),
    OutcomeState.PENDING: frozenset({OutcomeState.DONE, OutcomeState.FAILED}),
    # Back to pending by a retry; straight to done when a failure turns out to have had its effect.
    OutcomeState.FAILED: frozenset({OutcomeState.PENDING, OutcomeState.DONE}),
    # A late failure of a repeated call does not undo what the platform has done.
    OutcomeState.DONE: frozenset(),
}

VERDICT_STEP_STATE = {Verdict.APPROVE: StepState.APPROVED, Verdict.REJECT: StepState.REJECTED}


FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters by their class that show nothing."""
FEWEST_OF_A_CONTACT = 3
"""Digits or Latin letters: an extension (802) has them, 无 and 同上 have not."""


def says_it(asked: Requirement, text: str) -> bool:
    """Whether a text says what the policy asks for: blanks, punctuation and signs alone say nothing."""
    if asked == "contact":
        # Full-width digits, as an input method for Chinese gives them, are digits.
        narrow = unicodedata.normalize("NFKC", text)
        return sum(char.isascii() and char.isalnum() for char in narrow) >= FEWEST_OF_A_CONTACT
    return any(char.isalnum() and char not in FILLERS for char in text)


def needed_of(needed: Literal["any", "all"] | int, approvers: int) -> int:
    """How many of so many approvers must agree."""
    if needed == "any":
        return 1
    if needed == "all":
        return approvers
    if needed > approvers:
        raise NoApprover(
            f"这一步需要 {needed} 人同意，但只有 {approvers} 人可以审批。请调整制度中的 needed 或审批人。",
            f"This step needs {needed} people to agree and only {approvers} may decide: change `needed` or "
            "the approvers in the policy",
        )
    return needed


def step_result(verdicts: Iterable[Verdict], needed: int) -> StepState:
    """One rejection rejects the step, as in the platform's own 审批; otherwise so many must agree (F49)."""
    given = list(verdicts)
    if Verdict.REJECT in given:
        return StepState.REJECTED
    return StepState.APPROVED if given.count(Verdict.APPROVE) >= needed else StepState.OPEN


def check_may_decide(
    request: Request, step: RequestStep, *, person: Person, barred: Collection[UUID], approver_ids: Collection[UUID]
) -> None:
    # F56: nobody signs off their own request, whatever the routing says.
    if person.id == request.requester_id:
        raise OwnRequest("申请人不能审批自己的申请", "Nobody decides about their own request")
    if person.id in barred:
        raise OwnRequest(
            "这份申请涉及您本人，不能由您审批", "This request is about this person, who cannot decide about it"
        )
    if person.id not in approver_ids:
        raise NotAnApprover(
            f"{person.name} 不是步骤{quoted(step.name)}的审批人",
            f"{person.name} is no approver of the step {quoted(step.name)}",
        )
    if not may_act(person):
        raise NotAnApprover(
            f"{person.name} 的账号{why_not(person)}，不能审批",
            f"The account of {person.name} is {person.status.value}: it cannot decide",
        )


def is_open(request: Request, step: RequestStep) -> bool:
    return request.state is RequestState.PENDING and step.state is StepState.OPEN


def move_request(request: Request, target: RequestState) -> None:
    _check_may_become(request, target)
    request.state = target


def _check_may_become(request: Request, target: RequestState) -> None:
    if target not in REQUEST_TRANSITIONS[request.state]:
        raise AlreadyDecided(f"申请 #{request.number} 已有结果", f"Request #{request.number} has been decided")


def check_may_withdraw(request: Request, person_id: UUID | None, *, is_applied_for: bool) -> None:
    """`person_id`: who asks for it; None for somebody who acts in the applicant's name."""
    if not is_applied_for:
        raise NotTheRequester("这不是谁的申请，不能撤回", "Nobody has applied for this, and nobody can withdraw it")
    if person_id is not None and person_id != request.requester_id:
        raise NotTheRequester("只有申请人可以撤回自己的申请", "Only the applicant can withdraw a request")
    _check_may_become(request, RequestState.WITHDRAWN)


def move_step(step: RequestStep, target: StepState) -> None:
    if target not in STEP_TRANSITIONS[step.state]:
        raise AlreadyDecided(f"步骤{quoted(step.name)}已有结果", f"The step {quoted(step.name)} has been decided")
    step.state = target


def move_outcome(request: Request, target: OutcomeState) -> None:
    if not may_become(request.outcome, target):
        raise WrongState(f"request {request.id}: outcome {request.outcome} → {target}")
    request.outcome = target


def may_become(current: OutcomeState, target: OutcomeState) -> bool:
    """False for a report that changes nothing: the same one again, or a failure after the success."""
    return target in OUTCOME_TRANSITIONS[current]
