"""Old answers of idempotent requests go."""

from __future__ import annotations

from app.database import transaction
from app.jobs.job import Job, JobContext, JobFunction, Nothing
from app.web.idempotency import prune


async def prune_answers(ctx: JobContext, _payload: Nothing) -> None:
    async with transaction(ctx.sessions) as session:
        await prune(session, now=ctx.now())


PRUNE_ANSWERS = Job("web.prune_answers", Nothing)

JOBS: dict[str, JobFunction] = PRUNE_ANSWERS.run_by(prune_answers)
SCHEDULE: dict[str, str] = {PRUNE_ANSWERS.name: "23 * * * *"}
