"""`/api/v1/audit`: the trail, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlmodel import col

from app.web.deps import SessionDep, require
from app.web.pagination import Page, PageDep, paginate
from models.audit import AuditEntry

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(require("audit:read"))])


class AuditRow(BaseModel):
    id: int
    at: datetime
    actor: str = Field(description="`kind:id`", examples=["person:0199…"])
    action: str = Field(examples=["request.approved"])
    object_kind: str
    object_id: str
    rule_key: str | None
    policy_version_id: UUID | None
    correlation_id: str
    sealed: bool

    @classmethod
    def of(cls, row: AuditEntry) -> AuditRow:
        actor = f"{row.actor_kind}:{row.actor_id}"
        fields = row.model_dump(include={"id", "at", "action", "object_kind", "object_id", "rule_key"})
        return cls(
            actor=actor,
            policy_version_id=row.policy_version_id,
            correlation_id=row.correlation_id,
            sealed=row.seal is not None,
            **fields,
        )


@router.get("")
async def list_audit(
    session: SessionDep,
    page: PageDep,
    object_kind: Annotated[str | None, Query()] = None,
    object_id: Annotated[str | None, Query()] = None,
    correlation_id: Annotated[str | None, Query()] = None,
) -> Page[AuditRow]:
    """Who did what to what, when, under which rule. Ids only; details are not part of the trail."""
    statement = select(AuditEntry)
    wanted = {"object_kind": object_kind, "object_id": object_id, "correlation_id": correlation_id}
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(AuditEntry, name) == value)
    rows, next_cursor = await paginate(session, statement, col(AuditEntry.id), page=page)
    return Page(items=[AuditRow.of(row) for row in rows], next_cursor=next_cursor)
