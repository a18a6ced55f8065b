"""REST of received events: list, read, replay; and of the intake: gaps, callers turned away."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlmodel import col

from app.inbox import presentation, queries, service
from app.inbox.schemas import CallbackDetail, CallbackSummary, Gap, Refusal
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import IN_DIGITS, QueryBool
from models.ids import EventId
from models.inbox import EventState, ReceivedEvent
from models.intake import CallbackGap, CallbackRefusal

router = APIRouter(prefix="/callbacks", tags=["callbacks"], route_class=IdempotentRoute)

_LARGEST_ID = 2**63 - 1
EventIdPath = Annotated[int, Field(ge=1, le=_LARGEST_ID), IN_DIGITS]


@router.get("", dependencies=[Depends(require("callbacks:read"))], responses=problems(400, 401, 403))
async def list_callbacks(
    session: SessionDep,
    page: PageDep,
    state: EventState | None = None,
    event_type: Annotated[str | None, Query(examples=["template_card_event"])] = None,
    subject: Annotated[str | None, Query(examples=["user:zhangsan"])] = None,
) -> Page[CallbackSummary]:
    """Received events, the newest first."""
    statement = queries.listed(state=state, event_type=event_type, subject=subject)
    events, following = await paginate(session, statement, col(ReceivedEvent.id), page=page)
    return Page(items=presentation.summaries(events), next_cursor=following)


@router.get("/gaps", dependencies=[Depends(require("callbacks:read"))], responses=problems(400, 401, 403))
async def list_gaps(
    session: SessionDep,
    page: PageDep,
    is_open: Annotated[
        QueryBool | None, Query(alias="open", description="Only those open, or only those closed.")
    ] = None,
) -> Page[Gap]:
    """Times in which callbacks may have been lost, the newest first (F17)."""
    gaps, following = await paginate(session, queries.gaps(is_open=is_open), col(CallbackGap.id), page=page)
    return Page(items=presentation.gaps(gaps), next_cursor=following)


@router.get("/refusals", dependencies=[Depends(require("callbacks:read"))], responses=problems(400, 401, 403))
async def list_refusals(
    session: SessionDep, page: PageDep, channel: Literal["app", "contacts", "unknown"] | None = None
) -> Page[Refusal]:
    """Callers that were turned away, the latest first: why, and what to do."""
    last_at, number = col(CallbackRefusal.last_at), col(CallbackRefusal.id)
    refusals, following = await paginate(session, queries.refusals(channel=channel), last_at, number, page=page)
    return Page(items=presentation.refusals(refusals), next_cursor=following)


@router.get(
    "/{event_id}", dependencies=[Depends(require("callbacks:read"))], responses=problems(401, 403, 404)
)  # fmt: skip
async def get_callback(event_id: EventIdPath, session: SessionDep) -> CallbackDetail:
    """One event with its decrypted body, field by field, and who had it handled again."""
    return presentation.event(await service.examine(session, event_id=EventId(event_id)))


@router.post(
    "/{event_id}/replay",
    dependencies=[Depends(require("callbacks:write"))],
    responses=problems(401, 403, 404, 409),
)
async def replay_callback(
    event_id: EventIdPath, session: SessionDep, caller: CallerDep, now: NowDep
) -> CallbackSummary:
    """Have a parked, unknown or finished event handled again. It keeps its id."""
    return presentation.summary(await service.replay(session, event_id=EventId(event_id), actor=caller.actor, now=now))
