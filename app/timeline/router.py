"""REST: what has happened to one object."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.audit.why import About
from app.timeline import presentation, service
from app.timeline.schemas import EntryOut
from app.web.deps import SessionDep, require
from app.web.pagination import Page, PageDep
from app.web.problems import problems
from app.web.schemas import QueryBool
from models.audit import ObjectKind

router = APIRouter(prefix="/timeline", tags=["audit"], dependencies=[Depends(require("audit:read"))])


@router.get("", responses=problems(400, 401, 403))
async def read_timeline(
    session: SessionDep,
    page: PageDep,
    object_kind: ObjectKind,
    object_id: Annotated[str, Query(min_length=1, max_length=128)],
    receipts: Annotated[QueryBool, Query(description="Each confirmation of an announcement too")] = False,
) -> Page[EntryOut]:
    """What has happened to one object, as people read it: sentences, names and clauses; the latest first."""
    about = About(object_kind, object_id)
    found = await service.timeline(session, about, page=page, with_confirmations=receipts)
    return presentation.page(found)
