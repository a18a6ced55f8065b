"""The ledger over REST: what was said to whom, what it came to, and a person's decision where one is needed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement
from sqlmodel import col

from app.delivery import presentation, queries, service
from app.delivery.schemas import (
    CallContentOut,
    CallDetail,
    CallOut,
    DeliveryOut,
    MessageSummary,
    ResolutionIn,
    SelectedOut,
    SelectionIn,
)
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import QueryInt
from models.delivery import CallKind, CallState, Delivery, DeliveryState, OutgoingCall

router = APIRouter(prefix="/deliveries", tags=["deliveries"], route_class=IdempotentRoute)

may_read = [Depends(require("deliveries:read"))]
may_write = [Depends(require("deliveries:write"))]


@router.get("", dependencies=may_read, responses=problems(401, 403))
async def list_deliveries(
    session: SessionDep,
    page: PageDep,
    state: DeliveryState | None = None,
    message: Annotated[UUID | None, Query(description="Only the recipients of this message")] = None,
    userid: Annotated[str | None, Query(description="Only what was meant for this person")] = None,
    call: Annotated[UUID | None, Query(description="Only those whom this call carries now")] = None,
) -> Page[DeliveryOut]:
    """Recipients, the newest first."""
    statement = queries.listed_deliveries(state=state, message_id=message, userid=userid, call_id=call)
    rows, cursor = await paginate(session, statement, col(Delivery.id), page=page)
    return Page(items=await presentation.deliveries(session, rows), next_cursor=cursor)


@router.get("/summary", dependencies=may_read, responses=problems(401, 403, 404))
async def summarize_message(session: SessionDep, message: UUID) -> MessageSummary:
    """How many recipients of a message stand where."""
    audience, counts = await service.summarize(session, message_id=message)
    return presentation.message(message, audience, counts)


def _among(
    now: NowDep,
    among: Annotated[ledger.Among | None, Query(description="What the overview counts, and no one state says")] = None,
) -> ColumnElement[bool] | None:
    return ledger.counted_among(among, now=now) if among is not None else None


@router.get("/calls", dependencies=may_read, responses=problems(401, 403))
async def list_calls(
    session: SessionDep,
    page: PageDep,
    state: Annotated[CallState | None, Query(description="`unknown` are those that wait for a person")] = None,
    purpose: str | None = None,
    kind: CallKind | None = None,
    reason: Annotated[str | None, Query(description="`arrived_after_all` wait for a person too")] = None,
    among: Annotated[ColumnElement[bool] | None, Depends(_among)] = None,
) -> Page[CallOut]:
    """Calls to the platform, the newest first."""
    statement = ledger_queries.listed_calls(state=state, purpose=purpose, kind=kind, reason=reason)
    if among is not None:
        statement = statement.where(among)
    rows, cursor = await paginate(session, statement, col(OutgoingCall.id), page=page)
    return Page(items=presentation.calls(rows), next_cursor=cursor)


@router.get("/calls/{call_id}", dependencies=may_read, responses=problems(401, 403, 404))
async def read_call(session: SessionDep, call_id: UUID) -> CallDetail:
    """One call: every attempt, what the answer means and what cures it, and its recipients in numbers."""
    return presentation.examined(await service.examine_call(session, call_id=call_id))


@router.get(
    "/calls/{call_id}/content",
    dependencies=[Depends(require("deliveries:content"))],
    responses=problems(401, 403, 404),
)
async def read_call_content(session: SessionDep, call_id: UUID) -> CallContentOut:
    """What it sent and what came back, for those who may read what people are told."""
    return presentation.content(await service.content_of_call(session, call_id=call_id))


@router.post("/calls/{call_id}/resolve", dependencies=may_write, responses=problems(401, 403, 404, 409))
async def resolve_call(
    session: SessionDep, caller: CallerDep, now: NowDep, call_id: UUID, body: ResolutionIn
) -> CallOut:
    """Say what became of a call of unknown outcome, after looking in WeCom. `done` also closes one that arrived after
    all (`arrived_after_all`).
    """
    call = await ledger.resolve_call(session, call_id=call_id, resolution=body.resolution, actor=caller.actor, now=now)
    return presentation.call(call)


@router.post("/calls/{call_id}/retry", dependencies=may_write, responses=problems(401, 403, 404, 409))
async def retry_call(session: SessionDep, caller: CallerDep, now: NowDep, call_id: UUID) -> CallOut:
    """Make a post in a group, a card update or a menu again. One of unknown outcome may then come twice."""
    return presentation.call(await ledger.retry_call(session, call_id=call_id, actor=caller.actor, now=now))


@router.post("/retry", dependencies=may_write, responses=problems(401, 403))
async def retry_selected(session: SessionDep, caller: CallerDep, now: NowDep, body: SelectionIn) -> SelectedOut:
    """Send again everything that a selection holds. By default it only says what that would be."""
    if body.preview:
        found = await service.preview(session, body.selection())
    else:
        found = await service.retry_selected(session, body.selection(), actor=caller.actor, now=now)
    return SelectedOut(preview=body.preview, **asdict(found))


@router.post("/{delivery_id}/retry", dependencies=may_write, responses=problems(401, 403, 404, 409))
async def retry_delivery(session: SessionDep, caller: CallerDep, now: NowDep, delivery_id: QueryInt) -> DeliveryOut:
    """Send again what failed or is unknown, to this recipient alone. An unknown one may then arrive twice."""
    delivery = await service.retry_delivery(session, delivery_id=delivery_id, actor=caller.actor, now=now)
    return await presentation.delivery(session, delivery)
