"""Sealing runs by itself."""

from __future__ import annotations

from typing import Any

from app.audit import service
from app.database import transaction
from app.jobs.registry import JobContext, JobFunction

BATCH = 1000


async def seal(ctx: JobContext, _payload: dict[str, Any]) -> None:
    while True:
        async with transaction(ctx.sessions) as session:
            sealed = await service.seal_entries(session, now=ctx.now(), limit=BATCH)
        if sealed < BATCH:
            return


JOBS: dict[str, JobFunction] = {"audit.seal": seal}
SCHEDULE: dict[str, str] = {"audit.seal": "* * * * *"}
