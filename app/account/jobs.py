"""Background entry point: whoever was signed out by somebody else is told."""

from __future__ import annotations

from app.account import service
from app.database import transaction
from app.events.service import EventPayload, catalogue
from app.jobs.job import Job, JobContext, JobFunction

SIGNED_OUT = Job("account.signed_out", EventPayload)
"""The subscriber of `person.signed_out`."""


async def tell_signed_out(ctx: JobContext, payload: EventPayload) -> None:
    event = payload.read_as(catalogue.PersonSignedOut)
    async with transaction(ctx.sessions) as session:
        if not await service.was_told(session, event, correlation_id=payload.correlation_id):
            await service.tell_signed_out(session, event, payload.why, at=payload.occurred_at, now=ctx.now())


JOBS: dict[str, JobFunction] = SIGNED_OUT.run_by(tell_signed_out)

SUBSCRIBERS = {catalogue.PersonSignedOut.type: [SIGNED_OUT.name]}
