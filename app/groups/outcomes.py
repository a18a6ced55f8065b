"""What the platform made of a roster change, heard from the ledger in the transaction that records it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.findings.service import RECONCILER
from app.groups import queries, rules
from app.groups.requests import finish
from app.groups.roster import ROSTER, Cause, order_update, record_group, welcome
from app.groups.snapshot import Reading
from app.jobs.job import Job
from app.ledger.service import CallPayload, remaining_update
from models.approvals import OutcomeState
from models.delivery import CallState, OutgoingCall
from models.groups import Group, GroupMember
from models.ids import GroupId, fold

SETTLE = Job("groups.settle", CallPayload)
"""Read the group after a refusal that may mean "it is so already"."""


async def roster_ended(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """Done: the seen column follows. Refused with 86216: look first. Refused otherwise: the application failed."""
    if call.state is CallState.DONE:
        await _take_effect(session, call, now=now)
    elif call.state is CallState.FAILED and call.errcode == rules.ILLEGAL_MEMBER:
        await SETTLE.enqueue(session, CallPayload(call_id=call.id))
    elif call.state is CallState.FAILED:
        await _fail(session, call, now=now)
    # Unknown: the ledger shows it, a reading may settle it, nobody is accused meanwhile.


async def settle(session: AsyncSession, *, call_id: UUID, reading: Reading | None, now: datetime) -> None:
    """The refused change against the group as it is: done after all, done in part, or really refused.

    Without a reading (the group is lost) it was really refused.
    """
    call = await queries.call(session, call_id)
    if call is None or call.state is not CallState.FAILED:
        return
    if reading is None:
        await _fail(session, call, now=now)
        return
    missing = remaining_update(
        queries.body_of(call), name=reading.name, owner=reading.owner, userids=list(reading.userids.values())
    )
    if missing is None:
        await _take_effect(session, call, now=now)
    elif missing == queries.body_of(call):
        await _fail(session, call, now=now)
    else:
        await _order_rest(session, call, missing, now=now)


async def _order_rest(session: AsyncSession, call: OutgoingCall, missing: dict[str, object], *, now: datetime) -> None:
    """Half of it is so already, and that half made the platform refuse the other."""
    group = await queries.group_for_update(session, GroupId(UUID(call.subject_id)))
    cause = _cause(call, group)
    rest = await order_update(
        session,
        group,
        cause=cause,
        now=now,
        add=_userids(missing.get("add_user_list")),
        remove=_userids(missing.get("del_user_list")),
        owner=str(missing["owner"]) if "owner" in missing else None,
        name=str(missing["name"]) if "name" in missing else None,
    )
    for stay in await _stays(session, call):
        stay.call_id = rest.id


def _userids(value: object) -> list[str]:
    return [str(userid) for userid in value] if isinstance(value, list) else []


async def _take_effect(session: AsyncSession, call: OutgoingCall, *, now: datetime) -> None:
    stays = await _stays(session, call)
    for stay in stays:
        await finish(session, stay.request_id, OutcomeState.DONE, now=now)
    group = await queries.group_for_update(session, GroupId(UUID(call.subject_id)))
    for stay in stays:
        await _show(session, group, stay, call, now=now)
    for attempt in await queries.attempts_of(session, call):
        body = queries.body_of(attempt)
        if "owner" in body:
            group.observed_owner_userid = fold(body["owner"])
        if "name" in body:
            group.observed_name = rules.shown_name(body["name"])
    group.updated_at = now


async def _show(session: AsyncSession, group: Group, stay: GroupMember, call: OutgoingCall, *, now: datetime) -> None:
    """The platform said that it is so: that is what we have seen (P4)."""
    cause = _cause(call, group)
    if not stay.desired:
        stay.observed, stay.ended_at = False, now
        await record_group(session, group, action="member.left", cause=cause, now=now, person_id=stay.person_id)
        return
    newcomer = stay.first_seen_at is None
    stay.observed, stay.first_seen_at = True, stay.first_seen_at or now
    if newcomer and call.policy_version_id is not None:
        await welcome(session, group, stay, policy_version_id=call.policy_version_id, actor=RECONCILER, now=now)
    await record_group(session, group, action="member.joined", cause=cause, now=now, person_id=stay.person_id)


async def _fail(session: AsyncSession, call: OutgoingCall, *, now: datetime) -> None:
    stays = await _stays(session, call)
    for stay in stays:
        await finish(session, stay.request_id, OutcomeState.FAILED, call.error, now=now)
    group = await queries.group_for_update(session, GroupId(UUID(call.subject_id)))
    await record_group(
        session,
        group,
        action="roster.failed",
        cause=_cause(call, group),
        now=now,
        call_id=call.id,
        why=call.error,
        people=",".join(str(stay.person_id) for stay in stays),
    )
    group.updated_at = now


async def _stays(session: AsyncSession, call: OutgoingCall) -> list[GroupMember]:
    """Those whose last change this call carries, by whichever attempt."""
    attempts = await queries.attempts_of(session, call)
    return await queries.stays_carried_by(session, [attempt.id for attempt in attempts])


def _cause(call: OutgoingCall, group: Group) -> Cause:
    return Cause(
        "outcome",
        call.rule_key or "group.roster",
        call.policy_version_id or group.policy_version_id,
        RECONCILER,
        words=f"{ROSTER}:{call.id}",
    )
