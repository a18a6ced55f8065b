"""`/api/v1/api-keys`: the keys of other services."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from sqlmodel import col

from app.access import presentation, service
from app.access.keys import queries as key_queries
from app.access.keys.jobs import KEPT
from app.access.schemas import ActsForIn, ApiKeyIn, ApiKeyList, ApiKeyOut, KeyRequestOut, NewApiKey, UsageList
from app.dual_control import TwoPersonAct
from app.policy import service as policies
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import IN_DIGITS, QueryBool
from models.api_requests import ApiRequest

router = APIRouter(
    prefix="/api-keys", tags=["api-keys"], route_class=IdempotentRoute, dependencies=[Depends(require("admin:write"))]
)


@router.get("")
async def list_api_keys(session: SessionDep) -> ApiKeyList:
    """Every key, also ended ones; never the key itself."""
    return presentation.keys(await service.list_keys(session))


@router.post("", status_code=201, responses=problems(400))
async def create_api_key(
    body: ApiKeyIn, session: SessionDep, caller: CallerDep, now: NowDep, response: Response
) -> NewApiKey:
    """A new key. Copy `key` from the answer: it cannot be read again."""
    response.headers["Cache-Control"] = "no-store"
    await policies.check_alone(session, TwoPersonAct.KEY_CREATE, now=now)
    row, key = await service.create_key(
        session,
        name=body.name,
        scopes=body.scopes,
        acts_for=body.acts_for(),
        actor=caller.actor,
        now=now,
        expires_at=body.expires_at,
    )
    return presentation.new_key(row, key)


@router.patch("/{key_id}", responses=problems(400, 404))
async def change_api_key(
    key_id: UUID, body: ActsForIn, session: SessionDep, caller: CallerDep, now: NowDep
) -> ApiKeyOut:
    """Say anew in whose name it may act, from its next request on. Its scopes stay."""
    await policies.check_alone(session, TwoPersonAct.KEY_CHANGE, now=now)
    row = await service.let_act_for(session, key_id=key_id, acts_for=body.acts_for(), actor=caller.actor, now=now)
    return presentation.key(row)


@router.get("/{key_id}/usage", responses=problems(404))
async def read_usage(
    key_id: UUID,
    session: SessionDep,
    now: NowDep,
    days: Annotated[int, Field(ge=1, le=KEPT.days), IN_DIGITS] = 7,
) -> UsageList:
    """Per day of the company and route: how many requests, and how many of them were refused or failed."""
    return presentation.usage(await service.usage_of_key(session, key_id=key_id, days=days, now=now))


@router.get("/{key_id}/requests", responses=problems(400, 404))
async def list_key_requests(
    key_id: UUID,
    session: SessionDep,
    page: PageDep,
    failed: Annotated[QueryBool | None, Query(description="Only those refused or failed, or only the others")] = None,
) -> Page[KeyRequestOut]:
    """The requests of the last 14 days, the newest first: no bodies, no queries. They appear within seconds."""
    row = await service.key_numbered(session, key_id)
    statement = key_queries.requests(key_id=row.id, failed=failed)
    rows, next_cursor = await paginate(session, statement, col(ApiRequest.id), page=page)
    return Page(items=await presentation.requests(session, rows), next_cursor=next_cursor)


@router.delete("/{key_id}", responses=problems(404))
async def end_api_key(key_id: UUID, session: SessionDep, caller: CallerDep, now: NowDep) -> ApiKeyOut:
    """End a key: the next request with it is refused."""
    await policies.check_alone(session, TwoPersonAct.KEY_END, now=now)
    return presentation.key(await service.end_key(session, key_id=key_id, actor=caller.actor, now=now))
