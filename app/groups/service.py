"""The groups, for others: `from app.groups import service as groups`.

Here is what administrators do to a group directly, by the scope `groups:write`: with a reason, without an application.
What the comparison with the platform needs stands in files of its own.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import queries as request_queries
from app.approvals import service as approvals
from app.audit.actor import Actor
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue
from app.findings import service as findings
from app.groups import messages, queries, requests, roster
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.outcomes import settle_unknown
from app.groups.changes.record import order_update, pending_changes
from app.groups.changes.update import GroupUpdate, PendingChanges
from app.groups.creation.register import mark_lost
from app.groups.departures import DEPARTURE, remove_leaver
from app.groups.directory.administered import (
    GROUPS_SORTED,
    AdministeredGroup,
    FindingLine,
    GroupSearch,
    RosterLine,
    RosterPage,
    active_groups,
    administered,
    findings_seen,
    group_lines,
    group_sheet,
    groups_by_id,
    groups_seen,
    roster_of,
)
from app.groups.directory.detail import Applicable, GroupSeen, group_for
from app.groups.directory.lists import (
    DirectorySearch,
    GroupLine,
    GroupPage,
    OwnRole,
    Standing,
    find_groups,
    groups_of_member,
    lines_for,
)
from app.groups.directory.queries import RosterCounts
from app.groups.errors import NotAMember
from app.groups.group_names import shown_name
from app.groups.requests import finish, tell_of_leave
from app.groups.rules import GroupPurpose
from app.groups.sight import seen_by
from app.groups.snapshot import GroupGone, GroupSnapshot, people_gone, read_group
from app.groups.succession.ask import ask_for_an_owner, ask_whom_somebody_named, waits_for_owner
from app.groups.succession.candidates import KIND
from app.groups.succession.hand_over import owner_to_set, owner_was_set, set_on_platform
from app.policy import service as policies
from app.quotes import quoted
from models.groups import Group, GroupFinding, GroupMember
from models.ids import FindingId, GroupId, RequestId
from models.org import Person

__all__ = [
    "DEPARTURE",
    "GROUPS_SORTED",
    "AdministeredGroup",
    "Applicable",
    "Cause",
    "DirectorySearch",
    "FindingLine",
    "GroupGone",
    "GroupLine",
    "GroupPage",
    "GroupSearch",
    "GroupSeen",
    "GroupSnapshot",
    "GroupUpdate",
    "OwnRole",
    "PendingChanges",
    "RosterCounts",
    "RosterLine",
    "RosterPage",
    "Standing",
    "active_groups",
    "add_by_hand",
    "administered",
    "ask_for_an_owner",
    "change_owner",
    "find_groups",
    "findings_seen",
    "finish",
    "group_for",
    "group_lines",
    "group_sheet",
    "groups_by_id",
    "groups_of_member",
    "groups_seen",
    "lines_for",
    "mark_lost",
    "order_update",
    "owner_to_set",
    "owner_was_set",
    "pending_changes",
    "people_gone",
    "publish_about_group",
    "read_group",
    "remove_by_hand",
    "remove_leaver",
    "resolve_finding",
    "roster_of",
    "seen_by",
    "settle_unknown",
    "shown_name",
    "tell_of_leave",
    "waits_for_owner",
]


async def add_by_hand(
    session: AsyncSession, *, group_id: GroupId, person: Person, reason: str, actor: Actor, now: datetime
) -> GroupMember:
    """2.7: add somebody who belongs in the group, with a reason and without an application."""
    group = await queries.group_for_update(session, group_id)
    policy = await policies.in_force(session, now=now)
    cause = Cause("added", "group.roster", policy.id, actor, words=reason)
    return await roster.admit(session, group, person, policy=policy, cause=cause, now=now)


async def remove_by_hand(
    session: AsyncSession, *, group_id: GroupId, person: Person, reason: str, actor: Actor, now: datetime
) -> GroupMember:
    """2.8: remove somebody for cause. The reason is recorded, and the person is informed."""
    group = await queries.group_for_update(session, group_id)
    policy = await policies.in_force(session, now=now)
    cause = Cause("removed", "member.remove", policy.id, actor, words=reason)
    former = await queries.current_stay(session, group_id, person.id)
    if former is not None:
        await roster.check_settled(session, former)
        await requests.abandon(session, former, f"已由管理员移出：{reason}", now=now)
    stay = await roster.let_go(session, group, person, cause=cause, now=now)
    text = messages.removed(group, reason=reason, citation=policy.cite("member.remove"))
    header = MessageHeader(GroupPurpose.REMOVED, findings.about(group), cause.why)
    await delivery.tell(session, header, [person.id], text, now=now)
    return stay


async def change_owner(
    session: AsyncSession,
    *,
    group_id: GroupId,
    owner: Person | None,
    deputy: Person | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Group:
    """Register another deputy, or ask another owner (1.9): who accepts is the owner. Both must be in the group.

    Who owns it already is not asked: the platform is told again. Whoever is being asked is asked no more when somebody
    else is named.
    """
    if owner is not None:
        await _call_off(session, group_id, actor=actor, now=now)
    group = await queries.group_for_update(session, group_id)
    roster.check_active(group)
    policy = await policies.in_force(session, now=now)
    cause = Cause("owner", "group.owner", policy.id, actor, words=reason)
    for person in (owner, deputy):
        if person is not None:
            roster.check_may_act(person)
            await _check_inside(session, group, person)
    if deputy is not None:
        group.deputy_id, group.updated_at = deputy.id, now
        await publish_about_group(
            session, group, catalogue.GroupDeputyChanged, cause=cause, now=now, person_id=deputy.id
        )
    if owner is not None:
        if owner.id == group.desired_owner_id:
            await set_on_platform(session, group, owner, cause=cause, now=now)
        else:
            await ask_whom_somebody_named(session, group, owner, cause=cause, now=now)
    return group


async def _call_off(session: AsyncSession, group_id: GroupId, *, actor: Actor, now: datetime) -> None:
    """Before the group is locked: everybody locks a request before its group."""
    asked = await request_queries.open_questions(session, kind=KIND, group_ids=[group_id])
    for question in asked.values():
        await approvals.call_off(
            session, request_id=RequestId(question.request_id), because="管理员另提了人选", actor=actor, now=now
        )


async def resolve_finding(
    session: AsyncSession, *, group_id: GroupId, finding_id: FindingId, resolution: str, actor: Actor, now: datetime
) -> GroupFinding:
    """A person has dealt with a difference that nobody approved."""
    group = await queries.group_for_update(session, group_id)
    return await findings.resolve_by_hand(
        session, group, finding_id=finding_id, resolution=resolution, actor=actor, now=now
    )


async def _check_inside(session: AsyncSession, group: Group, person: Person) -> None:
    stay = await queries.current_stay(session, group.id, person.id)
    if stay is None or not (stay.desired and stay.observed):
        raise NotAMember(
            f"{person.name} 不在{quoted(group.desired_name)}内，不能担任群主或副群主",
            f"{person.name} is not in {quoted(group.desired_name)} and cannot be its owner or deputy",
        )
