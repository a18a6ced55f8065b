"""A timeline on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from app.audit.actor import ActorKind
from app.web.schemas import ClauseOut
from models.audit import ObjectKind


class ActorOut(BaseModel):
    kind: ActorKind
    id: str
    name: str = Field(examples=["王芳"])
    name_en: str
    userid: str | None = Field(description="Of a person whom we know; of who has left the last one")


class EntryOut(BaseModel):
    id: int = Field(description="Of the row in `GET /audit`")
    at: datetime
    action: str = Field(examples=["request.approved"])
    what: str = Field(description="In a sentence", examples=["申请已同意"])
    what_en: str
    object_kind: ObjectKind
    object_id: str
    actor: ActorOut
    recorded_by: ActorOut | None = Field(description="The API key that acted in the person's name")
    on_behalf_of: ActorOut | None = Field(description="The person for whom the API key acted")
    clause: ClauseOut | None = Field(description="What it rested on, as the version of that time words it")
    correlation_id: str = Field(description="Of `GET /traces/{correlation_id}`")
    sealed: bool
