"""Sessions end with the person; what nobody can use any more is forgotten."""

from __future__ import annotations

from uuid import UUID

from app.access.sign_in import attempts, sessions
from app.database import transaction
from app.events.service import EventPayload, catalogue
from app.jobs.job import Job, JobContext, JobFunction, Nothing


async def sign_out(ctx: JobContext, payload: EventPayload) -> None:
    """Pages are closed to a leaver in any case (`sessions.find`); this ends the rows."""
    async with transaction(ctx.sessions) as session:
        await sessions.end_all_of(session, UUID(payload.about_id), now=ctx.now())


async def forget(ctx: JobContext, _payload: Nothing) -> None:
    async with transaction(ctx.sessions) as session:
        await attempts.forget_old(session, now=ctx.now())
        await sessions.forget_old(session, now=ctx.now())


SIGN_OUT = Job("access.sign_out", EventPayload)
FORGET = Job("access.forget", Nothing)

JOBS: dict[str, JobFunction] = SIGN_OUT.run_by(sign_out) | FORGET.run_by(forget)
SCHEDULE: dict[str, str] = {FORGET.name: "37 * * * *"}
SUBSCRIBERS = {catalogue.PersonDeparted.type: [SIGN_OUT.name]}
