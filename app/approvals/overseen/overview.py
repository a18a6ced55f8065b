"""What requests give to the overview (F116)."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.approvals.sight import seen_by
from app.overview.service import Ages, Asked, Figure, Level, Measure, Place, counted_together, found_in
from app.permissions import Permission
from models.approvals import Request, RequestState, RequestStep, StepState

_PENDING = Measure(
    "requests.pending",
    Level.WAITING,
    "等待审批的申请",
    "requests that wait for a decision",
    Permission.REQUEST_READ,
    found_in(Place.REQUESTS, state="pending"),
    is_scoped=True,
)
_OVERDUE = Measure(
    "requests.overdue",
    Level.LATE,
    "审批超过时限的申请",
    "requests with a step past its deadline",
    Permission.REQUEST_READ,
    found_in(Place.REQUESTS, state="pending", late="true"),
    is_scoped=True,
)
_NOT_DONE = Measure(
    "requests.failed",
    Level.WRONG,
    "已同意但没有办成的申请",
    "approved requests that could not be carried out",
    Permission.REQUEST_READ,
    found_in(Place.REQUESTS, outcome="failed"),
    is_scoped=True,
)


async def counted(session: AsyncSession, asked: Asked) -> list[Figure]:
    """Requests that wait, those with a step past its deadline, and those that were approved and could not be done."""
    seen = seen_by(asked.sight_of(Permission.REQUEST_READ))
    due = (
        select(func.min(col(RequestStep.due_at)))
        .where(col(RequestStep.request_id) == col(Request.id), col(RequestStep.state) == StepState.OPEN)
        .where(col(RequestStep.due_at) < asked.now)
        .scalar_subquery()
    )
    pending = (
        select(col(Request.submitted_at), due.label("due_at")).where(col(Request.state) == RequestState.PENDING, seen)
    ).subquery()
    since, late = pending.c.submitted_at, pending.c.due_at
    ages = Ages.columns(since, asked.now)
    waiting = select(func.count(), func.min(since), func.count(late), func.min(late), *ages)
    failed = select(func.count(), func.min(col(Request.updated_at))).where(
        text("requests.outcome = 'failed'"),  # a literal, for the partial index
        seen,
    )
    row = await counted_together(session, waiting, failed)
    return [
        _PENDING.figure(row[0], row[1], ages=Ages(*row[4:8])),
        _OVERDUE.figure(row[2], row[3]),
        _NOT_DONE.figure(row[8], row[9]),
    ]
