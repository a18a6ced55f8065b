"""Background entry points: departures, readings compared, refused calls looked at; the outcomes of ledger calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import jobs as approval_jobs
from app.database import transaction
from app.groups import departures, outcomes, queries, reconcile
from app.groups.create import CREATE, creation_ended
from app.groups.kinds import KINDS
from app.groups.outcomes import SETTLE
from app.groups.readings import Gone, people_gone, read_group
from app.groups.roster import ROSTER
from app.jobs.queue import enqueue, enqueue_many
from app.jobs.registry import JobContext, JobFunction, TimerHandler
from app.jobs.timers import set_timer
from app.ledger.outcomes import OutcomeHandler
from app.policy import service as policies
from app.policy.service import Policy
from models.groups import GroupState
from models.ids import GroupId, PersonId

RECONCILE = "groups.reconcile"
RECONCILE_DUE = "groups.reconcile_due"
EVERYTHING = "all"


async def person_departed(ctx: JobContext, payload: dict[str, Any]) -> None:
    """Somebody left or was disabled (2.6, 8.2): out of every group and every open request.

    Every step finds nothing to do a second time. Groups come first: an administrator's successor follows them in
    their open approvals, too.
    """
    person_id, why = PersonId(UUID(payload["person_id"])), str(payload.get("why", "left"))
    async with transaction(ctx.sessions) as session:
        group_ids = await queries.groups_of(session, person_id)
        for group_id in group_ids:
            await departures.depart(session, group_id=group_id, person_id=person_id, why=why, now=ctx.now())
    await approval_jobs.person_departed(ctx, KINDS, person_id=person_id, why=why)
    for group_id in group_ids:
        await _follow(ctx, group_id, person_id)


async def _follow(ctx: JobContext, group_id: GroupId, person_id: PersonId) -> None:
    async with transaction(ctx.sessions) as session:
        group = await queries.group(session, group_id)
    if group.state is not GroupState.ACTIVE:
        return
    reading = await read_group(ctx.platform.app, group.chatid, at=ctx.now())
    async with transaction(ctx.sessions) as session:
        if isinstance(reading, Gone):
            await reconcile.mark_lost(session, group_id=group_id, gone=reading, now=ctx.now())
        elif reading.userids:
            await departures.follow_up(session, group_id=group_id, person_id=person_id, reading=reading, now=ctx.now())


async def reconcile_groups(ctx: JobContext, payload: dict[str, Any]) -> None:
    """`{}`: a job for each group. `{"group_id": …, "accept_losses": …}`: read this one and compare."""
    if "group_id" in payload:
        await _reconcile(ctx, GroupId(UUID(payload["group_id"])), accept_losses=bool(payload.get("accept_losses")))
        return
    async with transaction(ctx.sessions) as session:
        ids = await queries.ids_to_reconcile(session)
        # A sweep: a job that waits or runs does as well, and the next sweep comes.
        await enqueue_many(
            session,
            RECONCILE,
            [{"group_id": str(group_id)} for group_id in ids],
            dedupe_keys=[f"{RECONCILE}:{group_id}" for group_id in ids],
        )


async def _reconcile(ctx: JobContext, group_id: GroupId, *, accept_losses: bool) -> None:
    async with transaction(ctx.sessions) as session:
        group = await queries.group(session, group_id)
    reading = await read_group(ctx.platform.app, group.chatid, at=ctx.now())
    if isinstance(reading, Gone):
        async with transaction(ctx.sessions) as session:
            await reconcile.mark_lost(session, group_id=group_id, gone=reading, now=ctx.now())
        return
    async with transaction(ctx.sessions) as session:
        asked = await reconcile.to_ask_about(
            session, group_id=group_id, reading=reading, accept_losses=accept_losses, now=ctx.now()
        )
    gone = await people_gone(ctx.platform.app, asked)
    async with transaction(ctx.sessions) as session:
        await reconcile.compare(
            session, group_id=group_id, reading=reading, gone=gone, accept_losses=accept_losses, now=ctx.now()
        )


async def settle_call(ctx: JobContext, payload: dict[str, Any]) -> None:
    """A refusal that may mean "it is so already" (86216): look at the group."""
    call_id = UUID(payload["call_id"])
    async with transaction(ctx.sessions) as session:
        call = await queries.call(session, call_id)
        group = await queries.group(session, GroupId(UUID(call.subject_id))) if call else None
    if group is None:
        return
    reading = await read_group(ctx.platform.app, group.chatid, at=ctx.now())
    async with transaction(ctx.sessions) as session:
        if isinstance(reading, Gone):
            await reconcile.mark_lost(session, group_id=GroupId(group.id), gone=reading, now=ctx.now())
        await outcomes.settle(
            session, call_id=call_id, reading=None if isinstance(reading, Gone) else reading, now=ctx.now()
        )


# ---------------------------------------------------------------- the schedule


async def request_reconciliation(
    session: AsyncSession, group_id: GroupId | None = None, *, accept_losses: bool = False
) -> bool:
    """Now, because somebody asked: never skipped as a duplicate, the job at work may have looked already."""
    payload = {"group_id": str(group_id), "accept_losses": accept_losses} if group_id else {}
    return await enqueue(session, RECONCILE, payload)


async def ensure_scheduled(session: AsyncSession, *, now: datetime, policy: Policy) -> None:
    """At start: the next comparison is no further away than the policy's interval. After a time down it is due now."""
    interval = timedelta(seconds=policy.document.groups.reconcile_interval_seconds)
    timer = await queries.timer(session, RECONCILE_DUE, EVERYTHING)
    if timer is None:
        await set_timer(session, RECONCILE_DUE, EVERYTHING, now)
    elif timer.parked_at is not None or timer.due_at > now + interval:
        await set_timer(session, RECONCILE_DUE, EVERYTHING, now + interval)


async def reconcile_due(session: AsyncSession, _subject: str, now: datetime) -> None:
    """2.7: every roster, at the interval of the policy in force; the next time is set with it."""
    policy = await policies.in_force(session, now=now)
    interval = timedelta(seconds=policy.document.groups.reconcile_interval_seconds)
    await enqueue(session, RECONCILE, {}, dedupe_key=RECONCILE)
    await set_timer(session, RECONCILE_DUE, EVERYTHING, now + interval)


JOBS: dict[str, JobFunction] = {
    "org.person_departed": person_departed,
    RECONCILE: reconcile_groups,
    SETTLE: settle_call,
}

TIMERS: dict[str, TimerHandler] = {RECONCILE_DUE: reconcile_due}

OUTCOMES: dict[str, OutcomeHandler] = {CREATE: creation_ended, ROSTER: outcomes.roster_ended}
