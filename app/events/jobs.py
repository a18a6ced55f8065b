"""Old events go."""

from __future__ import annotations

from app.database import transaction
from app.events.feed_positions import PRUNED_AT_ONCE, prune
from app.jobs.job import Job, JobContext, JobFunction, Nothing

PRUNE = Job("events.prune", Nothing)


async def prune_events(ctx: JobContext, _payload: Nothing) -> None:
    """Delete what is older than the setting says; the feed remembers how far it was."""
    before = ctx.now() - ctx.settings.events_kept
    while True:
        async with transaction(ctx.sessions) as session:
            pruned = await prune(session, before=before)
        if pruned < PRUNED_AT_ONCE:
            return


JOBS: dict[str, JobFunction] = PRUNE.run_by(prune_events)
SCHEDULE: dict[str, str] = {PRUNE.name: "41 3 * * *"}
