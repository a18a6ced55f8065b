"""REST: what waits for one person, and what is kept about them."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from app.org import service as org
from app.today import presentation, service
from app.today.schemas import PersonalDataOut, WaitingOut
from app.web.deps import NowDep, SessionDep, require
from app.web.pagination import Page, PageDep
from app.web.problems import problems

router = APIRouter(prefix="/members", tags=["personal"], dependencies=[Depends(require("personal:read"))])


@router.get("/{userid}/waiting", responses=problems(400, 404))
async def list_waiting(session: SessionDep, page: PageDep, userid: str, now: NowDep) -> Page[WaitingOut]:
    """Everything that waits for this person, over all domains: the nearest deadline first."""
    person = await org.person_named(session, userid)
    return presentation.waiting(await service.waiting_for(session, person.id, page=page, now=now))


@router.get("/{userid}/data", responses=problems(404))
async def get_personal_data(session: SessionDep, userid: str) -> PersonalDataOut:
    """Everything that is kept about this person, also about one who has left: kind by kind, the newest first."""
    person = await org.person_named_or_former(session, userid)
    return presentation.personal_data(userid, await service.kept_about(session, person.id))
