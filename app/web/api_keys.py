"""`/api/v1/api-keys`: the keys of other services."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from app.web import keys
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.problems import problems
from app.web.scopes import SCOPES
from models.access import ApiKey

router = APIRouter(
    prefix="/api-keys", tags=["api-keys"], route_class=IdempotentRoute, dependencies=[Depends(require("admin:write"))]
)


class ApiKeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["报表系统"])
    scopes: list[str] = Field(min_length=1, description=f"One or more of: {', '.join(SCOPES)}")
    expires_at: datetime | None = None


class ApiKeyOut(BaseModel):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: ApiKey) -> ApiKeyOut:
        return cls.model_validate(row, from_attributes=True)


class NewApiKey(ApiKeyOut):
    key: str = Field(description="The key itself, shown this once.")


class ApiKeyList(BaseModel):
    items: list[ApiKeyOut]


@router.get("")
async def list_api_keys(session: SessionDep) -> ApiKeyList:
    """Every key, also ended ones; never the key itself."""
    return ApiKeyList(items=[ApiKeyOut.of(row) for row in await keys.list_keys(session)])


@router.post("", status_code=201, responses=problems(400))
async def create_api_key(body: ApiKeyIn, session: SessionDep, caller: CallerDep, now: NowDep) -> NewApiKey:
    """A new key. Copy `key` from the answer: it cannot be read again."""
    row, key = await keys.create_key(
        session, name=body.name, scopes=body.scopes, actor=caller.actor, now=now, expires_at=body.expires_at
    )
    return NewApiKey(key=key, **ApiKeyOut.of(row).model_dump())


@router.delete("/{key_id}", responses=problems(404))
async def end_api_key(key_id: UUID, session: SessionDep, caller: CallerDep, now: NowDep) -> ApiKeyOut:
    """End a key: the next request with it is refused."""
    return ApiKeyOut.of(await keys.end_key(session, key_id=key_id, actor=caller.actor, now=now))
