"""What became of a roster change, for each person in it, in the transaction that records the outcome of its call.

Lock order everywhere: the call, then the application, then the group.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.events.service import catalogue
from app.findings.service import RECONCILER
from app.groups import group_names, queries, rules
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.record import change_of, order_update, settle_change, settle_people
from app.groups.changes.update import GroupUpdate
from app.groups.requests import finish
from app.groups.roster import welcome
from app.groups.rules import GroupPurpose
from app.groups.snapshot import GroupSnapshot
from app.groups.succession.hand_over import owner_was_set
from app.jobs.job import Job
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.service import CallPayload, Resolution
from models.approvals import OutcomeState
from models.delivery import CallState, OutgoingCall
from models.groups import Group, GroupChange, GroupChangeKind, GroupChangeState, GroupMember
from models.ids import GroupId, fold

SETTLE = Job("groups.settle", CallPayload)
"""Read the group after a refusal that may mean that the group is already as asked for."""


async def roster_ended(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """Outcome of an `appchat/update`.

    After a refusal with 86216 the change has failed for everybody until `settle` has looked at the group. An unknown
    outcome is shown, and a snapshot may settle it (`settle_unknown`).
    """
    change = await change_of(session, call)
    if call.state is CallState.DONE:
        await _take_effect(session, call, change, await queries.unfinished_part(session, change), now=now)
        await settle_change(session, change, GroupChangeState.DONE, now=now)
    elif call.state is CallState.UNKNOWN:
        await settle_change(session, change, GroupChangeState.UNKNOWN, now=now, error=call.error)
    else:
        await settle_change(session, change, GroupChangeState.FAILED, now=now, error=call.error)
        if call.errcode == rules.ILLEGAL_MEMBER:
            await SETTLE.enqueue(session, CallPayload(call_id=call.id))
        else:
            await _fail(session, call, change, now=now)


async def settle(session: AsyncSession, *, call_id: UUID, snapshot: GroupSnapshot | None, now: datetime) -> None:
    """Compare a refused change with the group as it is.

    The change is done for the people for whom the snapshot shows it. They made the platform refuse the whole call, so
    the rest is ordered again. If the snapshot shows nothing of it, or the group is lost (no snapshot), it has failed.
    """
    call = await ledger_queries.call_for_update(session, call_id)
    if call is None or call.state is not CallState.FAILED:
        return
    change = await change_of(session, call)
    if await queries.is_continued(session, change):
        return
    asked = await queries.unfinished_part(session, change)
    rest = snapshot.lacks(asked) if snapshot else asked
    if rest == asked:
        await _fail(session, call, change, now=now)
        return
    await _take_effect(session, call, change, asked.without(rest) if rest else asked, now=now)
    if rest is not None:
        await _order_again(session, call, change, rest, now=now)


async def settle_unknown(session: AsyncSession, *, call_id: UUID, snapshot: GroupSnapshot, now: datetime) -> None:
    """Compare a change of unknown outcome with the group as it is.

    It is done for the people for whom the snapshot shows it. When it shows all of the change, the call is done too.
    What does not show stays unknown: a later snapshot, or a person, settles it.
    """
    call = await ledger_queries.call_for_update(session, call_id)
    if call is None or call.state is not CallState.UNKNOWN:
        return
    change = await change_of(session, call)
    asked = await queries.unfinished_part(session, change)
    rest = None if change.kind is GroupChangeKind.CREATE else snapshot.lacks(asked)
    if rest is None:
        await ledger.resolve_call(session, call_id=call.id, resolution=Resolution.DONE, actor=RECONCILER, now=now)
        return
    shown = asked.without(rest)
    if shown.people:
        # Owner and name have no state of their own: they are settled with the call.
        await _take_effect(session, call, change, GroupUpdate(add=shown.add, remove=shown.remove), now=now)


async def _order_again(
    session: AsyncSession, call: OutgoingCall, change: GroupChange, rest: GroupUpdate, *, now: datetime
) -> None:
    group = await queries.group_for_update(session, GroupId(change.group_id))
    ordered = await order_update(session, group, rest, cause=_cause(call, group), now=now, previous=change)
    for stay in await queries.stays_carried_by(session, change, rest.person_ids):
        stay.call_id = ordered.call_id


async def _take_effect(
    session: AsyncSession, call: OutgoingCall, change: GroupChange, part: GroupUpdate, *, now: datetime
) -> None:
    """Let the stays, the applications and the observed columns follow a part of the change that is done."""
    stays = await queries.stays_carried_by(session, change, part.person_ids)
    for stay in stays:
        await finish(session, stay.request_id, OutcomeState.DONE, now=now)
    if part.owner:
        await owner_was_set(session, change.group_id, part.owner, OutcomeState.DONE, now=now)
    group = await queries.group_for_update(session, GroupId(change.group_id))
    for stay in stays:
        await _show(session, group, stay, call, now=now)
    if part.owner:
        group.observed_owner_userid = fold(part.owner)
    if part.name:
        group.observed_name = group_names.shown_name(part.name)
    group.updated_at = now
    await settle_people(session, change, part.people, now=now)


async def _show(session: AsyncSession, group: Group, stay: GroupMember, call: OutgoingCall, *, now: datetime) -> None:
    """The platform confirmed the change for this person, which counts as observed (P4)."""
    cause = _cause(call, group)
    if not stay.desired:
        stay.observed, stay.ended_at = False, now
        await publish_about_group(session, group, catalogue.MemberLeft, cause=cause, now=now, person_id=stay.person_id)
        return
    newcomer = stay.first_seen_at is None
    stay.observed, stay.first_seen_at = True, stay.first_seen_at or now
    if newcomer and call.policy_version_id is not None:
        await welcome(session, group, stay, policy_version_id=call.policy_version_id, actor=RECONCILER, now=now)
    await publish_about_group(session, group, catalogue.MemberJoined, cause=cause, now=now, person_id=stay.person_id)


async def _fail(session: AsyncSession, call: OutgoingCall, change: GroupChange, *, now: datetime) -> None:
    """What is not done of the change has failed: the applications and the audit trail say so."""
    part = await queries.unfinished_part(session, change)
    stays = await queries.stays_carried_by(session, change, part.person_ids)
    for stay in stays:
        await finish(session, stay.request_id, OutcomeState.FAILED, call.error, now=now)
    if part.owner:
        await owner_was_set(session, change.group_id, part.owner, OutcomeState.FAILED, call.error, now=now)
    group = await queries.group_for_update(session, GroupId(change.group_id))
    await publish_about_group(
        session,
        group,
        catalogue.RosterFailed,
        cause=_cause(call, group),
        now=now,
        call_id=call.id,
        why=call.error,
        person_ids=tuple(stay.person_id for stay in stays),
    )
    group.updated_at = now


def _cause(call: OutgoingCall, group: Group) -> Cause:
    return Cause(
        "outcome",
        call.rule_key or "group.roster",
        call.policy_version_id or group.policy_version_id,
        RECONCILER,
        words=f"{GroupPurpose.ROSTER}:{call.id}",
    )
