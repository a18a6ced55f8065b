"""REST: what waits for one person."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from app.org import service as org
from app.today import presentation, service
from app.today.schemas import WaitingOut
from app.web.deps import NowDep, SessionDep, require
from app.web.pagination import Page, PageDep
from app.web.problems import problems

router = APIRouter(prefix="/members", tags=["personal"], dependencies=[Depends(require("personal:read"))])


@router.get("/{userid}/waiting", responses=problems(400, 404))
async def list_waiting(session: SessionDep, page: PageDep, userid: str, now: NowDep) -> Page[WaitingOut]:
    """Everything that waits for this person, over all domains: the nearest deadline first."""
    person = await org.person_named(session, userid)
    return presentation.waiting(await service.waiting_for(session, person.id, page=page, now=now))
