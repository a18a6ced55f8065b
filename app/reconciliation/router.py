"""REST: a comparison of groups with the platform, asked for now."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends

from app.groups import queries
from app.reconciliation import service
from app.reconciliation.schemas import Reconciliation, ReconciliationQueued
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.problems import problems
from models.ids import GroupId

router = APIRouter(prefix="/groups", tags=["groups"], route_class=IdempotentRoute)

WRITE = [Depends(require("groups:write"))]


@router.post("/reconcile", status_code=202, dependencies=WRITE)
async def reconcile_all(session: SessionDep, caller: CallerDep, now: NowDep) -> ReconciliationQueued:
    """Compare every group with the platform now, instead of at the policy's next interval."""
    return ReconciliationQueued(queued=await service.request_reconciliation(session, actor=caller.actor, now=now))


@router.post("/{group_id}/reconcile", status_code=202, dependencies=WRITE, responses=problems(404))
async def reconcile_one(
    group_id: UUID, session: SessionDep, caller: CallerDep, now: NowDep, body: Reconciliation | None = None
) -> ReconciliationQueued:
    """Compare this group with the platform now. `accept_losses` releases a reading that was held back."""
    await queries.group(session, GroupId(group_id))
    accept = body is not None and body.accept_losses
    queued = await service.request_reconciliation(
        session, GroupId(group_id), accept_losses=accept, actor=caller.actor, now=now
    )
    return ReconciliationQueued(queued=queued)
