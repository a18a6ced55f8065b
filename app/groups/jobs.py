"""Background entry points: departures, refused changes compared with the group, the outcomes of ledger calls."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.database import transaction
from app.departures.service import Departure, DeparturePart, Stage
from app.events.service import EventPayload, catalogue
from app.findings import queries as findings_queries
from app.groups import came_back, departures, queries
from app.groups.changes import outcomes
from app.groups.changes.outcomes import SETTLE
from app.groups.creation import left_out, register
from app.groups.creation.register import creation_ended
from app.groups.rules import READ_AGAIN_WITHIN, GroupPurpose
from app.groups.snapshot import GroupGone, read_group
from app.groups.succession.ask import OWNER_IS_BACK, GroupPayload, ask_who_was_read_again, end_if_needless
from app.jobs.job import Job, JobContext, JobFunction, Nothing
from app.ledger.service import CallPayload, OutcomeHandler
from models.groups import FindingKind, GroupState
from models.ids import GroupId, PersonId


async def register_departure(ctx: JobContext, departure: Departure) -> None:
    """Somebody left or was disabled (2.6): register in each of their groups that they should leave, and who follows."""
    async with transaction(ctx.sessions) as session:
        for group_id in await queries.groups_of(session, departure.person_id):
            await departures.depart(session, group_id=group_id, departure=departure, now=ctx.now())


async def remove_from_groups(ctx: JobContext, departure: Departure) -> None:
    """Ask the platform for what it still shows of them."""
    async with transaction(ctx.sessions) as session:
        group_ids = await queries.groups_of(session, departure.person_id)
    for group_id in group_ids:
        await _follow(ctx, group_id, departure.person_id)


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
            await departures.follow_up(
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


TRY_AGAIN = Job("groups.try_again", Nothing)
READ_AGAIN = Job("groups.read_again", EventPayload)
"""The subscriber of `sync_run.read_again` and `userid.linked`."""

SOON = timedelta(seconds=2)
"""Many who are linked together make one round."""


async def try_again(ctx: JobContext, _payload: Nothing) -> None:
    """Put right what readings have done that had left people out, one transaction each."""
    async with transaction(ctx.sessions) as session:
        request_ids = await came_back.failed_lately(session, now=ctx.now())
        incomplete = await queries.founded_without_some(session, since=ctx.now() - READ_AGAIN_WITHIN)
        lost = await came_back.groups_lost(session, now=ctx.now())
        ownerless = await findings_queries.groups_with(session, FindingKind.OWNER_LEFT)
    for request_id in request_ids:
        async with transaction(ctx.sessions) as session:
            await came_back.try_again(session, request_id=request_id, now=ctx.now())
    for group_id in incomplete:
        async with transaction(ctx.sessions) as session:
            await left_out.complete(session, group_id=group_id, now=ctx.now())
    for one in lost:
        async with transaction(ctx.sessions) as session:
            await came_back.take_back(session, one, now=ctx.now())
    for group_id in ownerless:
        async with transaction(ctx.sessions) as session:
            await ask_who_was_read_again(session, group_id=group_id, now=ctx.now())


async def read_again(ctx: JobContext, _payload: EventPayload) -> None:
    """Somebody was read again: look now, not at the next ten minutes."""
    async with transaction(ctx.sessions) as session:
        await TRY_AGAIN.enqueue(session, Nothing(), dedupe_key=TRY_AGAIN.name, run_after=SOON)


async def owner_is_back(ctx: JobContext, payload: GroupPayload) -> None:
    async with transaction(ctx.sessions) as session:
        await end_if_needless(session, group_id=payload.group_id, now=ctx.now())


JOBS: dict[str, JobFunction] = (
    SETTLE.run_by(settle_call)
    | TRY_AGAIN.run_by(try_again)
    | READ_AGAIN.run_by(read_again)
    | OWNER_IS_BACK.run_by(owner_is_back)
)

SUBSCRIBERS = {
    catalogue.PeopleReadAgain.type: [READ_AGAIN.name],
    catalogue.UseridLinked.type: [READ_AGAIN.name],
}

SCHEDULE: dict[str, str] = {TRY_AGAIN.name: "*/10 * * * *"}

OUTCOMES: dict[str, OutcomeHandler] = {
    GroupPurpose.CREATE: creation_ended,
    GroupPurpose.ROSTER: outcomes.roster_ended,
}

DEPARTURE_PARTS = {
    "groups.succession": DeparturePart(Stage.SUCCESSION, register_departure),
    "groups.removal": DeparturePart(Stage.PLATFORM, remove_from_groups),
}
