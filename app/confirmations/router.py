"""REST: `confirmations`, the acts that need two people."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import col

from app.access import service as access
from app.confirmations import presentation, queries, service
from app.confirmations.schemas import (
    AskedOut,
    ConfirmationOut,
    ConfirmationSummary,
    Confirming,
    NewConfirmation,
    Refusing,
    WithdrawingIt,
)
from app.confirmations.service import Answer, Wish
from app.dual_control import TwoPersonAct
from app.org import service as org
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import NO_STORE, IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from models.confirmations import Confirmation, ConfirmationState

router = APIRouter(prefix="/confirmations", tags=["confirmations"], route_class=IdempotentRoute)

READ = [Depends(require("confirmations:read"))]
WRITE = [Depends(require("confirmations:write"))]
DECIDE = [Depends(require("confirmations:decide"))]
REST = "rest"


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 403, 404, 409))
async def ask_for_confirmation(
    body: NewConfirmation, session: SessionDep, caller: CallerDep, now: NowDep, response: Response
) -> AskedOut:
    """Ask, in a person's name, for an act that another person confirms. Everybody else who may do it gets a card."""
    response.headers["Cache-Control"] = NO_STORE
    person = await access.person_acting(session, caller, userid=body.person)
    asked = await service.ask(session, Wish(body.act, body.payload, person, body.reason), now=now)
    return await presentation.asked(session, asked)


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_confirmations(
    session: SessionDep,
    page: PageDep,
    state: ConfirmationState | None = None,
    act: TwoPersonAct | None = None,
    asked_by: Annotated[str | None, Query(description="userid of who asked")] = None,
) -> Page[ConfirmationSummary]:
    """What was asked, the newest first."""
    asker = await org.id_named(session, asked_by)
    statement = queries.matching(state=state, act=act.value if act else None, asked_by=asker)
    rows, next_cursor = await paginate(session, statement, col(Confirmation.id), page=page)
    return Page(items=await presentation.summaries(session, rows), next_cursor=next_cursor)


@router.get("/{confirmation_id}", dependencies=READ, responses=problems(404))
async def get_confirmation(confirmation_id: UUID, session: SessionDep) -> ConfirmationOut:
    """One act with exactly what it does, and who may confirm it."""
    return await presentation.confirmation(session, await queries.get(session, confirmation_id))


@router.post("/{confirmation_id}/confirm", dependencies=DECIDE, responses=problems(400, 403, 404, 409))
async def confirm(
    confirmation_id: UUID, body: Confirming, session: SessionDep, caller: CallerDep, now: NowDep
) -> ConfirmationOut:
    """Confirm in a person's name: it is carried out with this answer, or nothing is. Never by who has asked for it."""
    person = await access.person_acting(session, caller, userid=body.person)
    answer = Answer(person, REST, body.comment, seen=body.digest)
    return await presentation.confirmation(session, await service.confirm(session, confirmation_id, answer, now=now))


@router.post("/{confirmation_id}/refuse", dependencies=DECIDE, responses=problems(403, 404, 409))
async def refuse(
    confirmation_id: UUID, body: Refusing, session: SessionDep, caller: CallerDep, now: NowDep
) -> ConfirmationOut:
    """Refuse in a person's name: nothing is done, and the asker is told."""
    person = await access.person_acting(session, caller, userid=body.person)
    answer = Answer(person, REST, body.comment)
    return await presentation.confirmation(session, await service.refuse(session, confirmation_id, answer, now=now))


@router.post("/{confirmation_id}/withdraw", dependencies=WRITE, responses=problems(403, 404, 409))
async def withdraw(
    confirmation_id: UUID, body: WithdrawingIt, session: SessionDep, caller: CallerDep, now: NowDep
) -> ConfirmationOut:
    """Take back what one has asked for."""
    person = await access.person_acting(session, caller, userid=body.person)
    answer = Answer(person, REST)
    return await presentation.confirmation(session, await service.withdraw(session, confirmation_id, answer, now=now))
