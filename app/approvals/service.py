"""The use cases of requests: submit, decide, withdraw, finish, retry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import messages, queries, rules
from app.approvals.applying.concerned import tell_concerned
from app.approvals.applying.draft import Application, draft, drafted, insert
from app.approvals.applying.objections import Objection, object_to
from app.approvals.applying.personal import forget_later, forget_unless_kept
from app.approvals.context import RequestContext, given_so_far, link_to, load_context, publish_about_request
from app.approvals.decide import Ballot, approve_request, decide, take_back
from app.approvals.errors import NothingToRetry
from app.approvals.kinds import (
    PERSONAL,
    Details,
    Headed,
    Offer,
    RequestKind,
    RequestText,
    ShownFields,
    Submission,
    kind_named,
)
from app.approvals.sheet import request_lines, request_sheet
from app.approvals.shown.acts import Act, ActName
from app.approvals.shown.followed import FollowedRequest, follow
from app.approvals.shown.lists import (
    REQUESTS_SORTED,
    OpenStep,
    RequestLine,
    RequestPage,
    lines_of,
    requests_about,
    requests_decided_by,
    requests_mine,
    requests_seen,
    requests_waiting_for,
)
from app.approvals.shown.preview import Preview, StepAhead, preview
from app.approvals.shown.timeline import EntryKind, TimelineEntry
from app.approvals.steps import ask, open_and_close
from app.audit.actor import SYSTEM, Actor, person_actor
from app.events.service import catalogue
from app.observability import get_logger
from app.policy import service as policies
from models.approvals import OutcomeState, Request, RequestState, RequestStep, StepState
from models.ids import RequestId
from models.org import Person

__all__ = [
    "PERSONAL",
    "REQUESTS_SORTED",
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
    "Preview",
    "RequestKind",
    "RequestLine",
    "RequestPage",
    "RequestText",
    "ShownFields",
    "StepAhead",
    "Submission",
    "TimelineEntry",
    "ask_in_turn",
    "call_off",
    "decide",
    "finish_outcome",
    "follow",
    "lines_of",
    "object_to",
    "preview",
    "request_lines",
    "request_sheet",
    "requests_about",
    "requests_decided_by",
    "requests_mine",
    "requests_seen",
    "requests_waiting_for",
    "retry_outcome",
    "submit",
    "withdraw",
]

log = get_logger()

OUTCOME_EVENTS = {OutcomeState.DONE: catalogue.RequestDone, OutcomeState.FAILED: catalogue.RequestFailed}


async def submit(session: AsyncSession, application: Application, *, now: datetime) -> Request:
    """Apply. This fixes the policy version, the steps and the text; the first step's approvers get their cards.

    It refuses an unknown kind, an unreadable payload, an applicant who may not apply for somebody else, an application
    that does not say what the policy asks for, what the kind itself refuses, a second open request about the same
    thing, and a chain with a step that nobody could decide.
    """
    context = await draft(session, application, now=now)
    request = context.request
    await insert(session, request)
    actor = application.submitted_by
    await publish_about_request(session, request, catalogue.RequestSubmitted, actor=actor, now=now)
    await tell_concerned(session, context, actor=actor, now=now)
    await _start(session, context, actor=actor, now=now)
    log.info("request.submitted", request_id=str(request.id), kind=request.kind)
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
    request = await drafted(session, application, kind, kind.payload(), asking.subject, submission)
    await insert(session, request)
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
