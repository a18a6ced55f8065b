"""Background entry points: compare groups with the platform, at the policy's interval or on request."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.database import transaction
from app.events.service import Event, catalogue, publish
from app.groups import queries
from app.groups import service as groups
from app.groups.service import GroupGone, people_gone, read_group
from app.inbox.service import RECONCILE, ReconcilePayload
from app.jobs.job import JobContext, JobFunction, TimerHandler
from app.jobs.timers import set_timer
from app.policy import service as policies
from app.reconciliation import apply_snapshot as compare
from app.settings import Settings
from models.ids import GroupId

RECONCILE_DUE = "groups.reconcile_due"

EVERYTHING = "all"


async def reconcile_groups(ctx: JobContext, payload: ReconcilePayload) -> None:
    """Without a group: a job for each group. With one: read it and compare."""
    if payload.group_id is not None:
        await _reconcile(ctx, payload.group_id, accept_losses=payload.accept_losses)
        return
    async with transaction(ctx.sessions) as session:
        ids = await queries.ids_to_reconcile(session)
        # A sweep: a job that waits or runs does as well, and the next sweep comes.
        await RECONCILE.enqueue_many(
            session,
            [ReconcilePayload(group_id=group_id) for group_id in ids],
            dedupe_keys=[f"{RECONCILE.name}:{group_id}" for group_id in ids],
        )


async def _reconcile(ctx: JobContext, group_id: GroupId, *, accept_losses: bool) -> None:
    async with transaction(ctx.sessions) as session:
        group = await queries.group(session, group_id)
    snapshot = await read_group(ctx.platform.app, group.chatid, at=ctx.now())
    if isinstance(snapshot, GroupGone):
        async with transaction(ctx.sessions) as session:
            await groups.mark_lost(session, group_id=group_id, gone=snapshot, now=ctx.now())
        return
    async with transaction(ctx.sessions) as session:
        asked = await compare.to_ask_about(
            session, group_id=group_id, snapshot=snapshot, accept_losses=accept_losses, now=ctx.now()
        )
    gone = await people_gone(ctx.platform.app, asked)
    async with transaction(ctx.sessions) as session:
        await compare.apply_snapshot(
            session, group_id=group_id, snapshot=snapshot, gone=gone, accept_losses=accept_losses, now=ctx.now()
        )


async def request_reconciliation(
    session: AsyncSession,
    group_id: GroupId | None = None,
    *,
    accept_losses: bool = False,
    actor: Actor,
    now: datetime,
) -> bool:
    """Now, because somebody asked: never skipped as a duplicate, the job at work may have looked already. The trail
    names who asked, and who vouched for a loss.
    """
    payload = ReconcilePayload(group_id=group_id, accept_losses=accept_losses) if group_id else ReconcilePayload()
    policy = await policies.in_force(session, now=now)
    rule = "group.roster_loss" if payload.accept_losses else "group.roster"
    await publish(session, _asked(payload), Why(actor, rule, policy.id), now=now)
    return await RECONCILE.enqueue(session, payload)


def _asked(payload: ReconcilePayload) -> Event:
    if payload.group_id is None:
        return catalogue.ComparisonAsked()
    asked = catalogue.GroupLossAccepted if payload.accept_losses else catalogue.GroupComparisonAsked
    return asked(group_id=payload.group_id)


async def start_up(session: AsyncSession, *, now: datetime, settings: Settings) -> None:  # noqa: ARG001 -- all steps are called alike
    """At start: the next comparison is no further away than the policy's interval. After a time down it is due now."""
    policy = await policies.in_force(session, now=now)
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
    await RECONCILE.enqueue(session, ReconcilePayload(), dedupe_key=RECONCILE.name)
    await set_timer(session, RECONCILE_DUE, EVERYTHING, now + interval)


JOBS: dict[str, JobFunction] = RECONCILE.run_by(reconcile_groups)
TIMERS: dict[str, TimerHandler] = {RECONCILE_DUE: reconcile_due}
