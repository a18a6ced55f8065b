"""`/api/v1/events`: everything that happens, in order."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import Field

from app.events.catalogue import events_by_type
from app.events.presentation import feed_out
from app.events.read_feed import FeedQuery, read_or_wait
from app.events.rules import types_named
from app.events.schemas import FeedOut
from app.web.deps import require, services_of
from app.web.pagination import LARGEST_NUMBER
from app.web.problems import problems
from app.web.schemas import IN_DIGITS

LARGEST_LIMIT: Final = 1000
LONGEST_WAIT: Final = 30
_ENDING: Final = "is_ending"

Position = Annotated[int, Field(ge=0, le=LARGEST_NUMBER), IN_DIGITS]

router = APIRouter(prefix="/events", tags=["events"], dependencies=[Depends(require("events:read"))])


@router.get("", responses=problems(410))
async def read_events(
    request: Request,
    after: Annotated[
        Position | None,
        Query(description="`last_position` of the answer before; without it, from the oldest event that is kept"),
    ] = None,
    types: Annotated[
        str | None, Query(description="`request.approved,task.*`; all without it", examples=["request.*"])
    ] = None,
    limit: Annotated[int, Field(ge=1, le=LARGEST_LIMIT), IN_DIGITS] = 100,
    wait: Annotated[
        int,
        Field(ge=0, le=LONGEST_WAIT),
        IN_DIGITS,
        Query(description="Seconds to wait for the first event when there is none yet"),
    ] = 0,
) -> FeedOut:
    """What happened after a position, in order and without gaps.

    Ids, numbers and keys only: fetch the rest with them. An event may be read twice, never be missed. 410 when events
    behind the position were deleted: fetch the lists with `updated_since`, then go on from `resume_after`.
    """
    query = FeedQuery(after, types_named(types, events_by_type()), limit)

    async def has_left() -> bool:
        return getattr(request.app.state, _ENDING, False) or await request.is_disconnected()

    # Not the session of the request: waiting would hold its connection.
    sessions = services_of(request).sessions
    stretch = await read_or_wait(sessions, query, wait=timedelta(seconds=wait), has_left=has_left)
    return feed_out(stretch)


def answer_who_waits(app: FastAPI) -> None:
    """The process ends: readers that wait for events get their answer now, empty, instead of a cut connection."""
    setattr(app.state, _ENDING, True)
