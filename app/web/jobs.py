"""Old answers of idempotent requests go."""

from __future__ import annotations

from typing import Any

from app.database import transaction
from app.jobs.registry import JobContext, JobFunction
from app.web.idempotency import prune


async def prune_answers(ctx: JobContext, _payload: dict[str, Any]) -> None:
    async with transaction(ctx.sessions) as session:
        await prune(session, now=ctx.now())


JOBS: dict[str, JobFunction] = {"web.prune_answers": prune_answers}
SCHEDULE: dict[str, str] = {"web.prune_answers": "23 * * * *"}
