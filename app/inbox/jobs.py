"""Background entry points: bodies go after 30 days."""

from __future__ import annotations

from typing import Any

from app.database import transaction
from app.inbox import service
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
            log.info("inbox.purged", bodies=purged)
            return


JOBS: dict[str, JobFunction] = {"inbox.purge": purge}
SCHEDULE: dict[str, str] = {"inbox.purge": "23 3 * * *"}
