"""Policy 1.9: who follows an owner that leaves, in the register and on the platform."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue
from app.findings import service as findings
from app.findings.service import Fact, FindingDetails
from app.groups import messages, queries
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.update import PendingChanges
from app.groups.rules import GroupPurpose
from app.groups.snapshot import GroupSnapshot
from app.org import queries as org
from app.org.rules import may_act, seen_first
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from models.groups import FindingKind, Group
from models.ids import PersonId, fold
from models.org import Person


class SuccessionBasis(StrEnum):
    DEPUTY = "deputy"  # registered as the successor: nobody needs to confirm it
    HEAD = "department_head"
    FIRST = "first_member"  # a group needs an owner; a person decides whether this one stays


@dataclass(frozen=True)
class Succession:
    person_id: UUID
    basis: SuccessionBasis


def choose_successor(*, deputy: UUID | None, heads: Collection[UUID], remaining: Sequence[UUID]) -> Succession | None:
    """Policy 1.9: the deputy, else a head of the department, else the longest-standing member. Members only (86207)."""
    if deputy is not None and deputy in remaining:
        return Succession(deputy, SuccessionBasis.DEPUTY)
    for person_id in remaining:
        if person_id in heads:
            return Succession(person_id, SuccessionBasis.HEAD)
    return Succession(remaining[0], SuccessionBasis.FIRST) if remaining else None


async def succeed(
    session: AsyncSession, group: Group, former: Person, why: str, *, policy: Policy, cause: Cause, now: datetime
) -> None:
    """1.9: the deputy succeeds. Anybody else is a stopgap, and a finding asks a person to confirm them."""
    remaining = await _able_members(session, group, without=former)
    heads = await _heads(session, group, former)
    succession = choose_successor(deputy=group.deputy_id, heads=heads, remaining=[one.id for one in remaining])
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
    """Desired members who may act: those seen by the last reading first, of them the longest-standing."""
    stays = await queries.current_stays(session, group.id)
    ids = [stay.person_id for stay in stays if stay.desired and stay.person_id != without.id]
    people = await org.people_by_id(session, ids)
    return seen_first(people[one] for one in ids)


async def _heads(session: AsyncSession, group: Group, former: Person) -> set[UUID]:
    heads = await roles.department_heads(session, Subject(former, group.department_id))
    return {head.id for head in heads}


async def owner_to_set(
    session: AsyncSession, group: Group, snapshot: GroupSnapshot, *, pending: PendingChanges
) -> str | None:
    """The registered owner's userid, if the platform shows another owner and the registered one is a member (86207)."""
    if pending.owner:
        return None
    userid = (await org.userids_of(session, [group.desired_owner_id])).get(PersonId(group.desired_owner_id))
    if userid is None or fold(userid) not in snapshot.userids or fold(userid) == fold(snapshot.owner):
        return None
    return userid


async def deputy_to_follow(session: AsyncSession, group: Group) -> Person | None:
    stays = await queries.current_stays(session, group.id)
    remaining = [one.person_id for one in stays if one.desired and one.person_id != group.desired_owner_id]
    succession = choose_successor(deputy=group.deputy_id, heads=(), remaining=remaining)
    if succession is None or succession.basis is not SuccessionBasis.DEPUTY:
        return None
    deputy = await org.person(session, PersonId(succession.person_id))
    return deputy if deputy is not None and may_act(deputy) else None


async def hand_over(
    session: AsyncSession, group: Group, to: Person, *, former: Person | None, why: str, cause: Cause, now: datetime
) -> str:
    """Register the new owner and inform them. Returns their userid, for the change that sets the owner."""
    group.desired_owner_id, group.updated_at = to.id, now
    if group.deputy_id == to.id:
        group.deputy_id = None
    await publish_about_group(
        session, group, catalogue.GroupOwnerChanged, cause=cause, now=now, person_id=to.id, basis=why
    )
    text = messages.now_owner(group, former=former.name if former else "原群主", why=why)
    header = MessageHeader(GroupPurpose.OWNER, findings.about(group), cause.why.under("group.owner"))
    await delivery.tell(session, header, [to.id], text, now=now)
    return (await org.userids_of(session, [to.id]))[PersonId(to.id)]
