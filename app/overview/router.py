"""REST: the overview."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from app.overview import presentation, service
from app.overview.schemas import OverviewOut
from app.web.deps import NowDep, SessionDep, require
from app.web.problems import problems

router = APIRouter(prefix="/overview", tags=["overview"], dependencies=[Depends(require("overview:read"))])


@router.get("", responses=problems(401, 403))
async def read_overview(session: SessionDep, now: NowDep) -> OverviewOut:
    """What waits, what is late and what is wrong in the whole company, in figures: each says where it comes from."""
    return presentation.overview(await service.overview(session, now=now))
