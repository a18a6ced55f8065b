"""API keys on the wire."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from app.web.schemas import AsText, Input, Moment
from app.web.scopes import ActsFor
from models.access import ActAs


class ActsForIn(Input):
    act_as: AsText[ActAs] = Field(
        ActAs.NOBODY,
        description="In whose name it may act where a body names a person who acts: `nobody`, the people of "
        "`departments` with everything below, or `anybody`.",
    )
    act_as_departments: list[int] = Field(
        [], max_length=100, description="WeCom department ids; with `act_as` `departments`."
    )

    def acts_for(self) -> ActsFor:
        return ActsFor(self.act_as, tuple(self.act_as_departments))


class ApiKeyIn(ActsForIn):
    name: str = Field(min_length=1, max_length=100, examples=["报表系统"])
    scopes: list[str] = Field(min_length=1, description="`<resource>:read` or `<resource>:write`.")
    expires_at: Moment | None = Field(default=None, description="With its time zone, and in the future.")


class ApiKeyOut(BaseModel):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    act_as: ActAs = Field(description="In whose name it may act.")
    act_as_departments: list[int]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None


class NewApiKey(ApiKeyOut):
    key: str = Field(description="The key itself, shown this once.")


class ApiKeyList(BaseModel):
    items: list[ApiKeyOut]


class UsageOut(BaseModel):
    day: date
    method: str
    route: str = Field(examples=["/api/v1/groups/{group_id}"])
    requests: int
    failures: int = Field(description="Of these, refused or failed: status 400 and above.")


class UsageList(BaseModel):
    items: list[UsageOut]


class KeyRequestOut(BaseModel):
    at: datetime
    method: str
    route: str = Field(examples=["/api/v1/groups/{group_id}"])
    status: int = Field(description="499: the caller had hung up before it was answered.")
    person: str | None = Field(description="userid of in whose name; null for the key itself, and for who has left.")
    correlation_id: str
    milliseconds: int
