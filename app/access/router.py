"""`/api/v1/api-keys`: the keys of other services."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from app.access import presentation, service
from app.access.schemas import ActsForIn, ApiKeyIn, ApiKeyList, ApiKeyOut, NewApiKey
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.problems import problems

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
    row = await service.let_act_for(session, key_id=key_id, acts_for=body.acts_for(), actor=caller.actor, now=now)
    return presentation.key(row)


@router.delete("/{key_id}", responses=problems(404))
async def end_api_key(key_id: UUID, session: SessionDep, caller: CallerDep, now: NowDep) -> ApiKeyOut:
    """End a key: the next request with it is refused."""
    return presentation.key(await service.end_key(session, key_id=key_id, actor=caller.actor, now=now))
