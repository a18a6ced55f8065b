"""`/api/v1/access/grants`: who was given which permissions; giving and taking back in somebody's name."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.access import service
from app.access.authority import presentation, queries
from app.access.authority.schemas import GrantingIn, GrantOut, RevokingIn
from app.org import service as org
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from models.access import AccessGrant

router = APIRouter(prefix="/access/grants", tags=["access"], route_class=IdempotentRoute)

READ = [Depends(require("admin:read"))]
WRITE = [Depends(require("admin:write"))]


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_grants(
    session: SessionDep,
    page: PageDep,
    now: NowDep,
    userid: Annotated[str | None, Query(description="userid of whom they are for, also of who has left")] = None,
) -> Page[GrantOut]:
    """What people were given and hold now, the latest first; not what they hold by what they are or by a role."""
    statement = queries.living(person_id=await org.id_named_or_former(session, userid), now=now)
    rows, next_cursor = await paginate(session, statement, col(AccessGrant.id), page=page)
    return Page(items=await presentation.grants(session, rows), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 403, 404, 409))
async def give_grant(body: GrantingIn, session: SessionDep, caller: CallerDep, now: NowDep) -> GrantOut:
    """Give somebody a bundle of permissions in a person's name: nothing that goes further than their own. In the whole
    company two people give it, where the policy wants them: ask with `POST /confirmations`.
    """
    giver = await service.person_acting(session, caller, userid=body.granted_by)
    row = await service.grant_in_name(session, await body.wanted(session), giver=giver, now=now)
    return await presentation.grant(session, row)


@router.post("/{grant_id}/revoke", dependencies=WRITE, responses=problems(403, 404, 409))
async def revoke_grant(
    grant_id: UUID, body: RevokingIn, session: SessionDep, caller: CallerDep, now: NowDep
) -> GrantOut:
    """Take a grant back at once in a person's name, who has to hold what it gives. The last grant that lets somebody
    give access in the whole company stays (409).
    """
    revoker = await service.person_acting(session, caller, userid=body.revoked_by)
    return await presentation.grant(session, await service.revoke_in_name(session, grant_id, revoker=revoker, now=now))
