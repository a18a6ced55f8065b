"""The job that makes a call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import is_away, transaction
from app.delivery.divide_for_limits import divide
from app.jobs.job import JobContext, JobFunction
from app.ledger import service as ledger
from app.ledger.service import MAKE_CALL, Answered, Attempt, CallPayload, Divided, Missing, NotAnswered, Outcome
from app.observability import get_logger
from models.ids import CONTACTS

log = get_logger()

RECORD_AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (0.1, 1, 3, 5))
"""The pauses together are longer than a restart of the database."""


async def make_call(ctx: JobContext, payload: CallPayload) -> None:
    """Claim, call, record: two short transactions around one call of the platform."""
    async with ctx.claiming, transaction(ctx.sessions) as session:
        attempt = await ledger.claim(session, call_id=payload.call_id, now=ctx.now())
        if isinstance(attempt, Divided):
            await divide(session, attempt.call, attempt.shares, now=ctx.now())
    if not isinstance(attempt, Attempt):
        return
    client = ctx.platform.contacts if attempt.app_id == CONTACTS else ctx.platform.app
    outcome = await ledger.carry_out(client, attempt)
    # It counts until here: what the recording waits for does not make the call late.
    await record_surely(ctx, attempt, outcome, ended_at=ctx.now())


async def record_surely(
    ctx: JobContext,
    attempt: Attempt,
    outcome: Outcome,
    *,
    ended_at: datetime,
    pauses: Sequence[timedelta] = RECORD_AGAIN_AFTER,
) -> None:
    """Record the answer, which only this process knows: a deadlock or a database restart must not lose it, and while
    the database is away or full it is kept, however long.
    """
    for tries, pause in enumerate(chain(pauses, repeat(pauses[-1]))):
        try:
            async with transaction(ctx.sessions) as session:
                await _record(session, attempt, outcome, ended_at)
        except (SQLAlchemyError, OSError) as error:
            if tries >= len(pauses) and not is_away(error):
                raise
            log.warning("call.not_recorded", call_id=str(attempt.call_id), error=type(error).__name__)
            await asyncio.sleep(pause.total_seconds())
        else:
            return


async def _record(session: AsyncSession, attempt: Attempt, outcome: Outcome, now: datetime) -> None:
    match outcome:
        case Answered(answer):
            await ledger.record(session, attempt=attempt, answer=answer, now=now)
        case NotAnswered(failure):
            await ledger.record(session, attempt=attempt, failure=failure, now=now)
        case Missing(body):
            await ledger.ask_for_the_rest(session, attempt=attempt, missing=body, now=now)


JOBS: dict[str, JobFunction] = MAKE_CALL.run_by(make_call)
