"""Background entry points: bodies go after 30 days; gaps are closed."""

from __future__ import annotations

from app.database import transaction
from app.inbox import gaps, service
from app.jobs.job import Job, JobContext, JobFunction, Nothing
from app.observability import get_logger

BATCH = 5000

log = get_logger()


async def purge(ctx: JobContext, _payload: Nothing) -> None:
    purged = 0
    while True:
        async with transaction(ctx.sessions) as session:
            erased = await service.purge_bodies(session, now=ctx.now(), limit=BATCH)
        purged += erased
        if erased < BATCH:
            break
    async with transaction(ctx.sessions) as session:
        servers = await gaps.forget_servers(session)
    log.info("inbox.purged", bodies=purged, servers=servers)


async def close_gaps(ctx: JobContext, _payload: Nothing) -> None:
    async with transaction(ctx.sessions) as session:
        await gaps.close_gaps(session, now=ctx.now())


PURGE = Job("inbox.purge", Nothing)

JOBS: dict[str, JobFunction] = PURGE.run_by(purge) | gaps.CLOSE_GAPS.run_by(close_gaps)
SCHEDULE: dict[str, str] = {PURGE.name: "23 3 * * *", gaps.CLOSE_GAPS.name: "* * * * *"}
