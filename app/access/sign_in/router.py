"""`/api/v1/members/{userid}/sessions`: where somebody is signed in, and their way out after a loss or a theft."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from sqlmodel import col

from app.access.sign_in import presentation, queries, sessions
from app.access.sign_in.lifetime import lifetime_of
from app.access.sign_in.schemas import EndedSessions, PersonSessionOut
from app.org import service as org
from app.web.deps import CallerDep, NowDep, SessionDep, require, services_of
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from models.access import PersonSession

router = APIRouter(prefix="/members", tags=["access"], route_class=IdempotentRoute)

READ = [Depends(require("admin:read"))]
WRITE = [Depends(require("admin:write"))]


@router.get("/{userid}/sessions", dependencies=READ, responses=problems(400, 404))
async def list_sessions_of_member(
    userid: str, request: Request, session: SessionDep, page: PageDep, now: NowDep
) -> Page[PersonSessionOut]:
    """The browsers in which this person is signed in to the pages of the service, the latest sign-in first."""
    person = await org.person_named_or_former(session, userid)
    statement = queries.living(person.id, lifetime=lifetime_of(services_of(request).settings), now=now)
    rows, next_cursor = await paginate(session, statement, col(PersonSession.id), page=page)
    return Page(items=presentation.sessions(rows), next_cursor=next_cursor)


@router.delete("/{userid}/sessions", dependencies=WRITE, responses=problems(404))
async def end_sessions_of_member(userid: str, session: SessionDep, caller: CallerDep, now: NowDep) -> EndedSessions:
    """Sign this person out everywhere at once: a lost phone, a stolen account (policy 6.16). What is signed in to WeCom
    itself stays so, and may sign in here again: disable the account there too.
    """
    person = await org.person_named_or_former(session, userid)
    return EndedSessions(ended=await sessions.end_for(session, person.id, by=caller.actor, now=now))
