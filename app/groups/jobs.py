"""Background entry points: departures, refused changes compared with the group, the outcomes of ledger calls."""

from __future__ import annotations

from uuid import UUID

from app.approvals import jobs as approval_jobs
from app.database import transaction
from app.groups import outcomes, queries, register, succession
from app.groups.outcomes import SETTLE
from app.groups.register import CREATE, creation_ended
from app.groups.roster import ROSTER
from app.groups.snapshot import GroupGone, read_group
from app.jobs.job import JobContext, JobFunction
from app.ledger.service import CallPayload, OutcomeHandler
from app.sync.service import PERSON_DEPARTED, DeparturePayload
from models.groups import GroupState
from models.ids import GroupId, PersonId


async def person_departed(ctx: JobContext, payload: DeparturePayload) -> None:
    """Somebody left or was disabled (2.6, 8.2): out of every group and every open request.

    Every step finds nothing to do a second time. Groups come first: an administrator's successor follows them in
    their open approvals, too.
    """
    person_id, why = payload.person_id, payload.why
    async with transaction(ctx.sessions) as session:
        group_ids = await queries.groups_of(session, person_id)
        for group_id in group_ids:
            await succession.depart(session, group_id=group_id, person_id=person_id, why=why, now=ctx.now())
    await approval_jobs.person_departed(ctx, person_id=person_id, why=why)
    for group_id in group_ids:
        await _follow(ctx, group_id, person_id)


async def _follow(ctx: JobContext, group_id: GroupId, person_id: PersonId) -> None:
    async with transaction(ctx.sessions) as session:
        group = await queries.group(session, group_id)
    if group.state is not GroupState.ACTIVE:
        return
    snapshot = await read_group(ctx.platform.app, group.chatid, at=ctx.now())
    async with transaction(ctx.sessions) as session:
        if isinstance(snapshot, GroupGone):
            await register.mark_lost(session, group_id=group_id, gone=snapshot, now=ctx.now())
        elif snapshot.userids:
            await succession.follow_up(
                session, group_id=group_id, person_id=person_id, snapshot=snapshot, now=ctx.now()
            )


async def settle_call(ctx: JobContext, payload: CallPayload) -> None:
    """Look at the group after a refusal that may mean that the group is already as asked for (86216)."""
    async with transaction(ctx.sessions) as session:
        call = await queries.call(session, payload.call_id)
        group = await queries.group(session, GroupId(UUID(call.subject_id))) if call else None
    if group is None:
        return
    snapshot = await read_group(ctx.platform.app, group.chatid, at=ctx.now())
    async with transaction(ctx.sessions) as session:
        shown = None if isinstance(snapshot, GroupGone) else snapshot
        # First, because it locks the call: everybody locks a call before its group.
        await outcomes.settle(session, call_id=payload.call_id, snapshot=shown, now=ctx.now())
        if isinstance(snapshot, GroupGone):
            await register.mark_lost(session, group_id=GroupId(group.id), gone=snapshot, now=ctx.now())


JOBS: dict[str, JobFunction] = PERSON_DEPARTED.run_by(person_departed) | SETTLE.run_by(settle_call)

OUTCOMES: dict[str, OutcomeHandler] = {CREATE: creation_ended, ROSTER: outcomes.roster_ended}
