"""Policy 2.6: who leaves the company leaves every group.

Two steps with a snapshot of the group between them: `depart` registers the new desired state and asks who follows an
owner; `follow_up` asks the platform for what the snapshot still shows. An owner goes when somebody has accepted to
follow. The platform removes deleted people by itself. A second run finds nothing to do.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.departures.service import Departure
from app.events.service import catalogue
from app.findings import service as findings
from app.findings.service import Fact
from app.groups import messages, queries, rules
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.record import order_update, pending_changes
from app.groups.changes.update import Account, GroupUpdate, PendingChanges
from app.groups.requests import abandon
from app.groups.snapshot import GroupSnapshot
from app.groups.succession.ask import ask_for_an_owner
from app.groups.succession.hand_over import owner_to_set
from app.org import queries as org
from app.policy import service as policies
from app.policy.service import Policy
from models.groups import FindingKind, Group, GroupMember, GroupState
from models.ids import GroupId, PersonId, fold
from models.org import Person

DEPARTURE = "departure"


async def depart(session: AsyncSession, *, group_id: GroupId, departure: Departure, now: datetime) -> None:
    """Register that the person should leave, ask who follows an owner, and inform of a deputy's absence."""
    group = await queries.group_for_update(session, group_id)
    person_id, said = departure.person_id, departure.said
    person = await org.person(session, person_id)
    if person is None:
        return
    policy = await policies.in_force(session, now=now)
    cause = Cause(DEPARTURE, "member.departure", policy.id, SYSTEM, words=departure.reason)
    stay = await queries.current_stay(session, group_id, person_id)
    if stay is not None and stay.desired:
        await _register_departure(session, group, stay, said, cause=cause, now=now)
    if group.deputy_id == person_id:
        await _lose_deputy(session, group, person, policy=policy, cause=cause, now=now)
    if group.desired_owner_id == person_id and group.state is not GroupState.LOST:
        await ask_for_an_owner(session, group, person, said, policy=policy, cause=cause, now=now)


async def _register_departure(
    session: AsyncSession, group: Group, stay: GroupMember, said: str, *, cause: Cause, now: datetime
) -> None:
    await abandon(session, stay, f"申请人{said}", now=now)
    stay.desired, stay.reason, stay.desired_since = False, cause.reason, now
    # The outcome of an earlier change or application no longer concerns this stay.
    stay.request_id = stay.call_id = None
    group.updated_at = now
    await publish_about_group(session, group, catalogue.MemberDeparted, cause=cause, now=now, person_id=stay.person_id)


async def _lose_deputy(
    session: AsyncSession, group: Group, person: Person, *, policy: Policy, cause: Cause, now: datetime
) -> None:
    group.deputy_id, group.updated_at = None, now
    await publish_about_group(session, group, catalogue.GroupDeputyLeft, cause=cause, now=now, person_id=person.id)
    await findings.tell_administrators(
        session,
        group,
        messages.deputy_left(group, name=person.name),
        policy=policy,
        why=cause.why.under("group.owner"),
        now=now,
        without=[person.id],
    )


# ---------------------------------------------------------------- on the platform


async def follow_up(
    session: AsyncSession, *, group_id: GroupId, person_id: PersonId, snapshot: GroupSnapshot, now: datetime
) -> None:
    """Ask the platform for what the snapshot still shows of somebody who has left the company."""
    group = await queries.group_for_update(session, group_id)
    stay = await queries.current_stay(session, group_id, person_id)
    if group.state is not GroupState.ACTIVE or (stay is not None and stay.desired):
        return
    policy = await policies.in_force(session, now=now)
    cause = Cause(DEPARTURE, "member.departure", policy.id, SYSTEM)
    pending = await pending_changes(session, group, since=snapshot.at)
    owner = await owner_to_set(session, group, snapshot, pending=pending)
    if stay is not None:
        too_few = await remove_leaver(session, group, stay, snapshot, cause=cause, pending=pending, now=now)
        if too_few is not None:
            await findings.note(session, group, too_few, policy=policy, now=now)
    elif owner is not None:
        await order_update(session, group, GroupUpdate(owner=owner), cause=cause, now=now)


async def remove_leaver(
    session: AsyncSession,
    group: Group,
    stay: GroupMember,
    snapshot: GroupSnapshot,
    *,
    cause: Cause,
    pending: PendingChanges,
    now: datetime,
) -> Fact | None:
    """Remove somebody who should leave, together with the ownership they may still have.

    Returns a fact when the platform would refuse it because too few members would remain (86006).
    """
    userid = fold((await org.last_userids_of(session, [stay.person_id]))[stay.person_id])
    if userid in pending.userids:
        return None
    owner = await owner_to_set(session, group, snapshot, pending=pending)
    if userid not in snapshot.userids:
        stay.observed, stay.ended_at = False, now
        await publish_about_group(session, group, catalogue.MemberLeft, cause=cause, now=now, person_id=stay.person_id)
        if owner is not None:
            await order_update(session, group, GroupUpdate(owner=owner), cause=cause, now=now)
        return None
    stay.observed = True
    if len(snapshot.userids) - 1 < rules.FEWEST:
        person = (await org.people_by_id(session, [stay.person_id]))[stay.person_id]
        return Fact(FindingKind.TOO_FEW, subject=userid, person_id=person.id, who=person.name)
    if fold(snapshot.owner) == userid and owner is None:
        return None  # nobody has accepted to follow yet, and the platform refuses to remove an owner (86005)
    update = GroupUpdate(remove=(Account(snapshot.userids[userid], stay.person_id),), owner=owner)
    change = await order_update(session, group, update, cause=cause, now=now)
    stay.call_id = change.call_id
    return None
