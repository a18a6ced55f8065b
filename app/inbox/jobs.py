"""Background entry points: bodies go after 30 days; gaps are closed."""

from __future__ import annotations

from typing import Any

from app.database import transaction
from app.inbox import gaps, service
from app.jobs.registry import JobContext, JobFunction
from app.observability import get_logger

BATCH = 5000

log = get_logger()


async def purge(ctx: JobContext, _payload: dict[str, Any]) -> None:
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


async def close_gaps(ctx: JobContext, _payload: dict[str, Any]) -> None:
    async with transaction(ctx.sessions) as session:
        await gaps.close_gaps(session, now=ctx.now())


JOBS: dict[str, JobFunction] = {"inbox.purge": purge, gaps.CLOSE_GAPS: close_gaps}
SCHEDULE: dict[str, str] = {"inbox.purge": "23 3 * * *", gaps.CLOSE_GAPS: "* * * * *"}
