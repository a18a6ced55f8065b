"""Background entry points: making calls, releasing held ones, and picking up what a dead worker left."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import transaction
from app.delivery import calls, limit_queries, queries, recovery
from app.delivery.carry_out import Answered, Failed, Missing, Outcome, carry_out
from app.delivery.claim import claim
from app.delivery.outcomes import tell_outcome
from app.delivery.send import MAKE_CALL
from app.jobs.queue import enqueue, enqueue_many
from app.jobs.registry import JobContext, JobFunction, TimerHandler
from app.jobs.timers import set_timer
from app.limits.counters import prune
from app.limits.numbers import remember_accounts
from app.observability import get_logger
from models.delivery import CallState
from models.ids import CONTACTS

log = get_logger()

RECOVER = "delivery.recover"
RECOVER_DUE = "delivery.recover_due"
RECOVER_EVERY = timedelta(minutes=1)
EVERYTHING = "all"

FORGOTTEN_AFTER = timedelta(minutes=2)
"""A call that may go and does not: its job was lost, or given up."""

RECORD_AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (0.1, 1, 3, 5))
"""Together longer than a restart of the database."""

ENDED = (CallState.DONE, CallState.FAILED, CallState.UNKNOWN)
"""States that the domain that asked for the call hears of."""

_BATCH = 500


async def make_call(ctx: JobContext, payload: dict[str, Any]) -> None:
    """Claim, call, record: two short transactions around one call of the platform."""
    async with ctx.claiming, transaction(ctx.sessions) as session:
        attempt = await claim(session, call_id=UUID(payload["call_id"]), now=ctx.now())
    if attempt is None:
        return
    client = ctx.platform.contacts if attempt.app_id == CONTACTS else ctx.platform.app
    outcome = await carry_out(client, attempt)
    # It counts until here: what the recording waits for does not make the call late.
    await _record_surely(ctx, attempt, outcome, ended_at=ctx.now())


async def _record_surely(ctx: JobContext, attempt: calls.Attempt, outcome: Outcome, *, ended_at: datetime) -> None:
    """What the platform answered is known here alone: a deadlock or a restarting database must not make it unknown."""
    for pause in RECORD_AGAIN_AFTER:
        try:
            async with transaction(ctx.sessions) as session:
                await _record(session, attempt, outcome, ended_at)
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("call.not_recorded", call_id=str(attempt.call_id), error=type(error).__name__)
            await asyncio.sleep(pause.total_seconds())
        else:
            return
    async with transaction(ctx.sessions) as session:
        await _record(session, attempt, outcome, ended_at)


async def _record(session: AsyncSession, attempt: calls.Attempt, outcome: Outcome, now: datetime) -> None:
    match outcome:
        case Answered(answer):
            await calls.record(session, attempt=attempt, answer=answer, now=now)
        case Failed(failure):
            await calls.record(session, attempt=attempt, failure=failure, now=now)
        case Missing(body):
            await recovery.ask_for_the_rest(session, attempt=attempt, missing=body, now=now)


async def recover(ctx: JobContext, _payload: dict[str, Any]) -> None:
    """Calls in the hands of dead workers become unknown; calls whose job was lost get a new one."""
    async with transaction(ctx.sessions) as session:
        dead = await queries.calls_with_dead_workers(session, ctx.now(), limit=_BATCH)
    for call_id in dead:
        try:
            async with transaction(ctx.sessions) as session:
                await recovery.give_up_lease(session, call_id=call_id, now=ctx.now())
        except Exception:
            # Whoever hears its outcome fails: the calls behind it must not wait for that to be mended.
            log.exception("call.not_given_up", call_id=str(call_id))
    async with transaction(ctx.sessions) as session:
        for call_id in await queries.calls_left_waiting(session, ctx.now() - FORGOTTEN_AFTER, limit=_BATCH):
            await enqueue(session, MAKE_CALL, {"call_id": str(call_id)}, dedupe_key=f"call:{call_id}")


async def hear_outcome(ctx: JobContext, payload: dict[str, Any]) -> None:
    """A domain failed to hear how its call ended: once more, until it can. The call itself has ended long ago."""
    async with transaction(ctx.sessions) as session:
        call = await queries.call_for_update(session, UUID(payload["call_id"]))
        if call is not None and call.state in ENDED:
            await tell_outcome(session, call=call, now=ctx.now())


async def tend_limits(ctx: JobContext, _payload: dict[str, Any]) -> None:
    """Counters of which nothing counts any more go; limits that grow with the company are computed anew."""
    async with transaction(ctx.sessions) as session:
        await prune(session, now=ctx.now())
    async with transaction(ctx.sessions) as session:
        await remember_accounts(session, now=ctx.now())


async def limit_changed(ctx: JobContext, payload: dict[str, Any]) -> None:
    """An operator changed a limit (`key`) or lifted a block (`path`): what waits for it asks again now."""
    released = _BATCH
    while released == _BATCH:
        async with transaction(ctx.sessions) as session:
            let_go = await limit_queries.let_go(
                session, limit_key=payload.get("key"), path=payload.get("path"), now=ctx.now(), most=_BATCH
            )
            await enqueue_many(session, MAKE_CALL, [{"call_id": str(call_id)} for call_id in sorted(let_go)])
        released = len(let_go)


async def ensure_scheduled(session: AsyncSession, *, now: datetime) -> None:
    """At start: whatever dead workers left is looked for now, and limits that grow with the company are computed."""
    await set_timer(session, RECOVER_DUE, EVERYTHING, now)
    await remember_accounts(session, now=now)


async def recover_due(session: AsyncSession, _subject: str, now: datetime) -> None:
    """Each minute of the injected clock (D3), by which leases and waiting are counted as well."""
    await enqueue(session, RECOVER, {}, dedupe_key=RECOVER)
    await set_timer(session, RECOVER_DUE, EVERYTHING, now + RECOVER_EVERY)


async def release_held_call(session: AsyncSession, subject: str, _now: datetime) -> None:
    await calls.release(session, UUID(subject))


JOBS: dict[str, JobFunction] = {
    MAKE_CALL: make_call,
    calls.HEAR_OUTCOME: hear_outcome,
    RECOVER: recover,
    "delivery.tend_limits": tend_limits,
    "delivery.limit_changed": limit_changed,
}

TIMERS: dict[str, TimerHandler] = {calls.RELEASE: release_held_call, RECOVER_DUE: recover_due}

SCHEDULE: dict[str, str] = {"delivery.tend_limits": "41 * * * *"}
