"""`/api/v1/audit`: the trail, newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.audit import presentation, queries
from app.audit.schemas import AuditRow
from app.web.deps import SessionDep, require
from app.web.pagination import Page, PageDep, paginate
from models.audit import AuditEntry

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[Depends(require("audit:read"))])


@router.get("")
async def list_audit(
    session: SessionDep,
    page: PageDep,
    object_kind: Annotated[str | None, Query()] = None,
    object_id: Annotated[str | None, Query()] = None,
    correlation_id: Annotated[str | None, Query()] = None,
) -> Page[AuditRow]:
    """Who did what to what, when, under which rule. Ids only; details are not part of the trail."""
    statement = queries.entries(object_kind=object_kind, object_id=object_id, correlation_id=correlation_id)
    rows, next_cursor = await paginate(session, statement, col(AuditEntry.id), page=page)
    both = await queries.both_actors(session, rows)
    return Page(items=presentation.entries(rows, both), next_cursor=next_cursor)
