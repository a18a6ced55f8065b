"""REST: `policy`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.dual_control import TwoPersonAct
from app.policy import presentation, queries, service
from app.policy.schemas import (
    ApplyIn,
    ChangeOut,
    CheckIn,
    CheckOut,
    ClauseDetail,
    PolicyVersionDetail,
    PolicyVersionOut,
)
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import QueryInt
from models.policy import PolicyVersion

router = APIRouter(tags=["policy"], route_class=IdempotentRoute)

READ = [Depends(require("policy:read"))]
WRITE = [Depends(require("policy:write"))]


@router.get("/policy", dependencies=READ, responses=problems(503))
async def read_policy_in_force(session: SessionDep, now: NowDep) -> PolicyVersionDetail:
    """The version in force now."""
    policy = await service.in_force(session, now=now)
    return presentation.detail(await service.version_numbered(session, policy.number))


@router.get("/policy/clauses", dependencies=READ, responses=problems(400, 503))
async def list_clauses(session: SessionDep, now: NowDep, page: PageDep) -> Page[ClauseDetail]:
    """Every clause of the version in force, and how it is carried out: by the service, otherwise, by hand, not yet."""
    return presentation.clauses_of(await service.in_force(session, now=now), page)


@router.get("/policy/versions", dependencies=READ)
async def list_policy_versions(session: SessionDep, page: PageDep) -> Page[PolicyVersionOut]:
    """All versions, the newest first. In force is the newest whose `effective_at` has come."""
    rows, cursor = await paginate(session, queries.all_versions(), col(PolicyVersion.number), page=page)
    return Page(items=presentation.versions(rows), next_cursor=cursor)


@router.get("/policy/versions/{number}", dependencies=READ, responses=problems(404))
async def read_policy_version(session: SessionDep, number: QueryInt) -> PolicyVersionDetail:
    return presentation.detail(await service.version_numbered(session, number))


@router.get("/policy/versions/{number}/clauses", dependencies=READ, responses=problems(400, 404))
async def list_clauses_of_version(session: SessionDep, number: QueryInt, page: PageDep) -> Page[ClauseDetail]:
    """Every clause of one version, and how it is carried out."""
    return presentation.clauses_of(await service.policy_numbered(session, number), page)


@router.get("/policy/versions/{number}/changes", dependencies=READ, responses=problems(400, 404))
async def list_changes_of_version(
    session: SessionDep,
    number: QueryInt,
    page: PageDep,
    since: Annotated[QueryInt | None, Query(description="Another version; the one before when it is empty")] = None,
) -> Page[ChangeOut]:
    """What this version says otherwise than another, for people. The first version has none before it."""
    older = since if since is not None else max(number - 1, 1)
    found = await service.changes_between(session, older, number)
    return presentation.changes(found, older=older, newer=number, page=page)


@router.post("/policy/versions", status_code=201, dependencies=WRITE, responses=problems(400, 403, 409))
async def apply_policy(session: SessionDep, now: NowDep, caller: CallerDep, body: ApplyIn) -> PolicyVersionOut:
    """Make a new version. The text of the newest version again makes none and answers with that one.

    Requests keep the version they were submitted under; what is sent follows the version in force.
    """
    await service.check_alone(session, TwoPersonAct.POLICY_ACTIVATE, now=now)
    row = await service.apply(session, source=body.source, effective_at=body.effective_at, now=now, actor=caller.actor)
    return presentation.version(row)


@router.post("/policy/check", dependencies=READ)
async def check_policy(session: SessionDep, now: NowDep, body: CheckIn) -> CheckOut:
    """Every fault of a document, or what would change if it were applied, and which roles nobody holds."""
    return presentation.check(await service.preview(session, source=body.source, now=now))
