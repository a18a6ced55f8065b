"""Every SELECT of the approval engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals.errors import RequestNotFound
from app.approvals.sight import seen_by
from app.org import queries as org
from app.org import service as people
from app.permissions import Sight
from models.approvals import (
    ConcernedPerson,
    Decision,
    OutcomeState,
    Request,
    RequestState,
    RequestStep,
    StepApprover,
    StepState,
    Verdict,
)
from models.ids import PersonId, RequestId, StepId


async def next_number(session: AsyncSession) -> int:
    return int((await session.execute(text("SELECT nextval('request_numbers')"))).scalar_one())


async def get(session: AsyncSession, request_id: RequestId) -> Request:
    return _found((await session.scalars(_fresh(request_id))).one_or_none())


async def get_for_update(session: AsyncSession, request_id: RequestId) -> Request:
    """The request, locked: a second caller waits here, and then sees what the first one did."""
    return _found((await session.scalars(_fresh(request_id).with_for_update(key_share=True))).one_or_none())


async def get_for_update_unless_locked(session: AsyncSession, request_id: RequestId) -> Request | None:
    """None while another transaction holds it: for callers who hold a row that the other may wait for."""
    return (await session.scalars(_fresh(request_id).with_for_update(key_share=True, skip_locked=True))).one_or_none()


async def numbered(session: AsyncSession, number: int, seen: ColumnElement[bool]) -> list[Request]:
    """The request that people call by this number, where it is among those that are seen."""
    return list(await session.scalars(select(Request).where(col(Request.number) == number, seen)))


def _fresh(request_id: RequestId) -> Select[Request]:
    """As the database has it now, not as the session read it before it waited for the lock."""
    return select(Request).where(col(Request.id) == request_id).execution_options(populate_existing=True)


def _found(request: Request | None) -> Request:
    if request is None:
        raise RequestNotFound("没有这份申请", "There is no such request")
    return request


async def request_id_of_step(session: AsyncSession, step_id: StepId) -> RequestId:
    request_id = (
        await session.scalars(select(col(RequestStep.request_id)).where(col(RequestStep.id) == step_id))
    ).one_or_none()
    if request_id is None:
        raise RequestNotFound("没有这份申请", "There is no such request")
    return RequestId(request_id)


async def pending_about(session: AsyncSession, *, kind: str, subject_key: str) -> Request | None:
    statement = select(Request).where(
        col(Request.kind) == kind, col(Request.subject_key) == subject_key, col(Request.state) == RequestState.PENDING
    )
    return (await session.scalars(statement)).one_or_none()


async def pending_about_any(
    session: AsyncSession, *, kinds: Collection[str], subject_keys: Collection[str]
) -> dict[str, Request]:
    """By the key of what they are about."""
    statement = select(Request).where(
        col(Request.kind).in_(kinds),
        col(Request.subject_key).in_(subject_keys),
        col(Request.state) == RequestState.PENDING,
    )
    return {row.subject_key: row for row in await session.scalars(statement)}


async def steps_of(session: AsyncSession, request_id: UUID) -> list[RequestStep]:
    statement = select(RequestStep).where(col(RequestStep.request_id) == request_id).order_by(col(RequestStep.position))
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def approvers_of(session: AsyncSession, step_id: UUID) -> list[StepApprover]:
    statement = (
        select(StepApprover)
        .where(col(StepApprover.step_id) == step_id, col(StepApprover.ended_at).is_(None))
        .order_by(col(StepApprover.id))
    )
    return list(await session.scalars(statement))


async def all_approvers_of(session: AsyncSession, step_ids: Collection[UUID]) -> list[StepApprover]:
    """Also those whose place has ended."""
    statement = select(StepApprover).where(col(StepApprover.step_id).in_(step_ids)).order_by(col(StepApprover.id))
    return list(await session.scalars(statement))


async def asked_on(session: AsyncSession, step_ids: Collection[UUID]) -> list[PersonId]:
    """Everybody who was asked to decide one of these steps, in the order in which they were asked."""
    statement = select(col(StepApprover.person_id)).where(col(StepApprover.step_id).in_(step_ids))
    return [PersonId(row) for row in await session.scalars(statement.order_by(col(StepApprover.id)))]


async def declined_since(session: AsyncSession, *, kind: str, subject_key: str, since: datetime) -> list[PersonId]:
    """Who has declined since that moment what requests of this kind about this have asked them, or did not answer in
    time; in the order in which they were asked. Nobody whose account was gone while they were asked.
    """
    said_no = exists().where(
        col(Decision.step_id) == col(StepApprover.step_id),
        col(Decision.person_id) == col(StepApprover.person_id),
        col(Decision.verdict) == Verdict.REJECT,
    )
    was_silent = and_(col(RequestStep.state) == StepState.SKIPPED, col(StepApprover.ended_at).is_(None))
    statement = (
        select(col(StepApprover.person_id))
        .join(RequestStep, col(RequestStep.id) == col(StepApprover.step_id))
        .join(Request, col(Request.id) == col(RequestStep.request_id))
        .where(col(Request.kind) == kind, col(Request.subject_key) == subject_key)
        .where(col(RequestStep.decided_at) >= since, or_(said_no, was_silent))
        .order_by(col(StepApprover.id))
    )
    return [PersonId(row) for row in dict.fromkeys(await session.scalars(statement))]


@dataclass(frozen=True)
class Question:
    """Somebody is asked now whether they take something on."""

    request_id: UUID
    person_id: UUID


async def open_questions(session: AsyncSession, *, kind: str, group_ids: Collection[UUID]) -> dict[UUID, Question]:
    """By group: who is asked by a pending request of this kind."""
    statement = (
        select(col(Request.group_id), col(Request.id), col(StepApprover.person_id))
        .join(RequestStep, col(RequestStep.request_id) == col(Request.id))
        .join(StepApprover, col(StepApprover.step_id) == col(RequestStep.id))
        .where(col(Request.kind) == kind, col(Request.group_id).in_(group_ids))
        .where(col(Request.state) == RequestState.PENDING, col(RequestStep.state) == StepState.OPEN)
        .where(col(StepApprover.ended_at).is_(None))
    )
    rows = (await session.execute(statement)).all()
    return {group_id: Question(request_id, person_id) for group_id, request_id, person_id in rows if group_id}


async def not_carried_out(session: AsyncSession, *, kind: str, group_id: UUID) -> list[Request]:
    """Approved requests of this kind about a group of which the platform has not confirmed yet that they are done."""
    statement = select(Request).where(
        col(Request.kind) == kind,
        col(Request.group_id) == group_id,
        col(Request.outcome).in_((OutcomeState.PENDING, OutcomeState.FAILED)),
    )
    return list(await session.scalars(statement.order_by(col(Request.id))))


async def former_approvers_of(session: AsyncSession, step_id: UUID) -> list[StepApprover]:
    statement = select(StepApprover).where(
        col(StepApprover.step_id) == step_id, col(StepApprover.ended_at).is_not(None)
    )
    return list(await session.scalars(statement))


async def open_requests_involving(session: AsyncSession, person_id: PersonId) -> list[RequestId]:
    """Pending requests that wait for this person's decision, or are theirs."""
    statement = select(col(Request.id)).where(
        col(Request.state) == RequestState.PENDING,
        or_(col(Request.requester_id) == person_id, col(Request.id).in_(_awaiting(person_id))),
    )
    return [RequestId(row) for row in await session.scalars(statement.order_by(col(Request.id)))]


async def taken_back_for(session: AsyncSession, requester_id: UUID, detail: str, *, since: datetime) -> list[RequestId]:
    """Requests of this person that were withdrawn with this reason since then, the oldest first."""
    statement = select(col(Request.id)).where(
        col(Request.requester_id) == requester_id,
        col(Request.state) == RequestState.WITHDRAWN,
        col(Request.outcome_detail) == detail,
        col(Request.decided_at) > since,
    )
    return [RequestId(row) for row in await session.scalars(statement.order_by(col(Request.number)))]


async def pending_in_group(session: AsyncSession, group_id: UUID) -> list[RequestId]:
    """Requests about a group that wait for a decision."""
    statement = select(col(Request.id)).where(
        col(Request.state) == RequestState.PENDING, col(Request.group_id) == group_id
    )
    return [RequestId(row) for row in await session.scalars(statement.order_by(col(Request.id)))]


async def failed_since(session: AsyncSession, *, kinds: Collection[str], since: datetime) -> list[RequestId]:
    """Approved requests of these kinds that could not be carried out, the oldest first."""
    statement = select(col(Request.id)).where(
        col(Request.outcome) == OutcomeState.FAILED, col(Request.kind).in_(kinds), col(Request.updated_at) >= since
    )
    return [RequestId(row) for row in await session.scalars(statement.order_by(col(Request.id)))]


async def concerned_by(session: AsyncSession, request_id: UUID) -> list[ConcernedPerson]:
    """Whom a request of somebody else is about, with what they have said against it."""
    statement = select(ConcernedPerson).where(col(ConcernedPerson.request_id) == request_id)
    return list(await session.scalars(statement.order_by(col(ConcernedPerson.id))))


async def decided_about(session: AsyncSession, *, group_id: UUID, names: str, until: datetime) -> list[Request]:
    """Requests about a group, made until then and decided, whose subject's key names this."""
    statement = select(Request).where(
        col(Request.group_id) == group_id,
        col(Request.subject_key).contains(names, autoescape=True),
        col(Request.state) != RequestState.PENDING,
        col(Request.submitted_at) <= until,
    )
    return list(await session.scalars(statement.order_by(col(Request.id))))


async def decided_in_group(session: AsyncSession, group_id: UUID) -> list[Request]:
    statement = select(Request).where(col(Request.group_id) == group_id, col(Request.state) != RequestState.PENDING)
    return list(await session.scalars(statement.order_by(col(Request.id))))


async def decisions_on(session: AsyncSession, step_id: UUID) -> list[Decision]:
    statement = select(Decision).where(col(Decision.step_id) == step_id).order_by(col(Decision.id))
    return list(await session.scalars(statement))


async def decision_of(session: AsyncSession, step_id: UUID, person_id: UUID) -> Decision | None:
    statement = select(Decision).where(col(Decision.step_id) == step_id, col(Decision.person_id) == person_id)
    return (await session.scalars(statement)).one_or_none()


async def decisions_about(session: AsyncSession, request_id: UUID) -> list[Decision]:
    statement = select(Decision).where(col(Decision.request_id) == request_id)
    return list(await session.scalars(statement.order_by(col(Decision.decided_at), col(Decision.id))))


@dataclass(frozen=True)
class RequestFilter:
    state: RequestState | None = None
    kind: str | None = None
    kinds: Collection[str] | None = None
    """Any of these."""
    requester_id: PersonId | None = None
    approver_id: PersonId | None = None
    """Whose decision it waits for."""
    concerned_id: PersonId | None = None
    """Whom it is about, where somebody else has applied."""
    decided_by_id: PersonId | None = None
    """Who has decided a step of it."""
    updated_since: datetime | None = None
    outcome: OutcomeState | None = None
    involved_id: PersonId | None = None
    """Who has applied, whom it is about, or who is or was asked or has decided."""
    department_ids: Collection[int] | None = None
    """Somebody of exactly these departments has applied."""
    group_id: UUID | None = None
    late_at: datetime | None = None
    """Its open step was past its deadline at this moment."""
    sight: Sight | None = None
    """As far as the reader sees (D21); everything without one."""


def matching(wanted: RequestFilter) -> Select[Request]:
    by_value: tuple[tuple[Any, Callable[[Any], ColumnElement[bool]]], ...] = (
        (wanted.state, col(Request.state).__eq__),
        (wanted.kind, col(Request.kind).__eq__),
        (wanted.kinds, col(Request.kind).in_),
        (wanted.outcome, col(Request.outcome).__eq__),
        (wanted.requester_id, col(Request.requester_id).__eq__),
        (wanted.group_id, col(Request.group_id).__eq__),
        (wanted.updated_since, col(Request.updated_at).__ge__),
        (wanted.department_ids, lambda ids: people.is_in(col(Request.requester_id), ids)),
        (wanted.approver_id, lambda one: col(Request.id).in_(_awaiting(one))),
        (wanted.concerned_id, lambda one: col(Request.id).in_(_about(one))),
        (wanted.decided_by_id, lambda one: col(Request.id).in_(_decided_by(one))),
        (wanted.involved_id, involving),
        (wanted.late_at, _is_late),
        (wanted.sight, seen_by),
    )
    return select(Request).where(*(condition(value) for value, condition in by_value if value is not None))


def _is_late(now: datetime) -> ColumnElement[bool]:
    late = exists().where(
        col(RequestStep.request_id) == col(Request.id),
        col(RequestStep.state) == StepState.OPEN,
        col(RequestStep.due_at) < now,
    )
    return and_(col(Request.state) == RequestState.PENDING, late)


def involving(person_id: UUID) -> ColumnElement[bool]:
    """Of a request: it is this person's, or about them, or they are or were asked to decide it, or they have."""
    asked = (
        select(col(RequestStep.request_id))
        .join(StepApprover, col(StepApprover.step_id) == col(RequestStep.id))
        .where(col(StepApprover.person_id) == person_id)
    )
    return or_(
        col(Request.requester_id) == person_id,
        *(col(Request.id).in_(ids) for ids in (asked, _about(person_id), _decided_by(person_id))),
    )


def _about(person_id: UUID) -> Select[UUID]:
    return select(col(ConcernedPerson.request_id)).where(col(ConcernedPerson.person_id) == person_id)


def _decided_by(person_id: UUID) -> Select[UUID]:
    return select(col(Decision.request_id)).where(col(Decision.person_id) == person_id)


def _awaiting(person_id: UUID) -> Select[UUID]:
    """Requests with an open step that this person may decide and has not decided."""
    return (
        select(col(RequestStep.request_id))
        .join(StepApprover, col(StepApprover.step_id) == col(RequestStep.id))
        .where(*is_asked(person_id))
    )


def is_asked(person_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """Of a step beside the place of one who may decide it: it is open, and this person has not decided it."""
    decided = exists().where(col(Decision.step_id) == col(RequestStep.id), col(Decision.person_id) == person_id)
    return (
        col(RequestStep.state) == StepState.OPEN,
        col(StepApprover.person_id) == person_id,
        col(StepApprover.ended_at).is_(None),
        ~decided,
    )


@dataclass(frozen=True)
class RequestHistory:
    """A request with everything that happened to it."""

    request: Request
    steps: Sequence[RequestStep]
    approvers: Sequence[StepApprover]
    decisions: Sequence[Decision]
    objections: Sequence[ConcernedPerson]
    userids: dict[UUID, str]


async def history(session: AsyncSession, request: Request) -> RequestHistory:
    steps = await steps_of(session, request.id)
    step_ids = [step.id for step in steps]
    approvers = await all_approvers_of(session, step_ids)
    decisions = await decisions_about(session, request.id)
    objections = [row for row in await concerned_by(session, request.id) if row.objected_at]
    named = {request.requester_id, *(row.person_id for row in approvers), *(row.person_id for row in decisions)}
    named |= {row.person_id for row in objections}
    userids = await org.last_userids_of(session, named)
    return RequestHistory(request, steps, approvers, decisions, objections, userids)
