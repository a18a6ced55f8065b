"""REST of sync runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.dual_control import TwoPersonAct
from app.policy import service as policies
from app.sync import presentation, queries, service
from app.sync.queries import ChangeFilter
from app.sync.schemas import ChangeKind, StartSync, SyncChangeOut, SyncRunOut, SyncRunSummary
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import QueryBool
from models.ids import SyncRunId
from models.org import OrgChange, SyncKind, SyncRun, SyncState

READ = [Depends(require("org:read"))]
WRITE = [Depends(require("org:write"))]

router = APIRouter(prefix="/sync-runs", tags=["organisation"], route_class=IdempotentRoute)


@router.get("", dependencies=READ)
async def list_sync_runs(
    session: SessionDep,
    page: PageDep,
    kind: Annotated[SyncKind, Query(description="`hint`: single objects, because a callback named them.")] = (
        SyncKind.FULL
    ),
    state: SyncState | None = None,
    unread: Annotated[
        QueryBool, Query(description="Full runs that failed since the last that read everything")
    ] = False,
) -> Page[SyncRunSummary]:
    statement = queries.sync_runs(kind=kind, state=state, unread=unread)
    rows, cursor = await paginate(session, statement, col(SyncRun.started_at), col(SyncRun.id), page=page)
    return Page(items=presentation.summaries(rows), next_cursor=cursor)


@router.post("", status_code=202, dependencies=WRITE, responses=problems(409))
async def start_sync_run(session: SessionDep, now: NowDep, body: StartSync | None = None) -> SyncRunOut:
    """Queue a full run, or answer with the one that waits already. Without a body it is no dry run.

    Follow it at `GET /sync-runs/{id}`. 409 while one is at work.
    """
    return presentation.run(
        await service.request(session, reason="api", dry_run=body is not None and body.dry_run, now=now)
    )


@router.get("/{run_id}", dependencies=READ, responses=problems(404))
async def get_sync_run(session: SessionDep, run_id: UUID) -> SyncRunOut:
    return presentation.run(await service.read_run(session, run_id=SyncRunId(run_id)))


@router.get("/{run_id}/changes", dependencies=READ, responses=problems(400, 404))
async def list_sync_changes(
    session: SessionDep,
    page: PageDep,
    run_id: UUID,
    object_kind: ChangeKind | None = None,
    change: Annotated[str | None, Query(max_length=40, description="`created`, `updated`, `left` …")] = None,
) -> Page[SyncChangeOut]:
    """What the run has changed, with names, in the order in which it was applied. A dry run has changed nothing."""
    await service.read_run(session, run_id=SyncRunId(run_id))
    statement = queries.changes_in(run_id, ChangeFilter(object_kind, change))
    rows, cursor = await paginate(session, statement, col(OrgChange.id), page=page, descending=False)
    return Page(items=await presentation.changes(session, rows), next_cursor=cursor)


@router.post("/{run_id}/release", dependencies=WRITE, responses=problems(404, 409))
async def release_sync_run(session: SessionDep, caller: CallerDep, now: NowDep, run_id: UUID) -> SyncRunOut:
    """Let the held losses take effect. Whoever was only missing is gone at once: see `report.held.on_release`."""
    await policies.check_alone(session, TwoPersonAct.SYNC_RELEASE, now=now)
    run = await service.release(session, run_id=SyncRunId(run_id), actor=caller.actor, now=now)
    return presentation.run(run)


@router.post("/{run_id}/reject", dependencies=WRITE, responses=problems(404, 409))
async def reject_sync_run(session: SessionDep, caller: CallerDep, now: NowDep, run_id: UUID) -> SyncRunOut:
    """Drop the held losses: nothing of them takes effect."""
    run = await service.reject(session, run_id=SyncRunId(run_id), actor=caller.actor, now=now)
    return presentation.run(run)
