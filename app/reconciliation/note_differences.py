"""Each difference of a comparison is carried out, put right, or noted as a finding (P4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.events.service import catalogue
from app.findings import service as findings
from app.findings.service import Fact, FindingDetails
from app.groups import service as groups
from app.groups.service import GroupUpdate, finish, order_update, publish_about_group
from app.org import queries as org
from app.reconciliation.comparison import GroupComparison, RosterDifference
from app.reconciliation.unapproved_leave import check_missing
from app.sync import service as organisation
from models.approvals import OutcomeState
from models.groups import FindingKind, Group, GroupMember
from models.ids import PersonId, WecomUserId, fold


async def note_differences(session: AsyncSession, comparison: GroupComparison) -> set[tuple[FindingKind, str]]:
    """Returns all differences that exist now, new or already known."""
    difference = comparison.difference
    for userid in difference.present:
        await _observe(session, comparison, comparison.stays[userid])
    for userid in difference.has_left:
        await _end_stay(session, comparison, comparison.stays[userid])
    for userid in sorted(difference.missing):
        await check_missing(session, comparison, userid)
    facts: list[Fact] = []
    for userid in sorted(difference.should_leave):
        facts += await _check_should_leave(session, comparison, userid)
    facts += await _check_unregistered(session, comparison, difference)
    facts += await _check_name(session, comparison)
    facts += await _check_owner(session, comparison)
    for fact in facts:
        await findings.note(session, comparison.group, fact, policy=comparison.policy, now=comparison.now)
    return {(fact.kind, fact.subject) for fact in facts}


async def _observe(session: AsyncSession, comparison: GroupComparison, stay: GroupMember) -> None:
    if stay.observed:
        return
    stay.observed, stay.first_seen_at = True, stay.first_seen_at or comparison.now
    comparison.group.updated_at = comparison.now
    if stay.desired:
        # Also if our call was refused or lost: the person is in the group, whoever added them.
        await finish(session, stay.request_id, OutcomeState.DONE, now=comparison.now)


async def _end_stay(session: AsyncSession, comparison: GroupComparison, stay: GroupMember) -> None:
    stay.observed, stay.ended_at, comparison.group.updated_at = False, comparison.now, comparison.now
    await finish(session, stay.request_id, OutcomeState.DONE, now=comparison.now)
    rule, _ = _SHOULD_LEAVE.get(stay.reason, ("group.roster", ""))
    cause = comparison.cause(rule)
    await publish_about_group(
        session, comparison.group, catalogue.MemberLeft, cause=cause, now=comparison.now, person_id=stay.person_id
    )


async def _check_should_leave(session: AsyncSession, comparison: GroupComparison, userid: WecomUserId) -> list[Fact]:
    """Somebody in the group should leave. We carry a departure out; what the platform refused needs a person."""
    stay = comparison.stays[userid]
    if stay.reason == groups.DEPARTURE and stay.call_id is None:
        cause = comparison.cause("member.departure", groups.DEPARTURE)
        too_few = await groups.remove_leaver(
            session,
            comparison.group,
            stay,
            comparison.snapshot,
            cause=cause,
            pending=comparison.pending,
            now=comparison.now,
        )
        return [too_few] if too_few else []
    if stay.person_id == comparison.group.desired_owner_id:
        return []  # an owner goes when somebody has accepted to follow
    return [_still_inside(comparison, userid, stay) or _unapproved_join(comparison, userid, stay.person_id)]


_SHOULD_LEAVE = {
    "exit": ("member.exit", "退群申请已同意"),
    "removed": ("member.remove", "管理员已决定移出"),
    groups.DEPARTURE: ("member.departure", "已离职或账号已停用"),
}
"""Rule and words, by the reason of the stay."""


def _still_inside(comparison: GroupComparison, userid: WecomUserId, stay: GroupMember) -> Fact | None:
    """They are on their way out, and each rule cites its own clause. None: nobody had let them in."""
    if stay.reason not in _SHOULD_LEAVE:
        return None
    rule, why = _SHOULD_LEAVE[stay.reason]
    facts = FindingDetails(should_leave=stay.reason)
    who = comparison.name_of(userid)
    return Fact(FindingKind.UNAPPROVED_JOIN, userid, stay.person_id, who, detail=why, facts=facts, rule=rule)


async def _check_unregistered(
    session: AsyncSession, comparison: GroupComparison, difference: RosterDifference
) -> list[Fact]:
    known = await org.people_by_userids(session, difference.unregistered)
    facts: list[Fact] = []
    for userid in sorted(difference.unregistered):
        person = known.get(userid)
        if person is None:
            await organisation.hint_user(session, userid=userid, now=comparison.now)
            if comparison.gone:
                # Perhaps a member under a new userid: the organisation tells us before the next snapshot.
                continue
        else:
            stay = _observed_stay(comparison, PersonId(person.id))
            session.add(stay)
            comparison.stays[userid], comparison.people[person.id] = stay, person
        facts.append(_unapproved_join(comparison, userid, person.id if person else None))
    return facts


def _observed_stay(comparison: GroupComparison, person_id: PersonId) -> GroupMember:
    comparison.group.updated_at = comparison.now
    return GroupMember(
        group_id=comparison.group.id,
        person_id=person_id,
        desired=False,
        observed=True,
        reason=FindingKind.UNAPPROVED_JOIN.value,
        desired_since=comparison.now,
        first_seen_at=comparison.now,
    )


def _unapproved_join(comparison: GroupComparison, userid: WecomUserId, person_id: UUID | None) -> Fact:
    return Fact(FindingKind.UNAPPROVED_JOIN, subject=userid, person_id=person_id, who=comparison.name_of(userid))


async def _check_name(session: AsyncSession, comparison: GroupComparison) -> list[Fact]:
    """1.3: a group renamed on the platform gets its registered name back (D13)."""
    group, snapshot = comparison.group, comparison.snapshot
    if comparison.pending.name:
        return []
    _set_observed(group, "observed_name", snapshot.name, now=comparison.now)
    if snapshot.name == groups.shown_name(group.desired_name):
        return []
    update = GroupUpdate(name=group.desired_name)
    await order_update(session, group, update, cause=comparison.cause("group.name"), now=comparison.now)
    return [Fact(FindingKind.RENAMED, detail=snapshot.name, facts=FindingDetails(name=snapshot.name))]


async def _check_owner(session: AsyncSession, comparison: GroupComparison) -> list[Fact]:
    group, owner = comparison.group, fold(comparison.snapshot.owner)
    if comparison.pending.owner:
        return []
    is_new = group.observed_owner_userid != owner
    _set_observed(group, "observed_owner_userid", owner, now=comparison.now)
    if await groups.waits_for_owner(session, group):
        return []  # nobody is registered whom it could differ from: the platform passes a group on by itself
    registered = (await org.last_userids_of(session, [group.desired_owner_id]))[group.desired_owner_id]
    if owner == fold(registered):
        if is_new:
            await groups.owner_was_set(session, group.id, registered, OutcomeState.DONE, now=comparison.now)
        return []
    person = await org.person_by_userid(session, owner)
    return [
        Fact(
            FindingKind.OWNER_CHANGED,
            subject=owner,
            person_id=person.id if person else None,
            who=comparison.name_of(owner),
            facts=FindingDetails(registered_userid=registered),
        )
    ]


def _set_observed(group: Group, column: str, value: str, *, now: datetime) -> None:
    if getattr(group, column) != value:
        setattr(group, column, value)
        group.updated_at = now
