"""Policy 2.6 and 1.9: who leaves the company leaves every group, and what they owned has a new owner first.

Two steps with a reading of the group between them: `depart` writes what is wanted now; `follow_up` asks the platform
for what is still missing then. The platform drops deleted people by itself, and a second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.findings import service as findings
from app.findings.service import Fact, FindingDetails
from app.groups import messages, queries, rules
from app.groups.requests import abandon
from app.groups.roster import Cause, hand_over, order_update, record_group
from app.groups.rules import SuccessionBasis
from app.groups.snapshot import Reading
from app.org import queries as org
from app.org.rules import is_reachable
from app.policy import service as policies
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from models.delivery import OutgoingCall
from models.groups import FindingKind, Group, GroupMember, GroupState
from models.ids import GroupId, PersonId, WecomUserId, fold
from models.org import Person

DEPARTURE = "departure"

_WHY = {"left": "已离职", "disabled": "账号已停用"}


async def depart(session: AsyncSession, *, group_id: GroupId, person_id: PersonId, why: str, now: datetime) -> None:
    """The person is wanted no more; an owner's successor and a deputy's absence are registered and told."""
    group = await queries.group_for_update(session, group_id)
    person = await org.person(session, person_id)
    if person is None:
        return
    policy = await policies.in_force(session, now=now)
    cause = Cause(DEPARTURE, "member.departure", policy.id, SYSTEM, words=why)
    said = _WHY.get(why, why)
    stay = await queries.current_stay(session, group_id, person_id)
    if stay is not None and stay.desired:
        await _end_wish(session, group, stay, said, cause=cause, now=now)
    if group.deputy_id == person_id:
        await _lose_deputy(session, group, person, policy=policy, cause=cause, now=now)
    if group.desired_owner_id == person_id and group.state is not GroupState.LOST:
        await succeed(session, group, person, said, policy=policy, cause=cause, now=now)


async def _end_wish(
    session: AsyncSession, group: Group, stay: GroupMember, said: str, *, cause: Cause, now: datetime
) -> None:
    await abandon(session, stay, f"申请人{said}", now=now)
    stay.desired, stay.reason, stay.desired_since = False, cause.reason, now
    # What an earlier call or application still brings is not about this any more.
    stay.request_id = stay.call_id = None
    group.updated_at = now
    await record_group(session, group, action="member.departed", cause=cause, now=now, person_id=stay.person_id)


async def _lose_deputy(
    session: AsyncSession, group: Group, person: Person, *, policy: Policy, cause: Cause, now: datetime
) -> None:
    group.deputy_id, group.updated_at = None, now
    await record_group(session, group, action="group.deputy_left", cause=cause, now=now, person_id=person.id)
    await findings.tell_administrators(
        session,
        group,
        messages.deputy_left(group, name=person.name),
        policy=policy,
        why=cause.why.under("group.owner"),
        now=now,
        without=[person.id],
    )


# ---------------------------------------------------------------- succession


async def succeed(
    session: AsyncSession, group: Group, former: Person, why: str, *, policy: Policy, cause: Cause, now: datetime
) -> None:
    """1.9: the deputy follows. Anybody else is a stopgap, and a finding asks a person to look."""
    remaining = await _able_members(session, group, without=former)
    heads = await _heads(session, group, former)
    succession = rules.choose_successor(deputy=group.deputy_id, heads=heads, remaining=[one.id for one in remaining])
    people = {one.id: one for one in remaining}
    successor = people[succession.person_id] if succession else None
    if successor is not None:
        await hand_over(session, group, successor, former=former, why=why, cause=cause, now=now)
    if succession is None or succession.basis is not SuccessionBasis.DEPUTY:
        await _note_owner_left(session, group, former, successor, policy=policy, now=now)


async def _note_owner_left(
    session: AsyncSession, group: Group, former: Person, successor: Person | None, *, policy: Policy, now: datetime
) -> None:
    fact = Fact(
        FindingKind.OWNER_LEFT,
        subject=fold((await org.last_userids_of(session, [former.id]))[former.id]),
        person_id=former.id,
        who=former.name,
        detail=f"暂由 {successor.name} 接任。" if successor else "群内没有可以接任的人。",
        facts=FindingDetails(successor_id=successor.id) if successor else FindingDetails(),
    )
    await findings.note(session, group, fact, policy=policy, now=now)


async def _able_members(session: AsyncSession, group: Group, *, without: Person) -> list[Person]:
    """Wanted members with an active account, who came first first."""
    stays = await queries.current_stays(session, group.id)
    ids = [stay.person_id for stay in stays if stay.desired and stay.person_id != without.id]
    people = await org.people_by_id(session, ids)
    return [people[one] for one in ids if is_reachable(people[one])]


async def _heads(session: AsyncSession, group: Group, former: Person) -> set[UUID]:
    heads = await roles.department_heads(session, Subject(former, group.department_id))
    return {head.id for head in heads}


# ---------------------------------------------------------------- on the platform


async def follow_up(
    session: AsyncSession, *, group_id: GroupId, person_id: PersonId, reading: Reading, now: datetime
) -> None:
    """Ask for what the group, as it was just read, still shows of who has left."""
    group = await queries.group_for_update(session, group_id)
    stay = await queries.current_stay(session, group_id, person_id)
    if group.state is not GroupState.ACTIVE or (stay is not None and stay.desired):
        return
    policy = await policies.in_force(session, now=now)
    cause = Cause(DEPARTURE, "member.departure", policy.id, SYSTEM)
    under_way = await queries.changes_under_way(session, group_id, since=reading.at)
    owner = await owner_to_set(session, group, reading, under_way=under_way)
    if stay is not None:
        too_few = await remove(session, group, stay, reading, cause=cause, under_way=under_way, now=now)
        if too_few is not None:
            await findings.note(session, group, too_few, policy=policy, now=now)
    elif owner is not None:
        await order_update(session, group, cause=cause, now=now, owner=owner)


async def remove(
    session: AsyncSession,
    group: Group,
    stay: GroupMember,
    reading: Reading,
    *,
    cause: Cause,
    under_way: Sequence[OutgoingCall],
    now: datetime,
) -> Fact | None:
    """Take somebody out who is wanted no more, together with the ownership they may still have.

    The fact, when the platform would refuse it because too few would remain (86006).
    """
    userid = fold((await org.last_userids_of(session, [stay.person_id]))[stay.person_id])
    if userid in concerned(under_way):
        return None
    owner = await owner_to_set(session, group, reading, under_way=under_way)
    if userid not in reading.userids:
        stay.observed, stay.ended_at = False, now
        await record_group(session, group, action="member.left", cause=cause, now=now, person_id=stay.person_id)
        if owner is not None:
            await order_update(session, group, cause=cause, now=now, owner=owner)
        return None
    stay.observed = True
    if len(reading.userids) - 1 < rules.FEWEST:
        person = (await org.people_by_id(session, [stay.person_id]))[stay.person_id]
        return Fact(FindingKind.TOO_FEW, subject=userid, person_id=person.id, who=person.name)
    if fold(reading.owner) == userid and owner is None:
        return None  # nobody can follow: the finding says so, and the platform refuses to remove an owner (86005)
    call = await order_update(session, group, cause=cause, now=now, remove=[reading.userids[userid]], owner=owner)
    stay.call_id = call.id
    return None


async def owner_to_set(
    session: AsyncSession, group: Group, reading: Reading, *, under_way: Sequence[OutgoingCall]
) -> str | None:
    """The registered owner's userid when the platform shows another and could be told: owners are members (86207)."""
    if any("owner" in queries.body_of(call) for call in under_way):
        return None
    userid = (await org.userids_of(session, [group.desired_owner_id])).get(PersonId(group.desired_owner_id))
    if userid is None or fold(userid) not in reading.userids or fold(userid) == fold(reading.owner):
        return None
    return userid


def concerned(under_way: Sequence[OutgoingCall]) -> set[WecomUserId]:
    """Whom these calls put in or take out."""
    fields = ("userlist", "add_user_list", "del_user_list")
    bodies = [queries.body_of(call) for call in under_way]
    return {fold(userid) for body in bodies for field in fields for userid in body.get(field, [])}
