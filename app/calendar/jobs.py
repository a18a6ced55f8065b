"""Background entry points: the calendar is filled once a day, so that a newly published year is noticed."""

from __future__ import annotations

from typing import Any

from app.calendar import days
from app.database import transaction
from app.jobs.registry import JobContext, JobFunction


async def fill_calendar(ctx: JobContext, _payload: dict[str, Any]) -> None:
    async with transaction(ctx.sessions) as session:
        await days.fill_calendar(session, now=ctx.now())


JOBS: dict[str, JobFunction] = {"policy.fill_calendar": fill_calendar}
SCHEDULE: dict[str, str] = {"policy.fill_calendar": "17 2 * * *"}
