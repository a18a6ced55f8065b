"""Sealing runs by itself."""

from __future__ import annotations

from app.audit import service
from app.database import transaction
from app.jobs.job import Job, JobContext, JobFunction, Nothing

BATCH = 1000


async def seal(ctx: JobContext, _payload: Nothing) -> None:
    while True:
        async with transaction(ctx.sessions) as session:
            sealed = await service.seal_entries(session, now=ctx.now(), limit=BATCH)
        if sealed < BATCH:
            return


SEAL = Job("audit.seal", Nothing)

JOBS: dict[str, JobFunction] = SEAL.run_by(seal)
SCHEDULE: dict[str, str] = {SEAL.name: "* * * * *"}
