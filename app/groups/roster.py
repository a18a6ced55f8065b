"""Changes of a roster: who decided, the wanted column, and the ledger call that carries it to the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.service import record
from app.audit.why import Why
from app.delivery.service import MessageHeader
from app.findings import service as findings
from app.groups import messages, queries, rules
from app.groups.errors import (
    AlreadyAMember,
    ChangeUnderWay,
    GroupNotActive,
    NotAMember,
    NotReachable,
    OwnerNeedsSuccessor,
    SizeRefused,
    UnknownGroupType,
)
from app.groups.rules import SuccessionBasis
from app.ledger import service as ledger
from app.ledger.service import CallRequest
from app.org import queries as org
from app.org.rules import is_reachable
from app.policy import service as policies
from app.policy.sections.groups import GroupTypeRule
from app.policy.service import Policy
from models.delivery import CallKind, MessageClass, OutgoingCall
from models.groups import Group, GroupMember, GroupState
from models.ids import PersonId, PolicyVersionId
from models.org import Person

ROSTER = "group.roster"
"""Purpose of every `appchat/update`: its outcome is heard in `outcomes.py`."""

_WHY_NOT = {
    GroupState.CREATING: "还在建立",
    GroupState.FAILED: "没有建成",
    GroupState.CLOSING: "正在关闭",
    GroupState.CLOSED: "已关闭",
    GroupState.LOST: "已被解散",
}


@dataclass(frozen=True)
class Cause:
    """Why a group changes: what every row and call of the change carries."""

    reason: str
    """`creation`, `join`, `exit`, `departure`, `added`, `removed`, …; stands on the stay."""
    rule_key: str
    policy_version_id: UUID
    actor: Actor
    request_id: UUID | None = None
    words: str = ""
    """What a person gave as the reason, for the audit trail."""

    @property
    def why(self) -> Why:
        return Why(self.actor, self.rule_key, self.policy_version_id)


def rule_of(policy: Policy, group_type: str) -> GroupTypeRule:
    rule = policy.document.groups.types.get(group_type)
    if rule is None:
        known = [f"{key}（{one.title}）" for key, one in policy.document.groups.types.items() if one.enabled]
        raise UnknownGroupType(f"制度第 {policy.number} 版没有“{group_type}”这种群；有：{'、'.join(known)}")
    return rule


# ---------------------------------------------------------------- checks


async def check_may_join(session: AsyncSession, group: Group, person: Person, *, policy: Policy) -> None:
    check_active(group)
    check_reachable(person)
    stay = await queries.current_stay(session, group.id, person.id)
    if stay is not None and stay.desired and stay.observed:
        raise AlreadyAMember(f"{person.name} 已在“{group.desired_name}”内")
    await check_settled(session, stay)
    wanted = {one.person_id for one in await queries.current_stays(session, group.id) if one.desired}
    clause = policy.cite("group.size").label
    rules.check_size(len(wanted | {person.id}), rule_of(policy, group.group_type), clause=clause)


async def check_may_leave(session: AsyncSession, group: Group, person: Person) -> GroupMember:
    """The stay that would end. Refused for who is not in, the last but one, and an owner without a deputy."""
    check_active(group)
    stays = await queries.current_stays(session, group.id)
    stay = next((one for one in stays if one.person_id == person.id), None)
    if stay is None:
        raise NotAMember(f"{person.name} 不在“{group.desired_name}”内")
    await check_settled(session, stay)
    others = [one for one in stays if one.observed and one.person_id != person.id]
    if len(others) < rules.FEWEST:
        raise SizeRefused(f"“{group.desired_name}”至少要保留 {rules.FEWEST} 人，{person.name} 现在不能退出")
    if group.desired_owner_id == person.id and await _deputy_to_follow(session, group) is None:
        raise OwnerNeedsSuccessor(
            f"{person.name} 是“{group.desired_name}”的群主，退出前请先由管理员更换群主，或指定一位在群内的副群主接任"
        )
    return stay


def check_active(group: Group) -> None:
    if group.state is not GroupState.ACTIVE:
        raise GroupNotActive(f"“{group.desired_name}”{_WHY_NOT[group.state]}", state=group.state.value)


def check_reachable(*people: Person) -> None:
    unreachable = [person.name for person in people if not is_reachable(person)]
    if unreachable:
        raise NotReachable(f"这些人的账号未激活、已停用或已离职：{'、'.join(unreachable)}")


async def check_settled(session: AsyncSession, stay: GroupMember | None) -> None:
    call = await queries.call(session, stay.call_id) if stay is not None and stay.call_id else None
    if call is not None and call.state in queries.OPEN:
        raise ChangeUnderWay("上一次变更还在办理，请稍后再试", call_id=str(call.id), state=call.state.value)


async def _deputy_to_follow(session: AsyncSession, group: Group) -> Person | None:
    stays = await queries.current_stays(session, group.id)
    remaining = [one.person_id for one in stays if one.desired and one.person_id != group.desired_owner_id]
    succession = rules.choose_successor(deputy=group.deputy_id, heads=(), remaining=remaining)
    if succession is None or succession.basis is not SuccessionBasis.DEPUTY:
        return None
    deputy = await org.person(session, PersonId(succession.person_id))
    return deputy if deputy is not None and is_reachable(deputy) else None


# ---------------------------------------------------------------- changes


async def admit(
    session: AsyncSession, group: Group, person: Person, *, policy: Policy, cause: Cause, now: datetime
) -> GroupMember:
    """Want the person in the group, and ask the platform to add them. Nothing is asked of who is inside already."""
    await check_may_join(session, group, person, policy=policy)
    stay = await queries.current_stay(session, group.id, person.id)
    if stay is None:
        stay = GroupMember(group_id=group.id, person_id=person.id, desired_since=now)
        session.add(stay)
    stay.desired, stay.reason, stay.request_id, stay.desired_since = True, cause.reason, cause.request_id, now
    await record_group(session, group, action="member.admitted", cause=cause, now=now, person_id=person.id)
    if stay.observed:
        # Let in by hand before it was approved: the platform refuses to add who is there.
        stay.call_id = None
        await welcome(session, group, stay, policy_version_id=cause.policy_version_id, actor=cause.actor, now=now)
        return stay
    userid = (await org.userids_of(session, [person.id]))[PersonId(person.id)]
    call = await order_update(session, group, cause=cause, now=now, add=[userid])
    stay.call_id = call.id
    return stay


async def let_go(session: AsyncSession, group: Group, person: Person, *, cause: Cause, now: datetime) -> GroupMember:
    """Want the person out of the group, and ask the platform to remove them; an owner hands over to the deputy."""
    stay = await check_may_leave(session, group, person)
    owner = None
    if group.desired_owner_id == person.id:
        deputy = await _deputy_to_follow(session, group)
        if deputy is None:
            raise ValueError("an owner without a deputy may not leave: check_may_leave refuses it")
        owner = await hand_over(session, group, deputy, former=person, why="退出", cause=cause, now=now)
    stay.desired, stay.reason, stay.request_id, stay.desired_since = False, cause.reason, cause.request_id, now
    if group.deputy_id == person.id:
        group.deputy_id = None
    userid = (await org.last_userids_of(session, [person.id]))[person.id]
    call = await order_update(session, group, cause=cause, now=now, remove=[userid], owner=owner)
    stay.call_id = call.id
    await record_group(session, group, action="member.let_go", cause=cause, now=now, person_id=person.id)
    return stay


async def hand_over(
    session: AsyncSession, group: Group, to: Person, *, former: Person | None, why: str, cause: Cause, now: datetime
) -> str:
    """Register the new owner and tell them. Returns their userid for the call that makes it so."""
    group.desired_owner_id, group.updated_at = to.id, now
    if group.deputy_id == to.id:
        group.deputy_id = None
    await record_group(session, group, action="group.owner_changed", cause=cause, now=now, person_id=to.id, basis=why)
    text = messages.now_owner(group, former=former.name if former else "原群主", why=why)
    header = MessageHeader("group.owner", findings.about(group), cause.why.under("group.owner"))
    await findings.tell(session, header, [PersonId(to.id)], text, now=now)
    return (await org.userids_of(session, [to.id]))[PersonId(to.id)]


async def order_update(
    session: AsyncSession,
    group: Group,
    *,
    cause: Cause,
    now: datetime,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    owner: str | None = None,
    name: str | None = None,
) -> OutgoingCall:
    """One `appchat/update` in the ledger, in order with everything else that is done to the group."""
    changes = {"name": name, "owner": owner, "add_user_list": list(add), "del_user_list": list(remove)}
    group.updated_at = now
    request = CallRequest(
        kind=CallKind.APPCHAT_UPDATE,
        body={"chatid": group.chatid, **{key: value for key, value in changes.items() if value}},
        purpose=ROSTER,
        about=findings.about(group),
        why=cause.why,
        ordering_key=f"group:{group.id}",
    )
    return await ledger.request_call(session, request, now=now)


async def welcome(
    session: AsyncSession,
    group: Group,
    stay: GroupMember,
    *,
    policy_version_id: UUID,
    actor: Actor,
    now: datetime,
) -> None:
    """2.11: who was added hears what the group is for, its rules, and how to leave."""
    policy = await policies.get(session, PolicyVersionId(policy_version_id))
    owner = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id]
    text = messages.welcome(policy.document.groups, group, owner=owner.name, citation=policy.cite("group.charter"))
    why = Why(actor, "group.charter", policy.id)
    header = MessageHeader("group.welcome", findings.about(group), why, MessageClass.ANSWER)
    await findings.tell(session, header, [PersonId(stay.person_id)], text, now=now)


async def record_group(
    session: AsyncSession, group: Group, *, action: str, cause: Cause, now: datetime, **details: object
) -> None:
    said = {"reason": cause.reason, "words": cause.words, "request_id": cause.request_id, **details}
    kept = {key: str(value) for key, value in said.items() if value}
    await record(session, action, findings.about(group), cause.why, now=now, details=kept)
