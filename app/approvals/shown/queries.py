"""What the lists of one person need of the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals.kinds import names_applied_for
from app.approvals.queries import is_asked
from app.today.queries import WaitingColumns
from models.approvals import (
    ConcernedPerson,
    Decision,
    Request,
    RequestState,
    RequestStep,
    StepApprover,
    StepState,
    Verdict,
)
from models.audit import ObjectKind


@dataclass(frozen=True)
class AskedNow:
    """The open step of a request, and who may decide it and has not yet."""

    position: int
    name: str
    due_at: datetime | None
    person_ids: Sequence[UUID]


async def asked_now(session: AsyncSession, request_ids: Collection[UUID]) -> dict[UUID, AskedNow]:
    """By request. Those without an open step are not in the answer."""
    decided = exists().where(
        col(Decision.step_id) == col(RequestStep.id), col(Decision.person_id) == col(StepApprover.person_id)
    )
    waiting = and_(col(StepApprover.step_id) == col(RequestStep.id), col(StepApprover.ended_at).is_(None), ~decided)
    statement = (
        select(RequestStep, col(StepApprover.person_id))
        .outerjoin(StepApprover, waiting)
        .where(col(RequestStep.request_id).in_(request_ids), col(RequestStep.state) == StepState.OPEN)
        .order_by(col(StepApprover.id))
    )
    rows = (await session.execute(statement)).all()
    steps = {step.request_id: step for step, _ in rows}
    return {
        request_id: AskedNow(
            step.position,
            step.name,
            step.due_at,
            [person_id for other, person_id in rows if other.id == step.id and person_id is not None],
        )
        for request_id, step in steps.items()
    }


async def last_verdicts_of(
    session: AsyncSession, person_id: UUID, request_ids: Collection[UUID]
) -> dict[UUID, Verdict]:
    """By request: what this person has said of it last."""
    statement = (
        select(col(Decision.request_id), col(Decision.verdict))
        .where(col(Decision.person_id) == person_id, col(Decision.request_id).in_(request_ids))
        .order_by(col(Decision.decided_at), col(Decision.id))
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


# ---------------------------------------------------------------- what waits for somebody


def waiting_for_decision(session: AsyncSession, person_id: UUID, _now: datetime) -> Select[Any]:
    """F168: the open steps that ask this person: to decide, or to answer an offer. Where the service asks by itself,
    nobody asks them.
    """
    offers: ColumnElement[Any] = col(Request.chain)["offers"]
    is_offer = offers.contains(func.to_jsonb(col(RequestStep.position)))
    wanted = WaitingColumns(
        kind=case((is_offer, "request.answer"), else_="request.decide"),
        about=ObjectKind.REQUEST,
        id=col(Request.id),
        title=col(Request.title),
        number=col(Request.number),
        asked_at=col(StepApprover.added_at),
        due_at=col(RequestStep.due_at),
        asked_by=case((col(Request.kind).in_(names_applied_for(session)), col(Request.requester_id))),
    )
    return (
        select(*wanted.columns())
        .select_from(RequestStep)
        .join(StepApprover, col(StepApprover.step_id) == col(RequestStep.id))
        .join(Request, col(Request.id) == col(RequestStep.request_id))
        .where(col(Request.state) == RequestState.PENDING, *is_asked(person_id))
    )


def waiting_for_objection(_session: AsyncSession, person_id: UUID, _now: datetime) -> Select[Any]:
    """Open requests that somebody else has made about this person, and to which they may object (policy 2.5)."""
    wanted = WaitingColumns(
        kind="request.object",
        about=ObjectKind.REQUEST,
        id=col(Request.id),
        title=col(Request.title),
        number=col(Request.number),
        asked_at=col(ConcernedPerson.told_at),
        asked_by=col(Request.requester_id),
    )
    return (
        select(*wanted.columns())
        .select_from(ConcernedPerson)
        .join(Request, col(Request.id) == col(ConcernedPerson.request_id))
        .where(col(ConcernedPerson.person_id) == person_id, col(ConcernedPerson.objected_at).is_(None))
        .where(col(Request.state) == RequestState.PENDING)
    )
