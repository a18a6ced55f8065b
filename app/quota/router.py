"""`/api/v1/quota`: the platform's limits, how far they are used, and what operators may change in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.quota import presentation, service
from app.quota.schemas import LimitChange, LimitOut, PathIn, QuotaOut
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.problems import problems

router = APIRouter(prefix="/quota", tags=["quota"], route_class=IdempotentRoute)

may_read = [Depends(require("quota:read"))]
may_write = [Depends(require("quota:write"))]


@router.get("", dependencies=may_read, responses=problems(401, 403))
async def read_quota(session: SessionDep, now: NowDep) -> QuotaOut:
    """Every limit that is kept: what is used of it now, what waits, and when that will be over."""
    return presentation.quota(await service.report(session, now=now))


@router.patch("/{key}", dependencies=may_write, responses=problems(401, 403, 404))
async def change_limit(
    session: SessionDep,
    caller: CallerDep,
    now: NowDep,
    key: Annotated[str, Path(max_length=100)],
    body: LimitChange,
) -> LimitOut:
    """Change a limit for all processes at once: our number, our share, or a time in which it is not kept."""
    changes = body.model_dump(exclude_unset=True)
    await service.change_limit(session, key=key, changes=changes, actor=caller.actor, now=now)
    return presentation.limit(await service.read_limit(session, key=key, now=now))


@router.post("/unblock", dependencies=may_write, responses=problems(401, 403, 404))
async def unblock_path(session: SessionDep, caller: CallerDep, now: NowDep, body: PathIn) -> QuotaOut:
    """A block was lifted on the platform (频率自助解封): call the path again."""
    await service.unblock_path(session, path=body.path, actor=caller.actor, now=now)
    return presentation.quota(await service.report(session, now=now))
