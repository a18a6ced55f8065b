"""The use cases of requests: submit, decide, withdraw, finish, retry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.applying import for_others
from app.approvals.applying.concerned import tell_concerned
from app.approvals.applying.objections import Objection, object_to
from app.approvals.applying.personal import forget_later, forget_unless_kept
from app.approvals.applying.required import check_complete
from app.approvals.context import RequestContext, given_so_far, link_to, load_context, publish_about_request
from app.approvals.decide import Ballot, approve_request, decide, take_back
from app.approvals.errors import DuplicateRequest, NothingToRetry, UnreadablePayload
from app.approvals.kinds import (
    PERSONAL,
    Chain,
    Details,
    Headed,
    Offer,
    RequestKind,
    RequestText,
    ShownFields,
    Submission,
    kind_applied_for,
    kind_named,
)
from app.approvals.shown.acts import Act, ActName
from app.approvals.shown.followed import FollowedRequest, follow
from app.approvals.shown.lists import (
    OpenStep,
    RequestLine,
    RequestPage,
    lines_of,
    requests_about,
    requests_decided_by,
    requests_mine,
    requests_waiting_for,
)
from app.approvals.shown.timeline import EntryKind, TimelineEntry
from app.approvals.steps import ask, open_and_close
from app.audit.actor import SYSTEM, Actor, person_actor
from app.events.service import catalogue
from app.observability import current_correlation_id, get_logger
from app.policy import service as policies
from app.quotes import quoted
from app.web.problems import faults_of, told, told_in_english
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState
from models.ids import RequestId
from models.org import Person

__all__ = [
    "PERSONAL",
    "Act",
    "ActName",
    "Application",
    "Asking",
    "Ballot",
    "Details",
    "EntryKind",
    "FollowedRequest",
    "Headed",
    "Objection",
    "Offer",
    "OpenStep",
    "RequestKind",
    "RequestLine",
    "RequestPage",
    "RequestText",
    "Submission",
    "TimelineEntry",
    "ask_in_turn",
    "call_off",
    "decide",
    "finish_outcome",
    "follow",
    "lines_of",
    "object_to",
    "requests_about",
    "requests_decided_by",
    "requests_mine",
    "requests_waiting_for",
    "retry_outcome",
    "submit",
    "withdraw",
]

log = get_logger()

OUTCOME_EVENTS = {OutcomeState.DONE: catalogue.RequestDone, OutcomeState.FAILED: catalogue.RequestFailed}


@dataclass(frozen=True)
class Application:
    """What somebody applies for, as it comes in."""

    kind: str
    requester: Person
    payload: dict[str, Any]
    submitted_by: Actor
    """A person, or the API key that passed it on."""
    reason: str = ""


async def submit(session: AsyncSession, application: Application, *, now: datetime) -> Request:
    """Apply. This fixes the policy version, the steps and the text; the first step's approvers get their cards.

    It refuses an unknown kind, an unreadable payload, an applicant who may not apply for somebody else, an application
    that does not say what the policy asks for, what the kind itself refuses, a second open request about the same
    thing, and a chain with a step that nobody could decide.
    """
    submission = Submission(application.requester, await policies.in_force(session, now=now), now)
    kind = kind_applied_for(session, application.kind)
    payload = _read(kind, application.payload)
    subject = await kind.resolve(session, payload, submission)
    await for_others.check_may_apply(session, kind, subject, submission)
    submission = replace(submission, details=await kind.details(session, payload, subject))
    check_complete(kind, application.reason, submission, kind.requires(submission.policy, subject))
    await kind.check(session, subject, submission)
    request = await _drafted(session, application, kind, payload, subject, submission)
    await _insert(session, request)
    context = RequestContext(
        kind, request, subject, submission.requester, submission.policy, link=link_to(session, request)
    )
    actor = application.submitted_by
    await publish_about_request(session, request, catalogue.RequestSubmitted, actor=actor, now=now)
    await tell_concerned(session, context, actor=actor, now=now)
    await _start(session, context, actor=actor, now=now)
    log.info("request.submitted", request_id=str(request.id), kind=kind.name)
    return request


@dataclass(frozen=True)
class Asking:
    """What the service asks people in turn, without an application: whether they take something on."""

    kind: str
    whose: Person
    """Whose place it is. They are not asked, and their departure ends nothing."""
    subject: BaseModel
    asked_by: Actor
    reason: str = ""


async def ask_in_turn(session: AsyncSession, asking: Asking, *, now: datetime) -> Request:
    """Ask the first candidate of the kind's offer. Whoever declines or is silent is followed by the next; the first who
    accepts has it, and where nobody is left the kind's `rejected` says so.

    The caller has seen that there is a candidate. Refuses a second open request about the same thing.
    """
    submission = Submission(asking.whose, await policies.in_force(session, now=now), now)
    kind = kind_named(session, asking.kind)
    application = Application(kind.name, asking.whose, {}, submitted_by=asking.asked_by, reason=asking.reason)
    request = await _drafted(session, application, kind, kind.payload(), asking.subject, submission)
    await _insert(session, request)
    context = RequestContext(
        kind, request, asking.subject, asking.whose, submission.policy, link=link_to(session, request)
    )
    await publish_about_request(session, request, catalogue.RequestSubmitted, actor=asking.asked_by, now=now)
    if await open_and_close.open_next(session, context, [], actor=asking.asked_by, now=now) is None:
        raise ValueError(f"nobody can be asked: {kind.name} {request.subject_key}")
    log.info("request.asked", request_id=str(request.id), kind=kind.name)
    return request


async def call_off(session: AsyncSession, *, request_id: RequestId, because: str, actor: Actor, now: datetime) -> None:
    """Ask nobody any more: the card says why. A request that has its result stays as it is."""
    request = await queries.get_for_update(session, request_id)
    if request.state is not RequestState.PENDING:
        return
    request.outcome_detail = because
    await take_back(session, await load_context(session, request), actor=actor, detail=because, now=now)


async def withdraw(
    session: AsyncSession,
    *,
    request_id: RequestId,
    person: Person | None = None,
    recorded_by: Actor | None = None,
    now: datetime,
) -> Request:
    """Withdraw an open request, and say so on the approvers' cards. Only the requester may; they are the default."""
    request = await queries.get_for_update(session, request_id)
    is_applied_for = kind_named(session, request.kind).is_applied_for
    rules.check_may_withdraw(request, person.id if person else None, is_applied_for=is_applied_for)
    context = await load_context(session, request)
    await take_back(session, context, actor=person_actor(request.requester_id), recorded_by=recorded_by, now=now)
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
    """Record what the platform made of an approved request: DONE, or FAILED and why (F59). Tells the requester once.

    The same report again, or a failure that arrives after the success, changes nothing.
    """
    request = await queries.get_for_update(session, request_id)
    if not rules.may_become(request.outcome, outcome):
        return request
    request.outcome, request.outcome_detail, request.updated_at = outcome, detail, now
    await publish_about_request(session, request, OUTCOME_EVENTS[outcome], actor=actor, now=now, detail=detail)
    if outcome is OutcomeState.DONE and not kind_named(session, request.kind).keeps_details:
        forget_unless_kept(session, request, now=now)
    if outcome is OutcomeState.FAILED:
        await forget_later(session, request, now=now)
    text = messages.done(request) if outcome is OutcomeState.DONE else messages.failed(request)
    await ask.tell_requester(session, request, text, actor=actor, now=now)
    return request


async def retry_outcome(session: AsyncSession, *, request_id: RequestId, actor: Actor, now: datetime) -> Request:
    """Carry an approved request out once more after the platform refused it. Nobody decides again."""
    request = await queries.get_for_update(session, request_id)
    if request.state is not RequestState.APPROVED or request.outcome is not OutcomeState.FAILED:
        raise NothingToRetry(
            f"申请 #{request.number} 没有失败的执行",
            f"Request #{request.number} has nothing that failed",
            outcome=request.outcome.value,
        )
    rules.move_outcome(request, OutcomeState.PENDING)
    request.outcome_detail, request.updated_at = None, now
    await publish_about_request(session, request, catalogue.RequestRetried, actor=actor, now=now)
    context = await load_context(session, request)
    await context.kind.approved(session, request, context.subject, actor=actor, now=now)
    return request


def _read(kind: RequestKind[Any, Any], payload: dict[str, Any]) -> BaseModel:
    try:
        read: BaseModel = kind.payload.model_validate(payload)
    except ValidationError as error:
        faults, in_english = faults_of(error.errors()), faults_of(error.errors(), in_english=True)
        raise UnreadablePayload(
            f"payload 不完整或不正确：{told(faults)}",
            f"The payload is incomplete or wrong: {told_in_english(in_english)}",
            english_facts={"faults": in_english},
            faults=faults,
        ) from error
    return read


async def _drafted(
    session: AsyncSession,
    application: Application,
    kind: RequestKind[Any, Any],
    payload: BaseModel,
    subject: BaseModel,
    submission: Submission,
) -> Request:
    """The request as it will stay: what it is about, what people read, the steps, the policy version."""
    subject_key = kind.subject_key(subject)
    await _refuse_second(session, kind=kind.name, subject_key=subject_key)
    text = await kind.describe(session, subject, submission)
    return Request(
        number=await queries.next_number(session),
        kind=kind.name,
        subject_key=subject_key,
        subject=subject.model_dump(mode="json"),
        title=text.title,
        payload=payload.model_dump(mode="json"),
        shown=ShownFields(fields=list(text.fields)).model_dump(mode="json"),
        reason=application.reason.strip(),
        requester_id=submission.requester.id,
        submitted_by=str(application.submitted_by),
        group_id=text.group_id,
        chain=Chain.of(kind.steps(submission.policy, subject)).column(),
        policy_version_id=submission.policy.id,
        rule_key=kind.rule_key,
        correlation_id=current_correlation_id(),
        submitted_at=submission.now,
        updated_at=submission.now,
    )


async def _refuse_second(session: AsyncSession, *, kind: str, subject_key: str) -> None:
    if earlier := await queries.pending_about(session, kind=kind, subject_key=subject_key):
        raise DuplicateRequest(
            f"申请 #{earlier.number}{quoted(earlier.title)}还在审批中",
            f"Request #{earlier.number} {quoted(earlier.title)} is still open",
            request_id=str(earlier.id),
            number=earlier.number,
        )


async def _insert(session: AsyncSession, request: Request) -> None:
    """Of two submissions at the same moment the unique index refuses one, which then names the other."""
    try:
        async with session.begin_nested():
            session.add(request)
    except IntegrityError:
        await _refuse_second(session, kind=request.kind, subject_key=request.subject_key)
        raise


async def _start(session: AsyncSession, context: RequestContext, *, actor: Actor, now: datetime) -> None:
    await open_and_close.check_reachable(session, context)
    rows = [
        RequestStep(
            request_id=context.request.id,
            position=position,
            name=rule.name,
            approver=str(rule.approver),
            needed=1,
            state=StepState.WAITING,
            rule_key=context.request.rule_key,
        )
        for position, rule in enumerate(context.chain, start=1)
    ]
    session.add_all(rows)
    opened = await open_and_close.open_next(session, context, rows, actor=actor, now=now)
    if opened is None:
        await approve_request(session, context, actor=actor, now=now)
        return
    text = messages.submitted(
        context.told, opened.step, await given_so_far(session, context), opened.asked, is_offer=opened.is_offer
    )
    await ask.tell_requester(session, context.request, text, actor=actor, now=now)
