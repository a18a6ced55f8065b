"""REST of the organisation: departments, members, sync runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.org import queries, service
from app.org.errors import DepartmentUnknown, SyncRunUnknown
from app.org.listing import as_members, find_member
from app.org.schemas import (
    ChangeOut,
    DepartmentOut,
    DepartmentTree,
    Member,
    ReviewDecision,
    StartSync,
    SyncRunOut,
    SyncRunSummary,
)
from app.org.schemas import DepartmentNode as Node
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from models.ids import SyncRunId
from models.org import Department, OrgChange, Person, PersonStatus, SyncKind, SyncRun, SyncState

READ = [Depends(require("org:read"))]
WRITE = [Depends(require("org:write"))]

router = APIRouter()
departments = APIRouter(prefix="/departments", tags=["organisation"], dependencies=READ)
members = APIRouter(prefix="/members", tags=["organisation"], route_class=IdempotentRoute)
sync_runs = APIRouter(prefix="/sync-runs", tags=["organisation"], route_class=IdempotentRoute)

Since = Annotated[datetime | None, Query(description="Only rows changed at or after this moment.")]


# ---------------------------------------------------------------- departments


@departments.get("")
async def list_departments(
    session: SessionDep, page: PageDep, parent_id: int | None = None, updated_since: Since = None
) -> Page[DepartmentOut]:
    statement = queries.departments(parent_id=parent_id, updated_since=updated_since)
    rows, cursor = await paginate(session, statement, col(Department.id), page=page, descending=False)
    return Page(items=[DepartmentOut.of(row) for row in rows], next_cursor=cursor)


@departments.get("/tree")
async def department_tree(session: SessionDep) -> DepartmentTree:
    """All departments, nested, in the platform's order."""
    return DepartmentTree(items=Node.forest(await queries.all_departments(session)))


@departments.get("/{department_id}", responses=problems(404))
async def get_department(session: SessionDep, department_id: int) -> DepartmentOut:
    department = await queries.department(session, department_id)
    if department is None:
        raise DepartmentUnknown(f"没有部门 {department_id}")
    return DepartmentOut.of(department)


# ---------------------------------------------------------------- members


@members.get("", dependencies=READ)
async def list_members(
    session: SessionDep,
    page: PageDep,
    department: Annotated[int | None, Query(description="Direct members of this department.")] = None,
    status: PersonStatus | None = None,
    q: Annotated[str | None, Query(description="Part of a name or userid.")] = None,
    updated_since: Since = None,
) -> Page[Member]:
    statement = queries.members(department_id=department, status=status, name=q, updated_since=updated_since)
    rows, cursor = await paginate(session, statement, col(Person.updated_at), col(Person.id), page=page)
    return Page(items=await as_members(session, rows), next_cursor=cursor)


@members.get("/{userid}", dependencies=READ, responses=problems(404))
async def get_member(session: SessionDep, userid: str) -> Member:
    """Whom this userid names now; else whom it named last."""
    return (await as_members(session, [await find_member(session, userid)]))[0]


@members.get("/{userid}/changes", dependencies=READ, responses=problems(404))
async def list_changes(session: SessionDep, page: PageDep, userid: str) -> Page[ChangeOut]:
    """Every change of the person and of their departments, newest first."""
    person = await find_member(session, userid)
    rows, cursor = await paginate(session, queries.changes_of(person.id), col(OrgChange.id), page=page)
    return Page(items=[ChangeOut.of(row) for row in rows], next_cursor=cursor)


@members.post("/{userid}/review", dependencies=WRITE, responses=problems(404, 409))
async def review_userid(
    session: SessionDep, caller: CallerDep, now: NowDep, userid: str, body: ReviewDecision
) -> Member:
    """A userid came back after its person had left: say whether it is the same human being."""
    if body.decision == "linked":
        await service.link_former(session, userid=userid, actor=caller.actor, now=now)
    else:
        await service.separate_userid(session, userid=userid, actor=caller.actor, now=now)
    return (await as_members(session, [await find_member(session, userid)]))[0]


# ---------------------------------------------------------------- sync runs


@sync_runs.get("", dependencies=READ)
async def list_sync_runs(
    session: SessionDep,
    page: PageDep,
    kind: Annotated[SyncKind, Query(description="`hint`: single objects, because a callback named them.")] = (
        SyncKind.FULL
    ),
    state: SyncState | None = None,
) -> Page[SyncRunSummary]:
    statement = queries.sync_runs(kind=kind, state=state)
    rows, cursor = await paginate(session, statement, col(SyncRun.started_at), col(SyncRun.id), page=page)
    return Page(items=[SyncRunSummary.of(row) for row in rows], next_cursor=cursor)


@sync_runs.post("", status_code=202, dependencies=WRITE, responses=problems(409))
async def start_sync_run(session: SessionDep, now: NowDep, body: StartSync) -> SyncRunOut:
    """Queue a full run. Follow it at `GET /sync-runs/{id}`."""
    return SyncRunOut.of(await service.request(session, reason="api", dry_run=body.dry_run, now=now))


@sync_runs.get("/{run_id}", dependencies=READ, responses=problems(404))
async def get_sync_run(session: SessionDep, run_id: UUID) -> SyncRunOut:
    run = await queries.sync_run(session, run_id)
    if run is None:
        raise SyncRunUnknown(f"没有同步 {run_id}")
    return SyncRunOut.of(run)


@sync_runs.post("/{run_id}/release", dependencies=WRITE, responses=problems(404, 409))
async def release_sync_run(session: SessionDep, caller: CallerDep, now: NowDep, run_id: UUID) -> SyncRunOut:
    """Let the held losses take effect."""
    run = await service.release(session, run_id=SyncRunId(run_id), actor=caller.actor, now=now)
    return SyncRunOut.of(run)


@sync_runs.post("/{run_id}/reject", dependencies=WRITE, responses=problems(404, 409))
async def reject_sync_run(session: SessionDep, caller: CallerDep, now: NowDep, run_id: UUID) -> SyncRunOut:
    """Drop the held losses: nothing of them takes effect."""
    run = await service.reject(session, run_id=SyncRunId(run_id), actor=caller.actor, now=now)
    return SyncRunOut.of(run)


for part in (departments, members, sync_runs):
    router.include_router(part)
