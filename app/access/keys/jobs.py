"""Old lines of the request log go."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.access.keys import queries
from app.database import transaction
from app.jobs.job import Job, JobContext, JobFunction, Nothing

KEPT: Final = timedelta(days=14)
"""As long as somebody looks for what a program did, and not longer: lines name the people it acted for."""


async def prune_requests(ctx: JobContext, _payload: Nothing) -> None:
    async with transaction(ctx.sessions) as session:
        await queries.prune(session, before=ctx.now() - KEPT)


PRUNE_REQUESTS = Job("access.prune_requests", Nothing)

JOBS: dict[str, JobFunction] = PRUNE_REQUESTS.run_by(prune_requests)
SCHEDULE: dict[str, str] = {PRUNE_REQUESTS.name: "41 * * * *"}
