"""REST: what led to what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.trace import presentation, service
from app.trace.schemas import TraceOut
from app.web.deps import NowDep, SessionDep, require
from app.web.problems import problems

router = APIRouter(prefix="/traces", tags=["audit"], dependencies=[Depends(require("audit:read"))])


@router.get("/{correlation_id}", responses=problems(401, 403, 404))
async def read_trace(
    session: SessionDep, now: NowDep, correlation_id: Annotated[str, Path(min_length=8, max_length=128)]
) -> TraceOut:
    """Callback, decision, call and answer under one correlation id, in the order in which they happened."""
    return presentation.trace(await service.trace(session, correlation_id, now=now))
