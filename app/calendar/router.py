"""REST: `calendar`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.calendar import presentation, service
from app.calendar.errors import SpanTooLong
from app.calendar.schemas import CalendarOut, DayIn, DayOut
from app.web.deps import CallerDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.problems import problems
from app.web.schemas import Day

router = APIRouter(prefix="/calendar", tags=["policy"], route_class=IdempotentRoute)

READ = [Depends(require("policy:read"))]
WRITE = [Depends(require("policy:write"))]
LONGEST_SPAN = timedelta(days=800)


@router.get("", dependencies=READ, responses=problems(400))
async def read_calendar(
    session: SessionDep,
    since: Annotated[Day, Query(alias="from", description="The first day.")],
    until: Annotated[Day, Query(alias="to", description="The last day, included.")],
) -> CalendarOut:
    """Working days and days off, and where each comes from."""
    if not timedelta(0) <= until - since <= LONGEST_SPAN:
        raise SpanTooLong(
            f"to 不能早于 from，最多 {LONGEST_SPAN.days} 天",
            f"`to` cannot be before `from`, and there are at most {LONGEST_SPAN.days} days between them",
        )
    return presentation.calendar(await service.days_between(session, since=since, until=until))


@router.put("/{day}", dependencies=WRITE)
async def set_calendar_day(session: SessionDep, now: NowDep, caller: CallerDep, day: Day, body: DayIn) -> DayOut:
    """Make a day a working day or a day off. Deadlines in working time that lie beyond it move along."""
    found = await service.set_day(
        session, day=day, is_working=body.is_working, note=body.note, actor=caller.actor, now=now
    )
    return presentation.day(found)
