"""Background entry points: the calendar is filled once a day, so that a newly published year is noticed."""

from __future__ import annotations

from app.calendar import company_days
from app.database import transaction
from app.jobs.job import Job, JobContext, JobFunction, Nothing


async def fill_calendar(ctx: JobContext, _payload: Nothing) -> None:
    async with transaction(ctx.sessions) as session:
        await company_days.fill_calendar(session, now=ctx.now())


FILL_CALENDAR = Job("policy.fill_calendar", Nothing)

JOBS: dict[str, JobFunction] = FILL_CALENDAR.run_by(fill_calendar)
SCHEDULE: dict[str, str] = {FILL_CALENDAR.name: "17 2 * * *"}
