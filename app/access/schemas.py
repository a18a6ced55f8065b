"""API keys on the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from app.web.schemas import Input, Moment


class ApiKeyIn(Input):
    name: str = Field(min_length=1, max_length=100, examples=["报表系统"])
    scopes: list[str] = Field(min_length=1, description="`<resource>:read` or `<resource>:write`.")
    expires_at: Moment | None = Field(default=None, description="With its time zone, and in the future.")


class ApiKeyOut(BaseModel):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None


class NewApiKey(ApiKeyOut):
    key: str = Field(description="The key itself, shown this once.")


class ApiKeyList(BaseModel):
    items: list[ApiKeyOut]
