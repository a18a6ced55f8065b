"""Applying, withdrawing, and what became of an approved request. Deciding stands in `decide.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules, steps
from app.approvals.context import Applicant, Case, kind_named, load_case, record_request
from app.approvals.decide import approve_request, decide, take_back
from app.approvals.errors import (
    DuplicateRequest,
    NothingToRetry,
    NotTheRequester,
    UnreadablePayload,
)
from app.approvals.kinds import Kinds, RequestKind
from app.audit.actor import SYSTEM, Actor, person_actor
from app.observability import current_correlation_id, get_logger
from app.policy import service as policies
from app.web.problems import faults_of, told
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState
from models.ids import RequestId
from models.org import Person

__all__ = ["decide", "finish_outcome", "retry_outcome", "submit", "withdraw"]

log = get_logger()


async def submit(
    session: AsyncSession,
    kinds: Kinds,
    *,
    kind: str,
    requester: Person,
    payload: dict[str, Any],
    reason: str,
    submitted_by: Actor,
    now: datetime,
) -> Request:
    """Apply. The policy version, the steps and the text are fixed here; the first step's approvers get their cards.

    Refused: an unknown kind, an unreadable payload, whatever the kind's own check refuses, a second open request
    about the same thing, and a chain that leads to nobody (said before anybody waits for it).
    """
    policy = await policies.in_force(session, now=now)
    request_kind = kind_named(kinds, kind)
    content = _read(request_kind, payload)
    await request_kind.check(session, content, requester, policy, now)
    applicant = Applicant(request_kind, content, requester, policy)
    request = await _drafted(session, applicant, reason=reason.strip(), submitted_by=submitted_by, now=now)
    await _insert(session, request)
    case = Case(request_kind, request, content, requester, policy)
    await record_request(session, request, action="request.submitted", actor=submitted_by, now=now)
    await _start(session, case, actor=submitted_by, now=now)
    log.info("request.submitted", request_id=str(request.id), kind=kind)
    return request


async def withdraw(
    session: AsyncSession,
    kinds: Kinds,
    *,
    request_id: RequestId,
    person: Person | None = None,
    recorded_by: Actor | None = None,
    now: datetime,
) -> Request:
    """Take an open request back. Only its requester may (the default); the approvers' cards say so."""
    request = await queries.get_for_update(session, request_id)
    if person and person.id != request.requester_id:
        raise NotTheRequester("只有申请人可以撤回自己的申请")
    case = await load_case(session, kinds, request)
    await take_back(session, case, actor=person_actor(request.requester_id), recorded_by=recorded_by, now=now)
    return request


async def finish_outcome(
    session: AsyncSession,
    *,
    request_id: RequestId,
    outcome: OutcomeState,
    detail: str | None = None,
    now: datetime,
    actor: Actor = SYSTEM,
) -> Request:
    """What the platform made of an approved request: DONE, or FAILED and why (F59). The requester is told once.

    The same report again, or a failure that arrives after the success, changes nothing.
    """
    request = await queries.get_for_update(session, request_id)
    if not rules.may_become(request.outcome, outcome):
        return request
    request.outcome, request.outcome_detail, request.updated_at = outcome, detail, now
    await record_request(session, request, action=f"request.{outcome.value}", actor=actor, now=now, detail=detail)
    text = messages.done(request) if outcome is OutcomeState.DONE else messages.failed(request)
    await steps.tell_requester(session, request, text, actor=actor, now=now)
    return request


async def retry_outcome(
    session: AsyncSession, kinds: Kinds, *, request_id: RequestId, actor: Actor, now: datetime
) -> Request:
    """Carry an approved request out once more after the platform refused it. Nobody decides again."""
    request = await queries.get_for_update(session, request_id)
    if request.state is not RequestState.APPROVED or request.outcome is not OutcomeState.FAILED:
        raise NothingToRetry(f"申请 #{request.number} 没有失败的执行", outcome=request.outcome.value)
    request.outcome, request.outcome_detail, request.updated_at = OutcomeState.PENDING, None, now
    await record_request(session, request, action="request.retried", actor=actor, now=now)
    await kind_named(kinds, request.kind).on_approved(session, request, actor=actor, now=now)
    return request


def _read(kind: RequestKind[Any], payload: dict[str, Any]) -> Any:
    try:
        return kind.payload.model_validate(payload)
    except ValidationError as error:
        faults = faults_of(error.errors())
        raise UnreadablePayload(f"payload 不完整或不正确：{told(faults)}", faults=faults) from error


async def _drafted(
    session: AsyncSession, applicant: Applicant, *, reason: str, submitted_by: Actor, now: datetime
) -> Request:
    """The request as it will stay: what it is about, what people read, the steps, the policy version."""
    kind, content, requester = applicant.kind, applicant.payload, applicant.requester
    subject_key = kind.subject_key(content, requester)
    await _refuse_second(session, kind=kind.name, subject_key=subject_key)
    text = await kind.describe(session, content, requester)
    return Request(
        number=await queries.next_number(session),
        kind=kind.name,
        subject_key=subject_key,
        title=text.title,
        payload=content.model_dump(mode="json"),
        shown={"fields": [list(field) for field in text.fields]},
        reason=reason,
        requester_id=requester.id,
        submitted_by=str(submitted_by),
        group_id=text.group_id,
        chain={"steps": [step.model_dump(mode="json") for step in kind.chain(applicant.policy, content)]},
        policy_version_id=applicant.policy.id,
        rule_key=kind.rule_key,
        correlation_id=current_correlation_id(),
        submitted_at=now,
        updated_at=now,
    )


async def _refuse_second(session: AsyncSession, *, kind: str, subject_key: str) -> None:
    if earlier := await queries.pending_about(session, kind=kind, subject_key=subject_key):
        raise DuplicateRequest(
            f"申请 #{earlier.number}“{earlier.title}”还在审批中", request_id=str(earlier.id), number=earlier.number
        )


async def _insert(session: AsyncSession, request: Request) -> None:
    """The unique index settles two submissions at the same moment: the second names the first."""
    try:
        async with session.begin_nested():
            session.add(request)
    except IntegrityError:
        await _refuse_second(session, kind=request.kind, subject_key=request.subject_key)
        raise


async def _start(session: AsyncSession, case: Case, *, actor: Actor, now: datetime) -> None:
    chain = case.chain
    if not chain:
        await approve_request(session, case, actor=actor, now=now)
        return
    await steps.check_reachable(session, case)
    rows = [
        RequestStep(
            request_id=case.request.id,
            position=position,
            name=rule.name,
            approver=str(rule.approver),
            needed=1,
            state=StepState.WAITING,
            rule_key=case.request.rule_key,
        )
        for position, rule in enumerate(chain, start=1)
    ]
    session.add_all(rows)
    opened = await steps.open_step(session, case, rows[0], actor=actor, now=now)
    text = messages.submitted(case.told, rows[0], opened)
    await steps.tell_requester(session, case.request, text, actor=actor, now=now)
