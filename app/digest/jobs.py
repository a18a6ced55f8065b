"""Background entry points: a timer for every morning, and the job that writes its digest."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import transaction
from app.digest import service
from app.jobs.job import Job, JobContext, JobFunction, Payload, TimerHandler
from app.settings import Settings


class DayPayload(Payload):
    """The digest of one day."""

    day: date


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:  # noqa: ARG001 -- all steps are called alike
    await service.keep_timer(session, now=now)


async def morning(session: AsyncSession, _subject: str, now: datetime) -> None:
    day = await service.wake(session, now=now)
    if day is not None:
        await WRITE.enqueue(session, DayPayload(day=day))


async def write(ctx: JobContext, payload: DayPayload) -> None:
    is_more = True
    while is_more:
        async with transaction(ctx.sessions) as session:
            is_more = await service.write_portion(session, payload.day, now=ctx.now())


WRITE = Job("digest.write", DayPayload)

JOBS: dict[str, JobFunction] = WRITE.run_by(write)
TIMERS: dict[str, TimerHandler] = {service.MORNING: morning}
