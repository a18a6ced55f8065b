"""REST for requests: apply, list, look, decide, object, withdraw, carry out again."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import service as access
from app.approvals import presentation, queries, service
from app.approvals.queries import RequestFilter
from app.approvals.schemas import (
    ActsOut,
    AheadOut,
    NewDecision,
    NewObjection,
    NewRequest,
    PreviewOut,
    RequestOut,
    RequestSummary,
    TimelineOut,
    Withdrawal,
)
from app.approvals.service import Application, Ballot, Objection
from app.approvals.sheet import request_lines, request_sheet
from app.exports.service import ListName, TakingDep, hand_out
from app.org import service as people
from app.spreadsheets.download import ANSWERS, Download, SheetFormat
from app.web.deps import Caller, CallerDep, EnglishDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import Moment, QueryBool, QueryInt
from models.approvals import OutcomeState, Request, RequestState
from models.ids import PersonId, RequestId

router = APIRouter(prefix="/requests", tags=["requests"], route_class=IdempotentRoute)

READ = [Depends(require("requests:read"))]
WRITE = [Depends(require("requests:write"))]
DECIDE = [Depends(require("requests:decide"))]


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 403, 404, 409))
async def submit_request(body: NewRequest, session: SessionDep, caller: CallerDep, now: NowDep) -> RequestOut:
    """Apply for something on a person's behalf. The approvers of the first step get their cards."""
    request = await service.submit(session, await _application(body, session, caller), now=now)
    return await presentation.request(session, request)


@router.post("/preview", dependencies=WRITE, responses=problems(400, 403, 404, 409))
async def preview_request(body: NewRequest, session: SessionDep, caller: CallerDep, now: NowDep) -> PreviewOut:
    """What `POST /requests` would make of the same body: who will decide, why they, by when; or its refusal. Nothing is
    written, nobody is told.
    """
    return presentation.preview(await service.preview(session, await _application(body, session, caller), now=now))


async def _application(body: NewRequest, session: AsyncSession, caller: Caller) -> Application:
    requester = await access.person_acting(session, caller, userid=body.requester)
    return Application(body.kind, requester, body.payload, submitted_by=caller.actor, reason=body.reason)


async def get_standing(
    now: NowDep,
    state: RequestState | None = None,
    outcome: Annotated[OutcomeState | None, Query(description="What became of an approved one")] = None,
    kind: str | None = None,
    group: Annotated[UUID | None, Query(description="id of a registered group")] = None,
    late: Annotated[QueryBool, Query(description="Only those whose open step is past its deadline")] = False,
    updated_since: Moment | None = None,
) -> RequestFilter:
    return RequestFilter(
        state=state,
        outcome=outcome,
        kind=kind,
        group_id=group,
        late_at=now if late else None,
        updated_since=updated_since,
    )


async def get_wanted(
    session: SessionDep,
    standing: Annotated[RequestFilter, Depends(get_standing)],
    requester: Annotated[str | None, Query(description="userid of who applied")] = None,
    approver: Annotated[str | None, Query(description="userid of whose decision is waited for")] = None,
    concerned: Annotated[str | None, Query(description="userid of whom others have applied for")] = None,
    decided_by: Annotated[str | None, Query(description="userid of who has decided a step of it")] = None,
    department: Annotated[
        QueryInt | None, Query(description="WeCom id of the applicant's department, or of one above it")
    ] = None,
) -> RequestFilter:
    return replace(
        standing,
        requester_id=await people.id_named(session, requester),
        approver_id=await people.id_named(session, approver),
        concerned_id=await people.id_named_or_former(session, concerned),
        decided_by_id=await people.id_named_or_former(session, decided_by),
        department_ids=await people.subtree(session, department),
    )


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_requests(
    session: SessionDep, page: PageDep, wanted: Annotated[RequestFilter, Depends(get_wanted)]
) -> Page[RequestSummary]:
    """Requests, the latest change first."""
    rows, next_cursor = await paginate(
        session, queries.matching(wanted), col(Request.updated_at), col(Request.id), page=page
    )
    return Page(items=await presentation.summaries(session, rows), next_cursor=next_cursor)


@router.get(
    "/export.{ending}",
    dependencies=READ,
    status_code=200,
    response_class=Download,
    responses=problems(404) | ANSWERS,
)
async def export_requests(
    ending: SheetFormat,
    taking: TakingDep,
    session: SessionDep,
    wanted: Annotated[RequestFilter, Depends(get_wanted)],
    in_english: EnglishDep,
) -> Download:
    """The same list as a file, all of it."""
    sheet = request_sheet(session, in_english=in_english)
    return await hand_out(taking, ListName.REQUESTS, sheet, request_lines(session, wanted), ending=ending)


@router.get("/{request_id}", dependencies=READ, responses=problems(404))
async def get_request(request_id: UUID, session: SessionDep) -> RequestOut:
    """One request: its steps, who may decide, what was decided, the clause and policy version, the outcome."""
    return await presentation.request(session, await queries.get(session, RequestId(request_id)))


@router.get("/{request_id}/timeline", dependencies=READ, responses=problems(404))
async def get_timeline(request_id: UUID, session: SessionDep, now: NowDep) -> TimelineOut:
    """Its way so far: who was asked, reminded, who decided what under which clause, and what became of it."""
    return presentation.timeline((await service.follow(session, RequestId(request_id), now=now)).timeline)


@router.get("/{request_id}/ahead", dependencies=READ, responses=problems(404))
async def get_ahead(request_id: UUID, session: SessionDep, now: NowDep) -> AheadOut:
    """What follows the open step: who will decide, why they, and by when at the latest."""
    return presentation.ahead((await service.follow(session, RequestId(request_id), now=now)).ahead)


@router.get("/{request_id}/acts", dependencies=READ, responses=problems(404))
async def get_acts(
    request_id: UUID, session: SessionDep, now: NowDep, person: Annotated[str, Query(description="userid of who asks")]
) -> ActsOut:
    """What this person may do about it now (decide, withdraw, object), and why not otherwise."""
    reader = await people.person_named(session, person)
    return presentation.acts((await service.follow(session, RequestId(request_id), reader=reader, now=now)).acts)


@router.post("/{request_id}/decisions", status_code=201, dependencies=DECIDE, responses=problems(400, 403, 404, 409))
async def decide_request(
    request_id: UUID, body: NewDecision, session: SessionDep, caller: CallerDep, now: NowDep
) -> RequestOut:
    """A person's verdict on the open step. 409 names who was faster."""
    person = await access.person_acting(session, caller, userid=body.person)
    ballot = Ballot(person, body.verdict, "rest", body.comment, recorded_by=caller.actor)
    request = await service.decide(session, ballot, request_id=RequestId(request_id), now=now)
    return await presentation.request(session, request)


@router.post("/{request_id}/objections", status_code=201, dependencies=DECIDE, responses=problems(403, 404, 409))
async def object_to_request(
    request_id: UUID, body: NewObjection, session: SessionDep, caller: CallerDep, now: NowDep
) -> RequestOut:
    """What somebody has against a request about them that somebody else has made. An `exit` ends by it; of any other
    the approvers read it, and decide.
    """
    person = await access.person_acting(session, caller, userid=body.person)
    objection = Objection(person, "rest", body.reason, recorded_by=caller.actor)
    request = await service.object_to(session, objection, request_id=RequestId(request_id), now=now)
    return await presentation.request(session, request)


@router.post("/{request_id}/withdraw", dependencies=WRITE, responses=problems(403, 404, 409))
async def withdraw_request(
    request_id: UUID,
    session: SessionDep,
    caller: CallerDep,
    now: NowDep,
    body: Withdrawal | None = None,
) -> RequestOut:
    """Take an open request back, in its requester's name."""
    named = body.person if body else None
    if named is None:
        request = await queries.get(session, RequestId(request_id))
        await access.check_may_act_as(session, caller, person_id=PersonId(request.requester_id))
    request = await service.withdraw(
        session,
        request_id=RequestId(request_id),
        person=await access.person_acting(session, caller, userid=named) if named else None,
        recorded_by=caller.actor,
        now=now,
    )
    return await presentation.request(session, request)


@router.post("/{request_id}/retry", dependencies=WRITE, responses=problems(404, 409))
async def retry_request(request_id: UUID, session: SessionDep, caller: CallerDep, now: NowDep) -> RequestOut:
    """Carry out once more what was approved and failed on the platform. Nobody decides again."""
    request = await service.retry_outcome(session, request_id=RequestId(request_id), actor=caller.actor, now=now)
    return await presentation.request(session, request)
