"""Policy 2.7: what we want and what the platform shows, compared; no event tells of a change in an internal group.

A reading is taken outside of any transaction (`readings.py`); everything here is one transaction over its result. Who
is concerned by a change under way, or by one that ended after the reading began, is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.findings import queries as findings_queries
from app.findings import service as findings
from app.findings.service import RECONCILER, Fact, FindingDetails
from app.groups import queries, rules
from app.groups import succession as departures
from app.groups.requests import finish
from app.groups.roster import Cause, order_update, record_group
from app.groups.snapshot import Reading
from app.ledger import service as delivery
from app.ledger.rules import remaining_update
from app.ledger.service import Resolution
from app.org import queries as org
from app.reconciliation.comparison import Case, load_case
from app.reconciliation.rules import RosterDifference
from app.sync import service as organisation
from models.approvals import OutcomeState
from models.delivery import CallKind
from models.groups import FindingKind, Group, GroupFinding, GroupMember, GroupState
from models.ids import GroupId, PersonId, WecomUserId, fold
from models.org import Person

_CLOSED_BY_A_PERSON = frozenset({FindingKind.UNAPPROVED_LEAVE, FindingKind.OWNER_LEFT})
"""They tell of an act: it stays done when the rosters agree again."""


async def to_ask_about(
    session: AsyncSession, *, group_id: GroupId, reading: Reading, accept_losses: bool = False, now: datetime
) -> list[str]:
    """Whom to look up on the platform before anybody says that they left. Nobody, when the reading is not believed."""
    group = await queries.group(session, group_id)
    case = await load_case(session, group, reading, gone=(), now=now)
    return list(case.unexplained) if case.is_believable or accept_losses else []


async def compare(
    session: AsyncSession,
    *,
    group_id: GroupId,
    reading: Reading,
    gone: Collection[WecomUserId] = (),
    accept_losses: bool = False,
    now: datetime,
) -> None:
    """Take a reading over: the seen columns, findings that are new, findings that are over, the name restored.

    A reading that is not believed changes nothing but opens a finding; `accept_losses` is a person's word for it.
    A reading older than one already taken over is dropped.
    """
    await _settle_unknown_calls(session, group_id, reading, now=now)
    group = await queries.group_for_update(session, group_id)
    if group.observed_at is not None and group.observed_at > reading.at:
        return
    if group.state is GroupState.LOST:
        await _found_again(session, group, now=now)
    if group.state not in {GroupState.ACTIVE, GroupState.CLOSING}:
        return
    case = await load_case(session, group, reading, gone=gone, now=now)
    if not case.is_believable and not (accept_losses and reading.userids):
        await _hold(session, case)
        return
    open_now = await _apply(session, case)
    await _close_what_is_over(session, case, open_now)
    group.observed_at = reading.at
    await session.flush()


# ---------------------------------------------------------------- before and instead of it


async def _settle_unknown_calls(session: AsyncSession, group_id: GroupId, reading: Reading, *, now: datetime) -> None:
    """A change of unknown outcome that shows in the reading was done; what does not show stays with the ledger.

    Before the group is locked: the ledger locks the call first, as everywhere.
    """
    if not reading.userids:
        return
    for call in await queries.unknown_changes(session, group_id):
        body = queries.body_of(call)
        missing = None
        if call.kind is CallKind.APPCHAT_UPDATE:
            userids = list(reading.userids.values())
            missing = remaining_update(body, name=reading.name, owner=reading.owner, userids=userids)
        if missing is None:
            await delivery.resolve_call(session, call_id=call.id, resolution=Resolution.DONE, actor=RECONCILER, now=now)


async def _found_again(session: AsyncSession, group: Group, *, now: datetime) -> None:
    group.state, group.state_detail, group.ended_at, group.updated_at = GroupState.ACTIVE, None, None, now
    cause = Cause("reconcile", "group.roster", group.policy_version_id, RECONCILER)
    await record_group(session, group, action="group.found_again", cause=cause, now=now)


async def _hold(session: AsyncSession, case: Case) -> None:
    seen = sum(stay.desired and stay.observed for stay in case.stays.values())
    fact = Fact(
        FindingKind.ROSTER_LOSS,
        detail=f"{len(case.unexplained)} 人（共 {seen} 人）",
        facts=FindingDetails(lost=len(case.unexplained), of=seen, userids=case.unexplained[:200]),
    )
    await findings.note(session, case.group, fact, policy=case.policy, now=case.now)


# ---------------------------------------------------------------- taking it over


async def _apply(session: AsyncSession, case: Case) -> set[tuple[FindingKind, str]]:
    """Returns the differences that are there now, whether new or known."""
    difference = case.difference
    for userid in difference.present:
        await _see(session, case, case.stays[userid])
    for userid in difference.gone:
        await _end(session, case, case.stays[userid])
    for userid in sorted(difference.missing):
        await _lose(session, case, userid)
    facts: list[Fact] = []
    for userid in sorted(difference.unwanted):
        facts += await _unwanted(session, case, userid)
    facts += await _strangers(session, case, difference)
    facts += await _check_name(session, case)
    facts += await _check_owner(session, case)
    for fact in facts:
        await findings.note(session, case.group, fact, policy=case.policy, now=case.now)
    return {(fact.kind, fact.subject) for fact in facts}


async def _see(session: AsyncSession, case: Case, stay: GroupMember) -> None:
    if stay.observed:
        return
    stay.observed, stay.first_seen_at = True, stay.first_seen_at or case.now
    case.group.updated_at = case.now
    if stay.desired:
        # Also where the call was refused or lost: it is so, whoever did it.
        await finish(session, stay.request_id, OutcomeState.DONE, now=case.now)


async def _end(session: AsyncSession, case: Case, stay: GroupMember) -> None:
    stay.observed, stay.ended_at, case.group.updated_at = False, case.now, case.now
    await finish(session, stay.request_id, OutcomeState.DONE, now=case.now)
    cause = case.cause("group.roster")
    await record_group(session, case.group, action="member.left", cause=cause, now=case.now, person_id=stay.person_id)


async def _lose(session: AsyncSession, case: Case, userid: WecomUserId) -> None:
    """Gone with their account: the organisation is asked, its answer ends the wish. Otherwise nobody approved it."""
    stay = case.stays[userid]
    if userid not in case.unexplained:
        stay.observed, case.group.updated_at = False, case.now
        await organisation.hint_user(session, userid=userid, now=case.now)
        return
    stay.desired = stay.observed = False
    stay.reason, stay.ended_at = FindingKind.UNAPPROVED_LEAVE.value, case.now
    person = case.people[stay.person_id]
    cause = case.cause("member.unapproved_leave", FindingKind.UNAPPROVED_LEAVE.value)
    await record_group(
        session, case.group, action="member.left_unapproved", cause=cause, now=case.now, person_id=person.id
    )
    fact = Fact(
        FindingKind.UNAPPROVED_LEAVE,
        subject=userid,
        person_id=person.id,
        who=case.name_of(userid),
        facts=FindingDetails(severity="warning", last_seen_at=_iso(case.group.observed_at)),
    )
    await findings.note(session, case.group, fact, policy=case.policy, now=case.now)
    if case.group.deputy_id == person.id:
        case.group.deputy_id = None
    if case.group.desired_owner_id == person.id:
        await _replace_owner(session, case, person)


async def _replace_owner(session: AsyncSession, case: Case, former: Person) -> None:
    cause = case.cause("group.owner", FindingKind.UNAPPROVED_LEAVE.value)
    await departures.succeed(session, case.group, former, "未经批准退群", policy=case.policy, cause=cause, now=case.now)
    owner = await departures.owner_to_set(session, case.group, case.reading, under_way=case.under_way)
    if owner is not None:
        case.under_way.append(await order_update(session, case.group, cause=cause, now=case.now, owner=owner))


async def _unwanted(session: AsyncSession, case: Case, userid: WecomUserId) -> list[Fact]:
    """In the group, and wanted no more. A departure is carried out; what was tried and refused is for a person."""
    stay = case.stays[userid]
    if stay.reason == departures.DEPARTURE and stay.call_id is None:
        cause = case.cause("member.departure", departures.DEPARTURE)
        too_few = await departures.remove(
            session, case.group, stay, case.reading, cause=cause, under_way=case.under_way, now=case.now
        )
        return [too_few] if too_few else []
    return [_stranger(case, userid, stay.person_id, detail=_STILL_INSIDE.get(stay.reason, ""))]


_STILL_INSIDE = {
    "exit": "（退群已批准，未能移出）",
    "removed": "（管理员已移出，未能执行）",
    departures.DEPARTURE: "（已离职或停用，未能移出）",
}


async def _strangers(session: AsyncSession, case: Case, difference: RosterDifference) -> list[Fact]:
    known = await org.people_by_userids(session, difference.strangers)
    facts: list[Fact] = []
    for userid in sorted(difference.strangers):
        person = known.get(userid)
        if person is None:
            await organisation.hint_user(session, userid=userid, now=case.now)
            if case.gone:
                # Perhaps one of the gone under a new userid: the organisation says so before the next reading.
                continue
        else:
            stay = _seen_only(case, PersonId(person.id))
            session.add(stay)
            case.stays[userid], case.people[person.id] = stay, person
        facts.append(_stranger(case, userid, person.id if person else None))
    return facts


def _seen_only(case: Case, person_id: PersonId) -> GroupMember:
    case.group.updated_at = case.now
    return GroupMember(
        group_id=case.group.id,
        person_id=person_id,
        desired=False,
        observed=True,
        reason=FindingKind.UNAPPROVED_JOIN.value,
        desired_since=case.now,
        first_seen_at=case.now,
    )


def _stranger(case: Case, userid: WecomUserId, person_id: UUID | None, *, detail: str = "") -> Fact:
    return Fact(
        FindingKind.UNAPPROVED_JOIN, subject=userid, person_id=person_id, who=case.name_of(userid), detail=detail
    )


async def _check_name(session: AsyncSession, case: Case) -> list[Fact]:
    """1.3: the registered name is the name; the platform is asked for it again (D13)."""
    group, reading = case.group, case.reading
    if any("name" in queries.body_of(call) for call in case.under_way):
        return []
    _set(group, "observed_name", reading.name, now=case.now)
    if reading.name == rules.shown_name(group.desired_name):
        return []
    await order_update(session, group, cause=case.cause("group.name"), now=case.now, name=group.desired_name)
    return [Fact(FindingKind.RENAMED, detail=reading.name, facts=FindingDetails(name=reading.name))]


async def _check_owner(session: AsyncSession, case: Case) -> list[Fact]:
    group, owner = case.group, fold(case.reading.owner)
    if any("owner" in queries.body_of(call) for call in case.under_way):
        return []
    _set(group, "observed_owner_userid", owner, now=case.now)
    wanted = (await org.last_userids_of(session, [group.desired_owner_id]))[group.desired_owner_id]
    if owner == fold(wanted):
        return []
    person = await org.person_by_userid(session, owner)
    return [
        Fact(
            FindingKind.OWNER_CHANGED,
            subject=owner,
            person_id=person.id if person else None,
            who=case.name_of(owner),
            facts=FindingDetails(registered_userid=wanted),
        )
    ]


def _set(group: Group, column: str, value: str, *, now: datetime) -> None:
    if getattr(group, column) != value:
        setattr(group, column, value)
        group.updated_at = now


# ---------------------------------------------------------------- what is over


async def _close_what_is_over(session: AsyncSession, case: Case, open_now: set[tuple[FindingKind, str]]) -> None:
    pending: Mapping[FindingKind, str] = {FindingKind.RENAMED: "name", FindingKind.OWNER_CHANGED: "owner"}
    bodies = [queries.body_of(call) for call in case.under_way]
    for finding in await findings_queries.open_findings(session, case.group.id):
        field = pending.get(finding.kind)
        unsettled = finding.subject_userid in case.settling or any(field in body for body in bodies if field)
        if (finding.kind, finding.subject_userid) in open_now or unsettled:
            continue
        if resolution := _is_over(case, finding):
            await findings.resolve(session, finding, resolution=resolution, now=case.now)
            case.group.updated_at = case.now


def _is_over(case: Case, finding: GroupFinding) -> str | None:
    if finding.kind not in _CLOSED_BY_A_PERSON:
        return "核对一致"
    userid = WecomUserId(finding.subject_userid)
    if finding.kind is FindingKind.UNAPPROVED_LEAVE and userid in case.reading.userids:
        return "本人已回到群内"
    return None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
