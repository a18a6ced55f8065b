"""An application becomes a request: read, resolved, checked, with its policy version, steps and text.

Nothing is written before `insert`: a preview asks for the same, and throws it away (F146).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries
from app.approvals.applying import for_others
from app.approvals.applying.required import check_complete
from app.approvals.context import RequestContext, link_to
from app.approvals.errors import DuplicateRequest, UnreadablePayload
from app.approvals.kinds import Chain, RequestKind, ShownFields, Submission, kind_applied_for
from app.audit.actor import Actor
from app.observability import current_correlation_id
from app.policy import service as policies
from app.quotes import quoted
from app.web.problems import faults_of, told, told_in_english
from models.approvals import Request
from models.org import Person

UNNUMBERED: Final = 0
"""Until it is inserted: a refused application leaves no gap among the numbers."""


@dataclass(frozen=True)
class Application:
    """What somebody applies for, as it comes in."""

    kind: str
    requester: Person
    payload: dict[str, Any]
    submitted_by: Actor
    """A person, or the API key that passed it on."""
    reason: str = ""


async def draft(session: AsyncSession, application: Application, *, now: datetime) -> RequestContext:
    """The request as it would be submitted. Raises every refusal but the one of a step that nobody could decide."""
    submission = Submission(application.requester, await policies.in_force(session, now=now), now)
    kind = kind_applied_for(session, application.kind)
    payload = _read(kind, application.payload)
    subject = await kind.resolve(session, payload, submission)
    await for_others.check_may_apply(session, kind, subject, submission)
    submission = replace(submission, details=await kind.details(session, payload, subject))
    check_complete(kind, application.reason, submission, kind.requires(submission.policy, subject))
    await kind.check(session, subject, submission)
    request = await drafted(session, application, kind, payload, subject, submission)
    return RequestContext(
        kind, request, subject, submission.requester, submission.policy, link=link_to(session, request)
    )


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


async def drafted(
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
        number=UNNUMBERED,
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


async def insert(session: AsyncSession, request: Request) -> None:
    """Give it its number, and add it. Of two submissions at the same moment the unique index refuses one, which then
    names the other.
    """
    request.number = await queries.next_number(session)
    try:
        async with session.begin_nested():
            session.add(request)
    except IntegrityError:
        await _refuse_second(session, kind=request.kind, subject_key=request.subject_key)
        raise
