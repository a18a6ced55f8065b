"""Who joins and leaves a group: whether they may, and the desired column that says so (D13)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue
from app.findings import service as findings
from app.groups import messages, queries, rules
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.record import change_of, order_update
from app.groups.changes.update import Account, GroupUpdate
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
from app.groups.rules import GroupPurpose
from app.groups.succession.ask import OWNER_IS_BACK, GroupPayload, ask_for_an_owner, waits_for_owner
from app.groups.succession.candidates import deputy_to_ask
from app.org import queries as org
from app.org.rules import may_act, why_not
from app.policy import service as policies
from app.policy.sections.groups import GroupTypeRule
from app.policy.service import Policy
from app.quotes import quoted
from models.delivery import MessageClass
from models.groups import FindingKind, Group, GroupMember, GroupState
from models.ids import GroupId, PersonId, PolicyVersionId
from models.org import Person

_WHY_NOT = {
    GroupState.CREATING: "还在建立",
    GroupState.FAILED: "没有建成",
    GroupState.CLOSING: "正在关闭",
    GroupState.CLOSED: "已关闭",
    GroupState.LOST: "已被解散",
}


def rule_of(policy: Policy, group_type: str) -> GroupTypeRule:
    rule = policy.document.groups.types.get(group_type)
    if rule is None:
        known = [f"{key}（{one.title}）" for key, one in policy.document.groups.types.items() if one.enabled]
        raise UnknownGroupType(
            f"制度第 {policy.number} 版没有{quoted(group_type)}这种群；有：{'、'.join(known)}",
            f"Version {policy.number} of the policy has no type of group {quoted(group_type)}; "
            f"there are {', '.join(known)}",
        )
    return rule


# ---------------------------------------------------------------- checks


async def check_may_join(session: AsyncSession, group: Group, person: Person, *, policy: Policy) -> None:
    check_active(group)
    check_may_act(person)
    stay = await queries.current_stay(session, group.id, person.id)
    if stay is not None and stay.desired and stay.observed:
        raise AlreadyAMember(
            f"{person.name} 已在{quoted(group.desired_name)}内",
            f"{person.name} is in {quoted(group.desired_name)} already",
        )
    await check_settled(session, stay)
    desired = {one.person_id for one in await queries.current_stays(session, group.id) if one.desired}
    citation = policy.cite("group.size")
    rules.check_size(len(desired | {person.id}), rule_of(policy, group.group_type), citation=citation)


async def check_may_leave(session: AsyncSession, group: Group, person: Person) -> GroupMember:
    """The stay that would end.

    Refuses somebody who is not in the group, the last but one member, and an owner without a deputy who can be asked.
    """
    check_active(group)
    stays = await queries.current_stays(session, group.id)
    stay = next((one for one in stays if one.person_id == person.id), None)
    if stay is None:
        raise NotAMember(
            f"{person.name} 不在{quoted(group.desired_name)}内", f"{person.name} is not in {quoted(group.desired_name)}"
        )
    await check_settled(session, stay)
    others = [one for one in stays if one.observed and one.person_id != person.id]
    if len(others) < rules.FEWEST:
        raise SizeRefused(
            f"{quoted(group.desired_name)}至少要保留 {rules.FEWEST} 人，{person.name} 现在不能退出",
            f"{quoted(group.desired_name)} keeps at least {rules.FEWEST} people: {person.name} cannot leave now",
        )
    if group.desired_owner_id == person.id and not stay.desired:
        raise ChangeUnderWay(
            f"{person.name} 的退出已登记，正在征求接任人的意愿",
            f"The leave of {person.name} is registered, and somebody is asked to own the group",
        )
    if group.desired_owner_id == person.id and await deputy_to_ask(session, group) is None:
        raise OwnerNeedsSuccessor(
            f"{person.name} 是{quoted(group.desired_name)}的群主，"
            "退出前请先由管理员更换群主，或指定一位在群内的副群主接任",
            f"{person.name} owns {quoted(group.desired_name)}: before they leave, an administrator changes the "
            "owner or names a deputy in the group",
        )
    return stay


def check_active(group: Group) -> None:
    if group.state is not GroupState.ACTIVE:
        raise GroupNotActive(
            f"{quoted(group.desired_name)}{_WHY_NOT[group.state]}",
            f"{quoted(group.desired_name)} is {group.state.value}",
            state=group.state.value,
        )


def check_may_act(*people: Person) -> None:
    """One account that cannot act spoils the platform's call (86216)."""
    if unable := [f"{person.name}（账号{why_not(person)}）" for person in people if not may_act(person)]:
        raise NotReachable(
            f"这些人现在不能加入群：{'、'.join(unable)}",
            "These people cannot join a group now: "
            f"{', '.join(f'{person.name} ({person.status.value})' for person in people if not may_act(person))}",
        )


async def check_settled(session: AsyncSession, stay: GroupMember | None) -> None:
    call = await queries.call(session, stay.call_id) if stay is not None and stay.call_id else None
    if stay is None or call is None:
        return
    change = await change_of(session, call)
    if await queries.is_under_way(session, change, stay.person_id):
        call = await queries.last_call_of(session, change)
        raise ChangeUnderWay(
            "上一次变更还在办理，请稍后再试",
            "The change before is still under way: try again later",
            call_id=str(call.id),
            state=call.state.value,
        )


# ---------------------------------------------------------------- changes


async def admit(
    session: AsyncSession, group: Group, person: Person, *, policy: Policy, cause: Cause, now: datetime
) -> GroupMember:
    """Register the person as desired, and ask the platform to add them unless they are in the group already."""
    await check_may_join(session, group, person, policy=policy)
    stay = await queries.current_stay(session, group.id, person.id)
    if stay is None:
        stay = GroupMember(group_id=group.id, person_id=person.id, desired_since=now)
        session.add(stay)
    stay.desired, stay.reason, stay.request_id, stay.desired_since = True, cause.reason, cause.request_id, now
    await publish_about_group(session, group, catalogue.MemberAdmitted, cause=cause, now=now, person_id=person.id)
    if group.desired_owner_id == person.id:
        # An open finding would silence the next time that they go.
        await findings.resolve_about(
            session, group, FindingKind.OWNER_LEFT, person_id=person.id, resolution="原群主已回到群内", now=now
        )
        await OWNER_IS_BACK.enqueue(session, GroupPayload(group_id=GroupId(group.id)))
    if stay.observed:
        # Somebody added them by hand before the approval: the platform refuses to add a member again.
        stay.call_id = None
        await welcome(session, group, stay, policy_version_id=cause.policy_version_id, actor=cause.actor, now=now)
        return stay
    userid = (await org.userids_of(session, [person.id]))[PersonId(person.id)]
    change = await order_update(session, group, GroupUpdate(add=(Account(userid, person.id),)), cause=cause, now=now)
    stay.call_id = change.call_id
    return stay


async def let_go(session: AsyncSession, group: Group, person: Person, *, cause: Cause, now: datetime) -> GroupMember:
    """Register that the person should leave, and ask the platform to remove them.

    An owner goes when somebody has accepted to follow (1.9): the deputy is asked first. Until then their stay has no
    call.
    """
    stay = await check_may_leave(session, group, person)
    stay.desired, stay.reason, stay.request_id, stay.desired_since = False, cause.reason, cause.request_id, now
    stay.call_id = None
    await publish_about_group(session, group, catalogue.MemberLetGo, cause=cause, now=now, person_id=person.id)
    if group.desired_owner_id == person.id:
        policy = await policies.get(session, PolicyVersionId(cause.policy_version_id))
        why = "即将被移出" if cause.reason == "removed" else "申请退出"
        await ask_for_an_owner(session, group, person, why, policy=policy, cause=cause, now=now)
        return stay
    if group.deputy_id == person.id:
        group.deputy_id = None
    userid = (await org.last_userids_of(session, [person.id]))[person.id]
    update = GroupUpdate(remove=(Account(userid, person.id),))
    change = await order_update(session, group, update, cause=cause, now=now)
    stay.call_id = change.call_id
    return stay


async def welcome(
    session: AsyncSession,
    group: Group,
    stay: GroupMember,
    *,
    policy_version_id: UUID,
    actor: Actor,
    now: datetime,
) -> None:
    """2.11: inform a new member of the group's purpose, its rules, and how to leave."""
    policy = await policies.get(session, PolicyVersionId(policy_version_id))
    owner = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id].name
    if await waits_for_owner(session, group):
        owner = messages.NO_OWNER
    rule = policy.document.groups.types.get(group.group_type)
    text = messages.welcome(
        policy.document.groups,
        group,
        owner=owner,
        exit_mode=rule.exit.mode if rule else "approve",
        citation=policy.cite("member.welcome"),
        introduction=policy.cite("member.introduction"),
    )
    why = Why(actor, "member.welcome", policy.id)
    header = MessageHeader(GroupPurpose.WELCOME, findings.about(group), why, MessageClass.NOTICE)
    await delivery.tell(session, header, [stay.person_id], text, now=now)
