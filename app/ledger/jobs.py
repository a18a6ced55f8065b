"""The jobs and timers of the ledger: release held calls, find lost ones, repeat failed handlers of outcomes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.database import transaction
from app.jobs.job import Job, JobContext, JobFunction, Nothing, TimerHandler
from app.jobs.timers import due_of, set_timer
from app.ledger import calls, queries, resolve
from app.ledger.calls import HEAR_OUTCOME, MAKE_CALL, CallPayload, tell_outcome
from app.ledger.claiming import set_back
from app.ledger.rules import LEASE
from app.limits.catalogue import COUNTERS, Per
from app.limits.numbers import remember_accounts
from app.limits.usage.counters import count_from, prune
from app.observability import get_logger
from app.quota.service import LIMIT_CHANGED, LimitChanged
from app.settings import Settings
from models.delivery import CallState

log = get_logger()

RECOVER = Job("delivery.recover", Nothing)
JUDGE_AGAIN = Job("delivery.judge_again", Nothing)
TEND_LIMITS = Job("delivery.tend_limits", Nothing)

RECOVER_DUE = "delivery.recover_due"

RECOVER_EVERY = timedelta(minutes=1)

EVERYTHING = "all"

FORGOTTEN_AFTER = timedelta(minutes=2)
"""A call that is due and was not made for so long has lost its job."""

NOTICED = timedelta(seconds=30)
"""Clocks of our processes may differ by less."""

ENDED = (CallState.DONE, CallState.FAILED, CallState.UNKNOWN)
"""The states that are reported to the domain that requested the call."""

_BATCH = 500


async def recover(ctx: JobContext, _payload: Nothing) -> None:
    """Calls of dead workers become unknown. Calls whose job was lost get a new job."""
    async with transaction(ctx.sessions) as session:
        dead = await queries.calls_with_dead_workers(session, ctx.now(), limit=_BATCH)
    for call_id in dead:
        try:
            async with transaction(ctx.sessions) as session:
                await resolve.give_up_lease(session, call_id=call_id, now=ctx.now())
        except Exception:
            # The domain that hears its outcome fails: the calls behind it must not wait until that is mended.
            log.exception("call.not_given_up", call_id=str(call_id))
    async with transaction(ctx.sessions) as session:
        for call_id in await queries.calls_left_waiting(session, ctx.now() - FORGOTTEN_AFTER, limit=_BATCH):
            await MAKE_CALL.enqueue(session, CallPayload(call_id=call_id), dedupe_key=f"call:{call_id}")


async def judge_again(ctx: JobContext, _payload: Nothing) -> None:
    """Our clock was set back: the rest period and the limits are judged by the time that it is now, not by when they
    were to end. What is still not allowed waits again, until the moment that is right.
    """
    now = ctx.now()
    for name in sorted(COUNTERS, key=lambda name: (COUNTERS[name].per is not Per.MEMBER, name)):
        async with transaction(ctx.sessions) as session:
            await count_from(session, COUNTERS[name], now=now)
    async with transaction(ctx.sessions) as session:
        await set_back.shorten_leases(session, until=now + LEASE)
    last: UUID | None = UUID(int=0)
    while last is not None:
        async with transaction(ctx.sessions) as session:
            found = await set_back.judge_again(session, now=now, after=last, most=_BATCH)
            await MAKE_CALL.enqueue_many(session, [CallPayload(call_id=call_id) for call_id in found])
        last = found[-1] if found else None


async def hear_outcome(ctx: JobContext, payload: CallPayload) -> None:
    """A domain's handler of an outcome failed: call it again. The call itself has already ended."""
    async with transaction(ctx.sessions) as session:
        call = await queries.call_for_update(session, payload.call_id)
        if call is not None and call.state in ENDED:
            await tell_outcome(session, call=call, now=ctx.now())


async def tend_limits(ctx: JobContext, _payload: Nothing) -> None:
    """Delete counters that are no longer needed, and compute limits that grow with the company again."""
    async with transaction(ctx.sessions) as session:
        await prune(session, now=ctx.now())
    async with transaction(ctx.sessions) as session:
        await remember_accounts(session, now=ctx.now())


async def limit_changed(ctx: JobContext, payload: LimitChanged) -> None:
    """An operator changed a limit (`key`) or lifted a block (`path`): what waits for it asks again now."""
    released = _BATCH
    while released == _BATCH:
        async with transaction(ctx.sessions) as session:
            let_go = await queries.let_go(session, limit_key=payload.key, path=payload.path, now=ctx.now(), most=_BATCH)
            await MAKE_CALL.enqueue_many(session, [CallPayload(call_id=call_id) for call_id in sorted(let_go)])
        released = len(let_go)


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:  # noqa: ARG001 -- all steps are called alike
    """At start: whatever dead workers left is looked for now, and limits that grow with the company are computed. A
    recurring timer that is due later than it can be was set by a clock that has been set back since.
    """
    due_at = await due_of(session, RECOVER_DUE, EVERYTHING)
    if due_at is not None and due_at > now + RECOVER_EVERY + NOTICED:
        await JUDGE_AGAIN.enqueue(session, Nothing())
    await set_timer(session, RECOVER_DUE, EVERYTHING, now)
    await remember_accounts(session, now=now)


async def recover_due(session: AsyncSession, _subject: str, now: datetime) -> None:
    """Runs each minute of the injected clock (D3), which leases and waiting times use as well."""
    await RECOVER.enqueue(session, Nothing(), dedupe_key=RECOVER.name)
    await set_timer(session, RECOVER_DUE, EVERYTHING, now + RECOVER_EVERY)


async def release_held_call(session: AsyncSession, subject: str, _now: datetime) -> None:
    await calls.release(session, UUID(subject))


JOBS: dict[str, JobFunction] = (
    HEAR_OUTCOME.run_by(hear_outcome)
    | RECOVER.run_by(recover)
    | JUDGE_AGAIN.run_by(judge_again)
    | TEND_LIMITS.run_by(tend_limits)
    | LIMIT_CHANGED.run_by(limit_changed)
)

TIMERS: dict[str, TimerHandler] = {calls.RELEASE: release_held_call, RECOVER_DUE: recover_due}

SCHEDULE: dict[str, str] = {
    TEND_LIMITS.name: "41 * * * *",
    RECOVER.name: "*/5 * * * *",  # by the database's clock too: the timer waits when ours is set back
}
