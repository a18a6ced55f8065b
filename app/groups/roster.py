"""Changes of a roster: who decided, the desired column, the call to the platform, and the record of the change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Update
from sqlalchemy import update as update_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.actor import Actor
from app.audit.why import Why
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue, publish
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
from app.groups.rules import Account, GroupPurpose, GroupUpdate, PendingChanges, SuccessionBasis
from app.ledger import service as ledger
from app.ledger.service import CallRequest
from app.org import queries as org
from app.org.rules import is_reachable
from app.policy import service as policies
from app.policy.sections.groups import GroupTypeRule
from app.policy.service import Policy
from models.delivery import CallKind, MessageClass, OutgoingCall
from models.groups import (
    Group,
    GroupChange,
    GroupChangeDirection,
    GroupChangeKind,
    GroupChangePerson,
    GroupChangeState,
    GroupMember,
    GroupState,
)
from models.ids import PersonId, PolicyVersionId, fold
from models.org import Person

_WHY_NOT = {
    GroupState.CREATING: "还在建立",
    GroupState.FAILED: "没有建成",
    GroupState.CLOSING: "正在关闭",
    GroupState.CLOSED: "已关闭",
    GroupState.LOST: "已被解散",
}


@dataclass(frozen=True)
class Cause:
    """Why a group changes: every row and call of the change carries it."""

    reason: str
    """`creation`, `join`, `exit`, `departure`, `added`, `removed`, …; the stay keeps it."""
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
    desired = {one.person_id for one in await queries.current_stays(session, group.id) if one.desired}
    clause = policy.cite("group.size").label
    rules.check_size(len(desired | {person.id}), rule_of(policy, group.group_type), clause=clause)


async def check_may_leave(session: AsyncSession, group: Group, person: Person) -> GroupMember:
    """The stay that would end.

    Refuses somebody who is not in the group, the last but one member, and an owner without a deputy to follow.
    """
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
    if stay is None or call is None:
        return
    change = await change_of(session, call)
    if await queries.is_under_way(session, change, stay.person_id):
        call = await queries.last_call_of(session, change)
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
    """Register the person as desired, and ask the platform to add them unless they are in the group already."""
    await check_may_join(session, group, person, policy=policy)
    stay = await queries.current_stay(session, group.id, person.id)
    if stay is None:
        stay = GroupMember(group_id=group.id, person_id=person.id, desired_since=now)
        session.add(stay)
    stay.desired, stay.reason, stay.request_id, stay.desired_since = True, cause.reason, cause.request_id, now
    await publish_about_group(session, group, catalogue.MemberAdmitted, cause=cause, now=now, person_id=person.id)
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
    """Register that the person should leave, and ask the platform to remove them. An owner hands over to the deputy."""
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
    update = GroupUpdate(remove=(Account(userid, person.id),), owner=owner)
    change = await order_update(session, group, update, cause=cause, now=now)
    stay.call_id = change.call_id
    await publish_about_group(session, group, catalogue.MemberLetGo, cause=cause, now=now, person_id=person.id)
    return stay


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


async def order_update(
    session: AsyncSession,
    group: Group,
    update: GroupUpdate,
    *,
    cause: Cause,
    now: datetime,
    previous: GroupChange | None = None,
) -> GroupChange:
    """Ask for the update by one `appchat/update`, in order with everything else that is done to the group.

    `previous` is a refused change of which this update is the missing part.
    """
    group.updated_at = now
    request = CallRequest(
        kind=CallKind.APPCHAT_UPDATE,
        body=_update_request(group, update),
        purpose=GroupPurpose.ROSTER,
        about=findings.about(group),
        why=cause.why,
        ordering_key=f"group:{group.id}",
    )
    call = await ledger.request_call(session, request, now=now)
    return await record_change(session, call, update, now=now, previous=previous)


def _update_request(group: Group, update: GroupUpdate) -> dict[str, Any]:
    fields = {
        "name": update.name,
        "owner": update.owner,
        "add_user_list": [account.userid for account in update.add],
        "del_user_list": [account.userid for account in update.remove],
    }
    return {"chatid": group.chatid, **{field: value for field, value in fields.items() if value}}


_USERID_FIELDS = {
    GroupChangeDirection.ADD: ("userlist", "add_user_list"),
    GroupChangeDirection.REMOVE: ("del_user_list",),
}


async def record_change(
    session: AsyncSession,
    call: OutgoingCall,
    update: GroupUpdate,
    *,
    now: datetime,
    previous: GroupChange | None = None,
) -> GroupChange:
    """Write down beside the call what it asks for, by person. Domain code never reads the call's bytes."""
    change = GroupChange(
        group_id=UUID(call.subject_id),
        call_id=call.id,
        previous_id=previous.id if previous else None,
        kind=GroupChangeKind.CREATE if call.kind is CallKind.APPCHAT_CREATE else GroupChangeKind.UPDATE,
        name=update.name,
        owner_userid=update.owner,
        created_at=now,
    )
    session.add(change)
    await session.flush()
    directions = ((GroupChangeDirection.ADD, update.add), (GroupChangeDirection.REMOVE, update.remove))
    session.add_all(
        GroupChangePerson(
            change_id=change.id,
            person_id=account.person_id,
            userid=fold(account.userid),
            shown=account.userid,
            direction=direction,
        )
        for direction, accounts in directions
        for account in accounts
    )
    await session.flush()
    return change


async def change_of(session: AsyncSession, call: OutgoingCall) -> GroupChange:
    """The change that the call carries: this call asked for it, or one that this call replaced."""
    first = await queries.first_call_of(session, call)
    return await queries.change_asked_for_by(session, first) or await _record_late(session, first)


async def pending_changes(session: AsyncSession, group: Group, *, since: datetime) -> PendingChanges:
    """What our changes of the group concern that may not show in a snapshot begun at `since`."""
    for call in await queries.open_calls(session, group.id):
        await change_of(session, call)
    return await queries.pending_changes(session, group.id, since=since)


async def _record_late(session: AsyncSession, call: OutgoingCall) -> GroupChange:
    """Record the change of a call that has none.

    An upgrade replaces `serve` last (docs/operators.md). Until then one of the release before may ask for changes.
    """
    body = json.loads(call.request_body)
    accounts = {
        direction: tuple([await _account(session, userid) for field in fields for userid in body.get(field, [])])
        for direction, fields in _USERID_FIELDS.items()
    }
    update = GroupUpdate(
        add=accounts[GroupChangeDirection.ADD],
        remove=accounts[GroupChangeDirection.REMOVE],
        owner=body.get("owner"),
        name=body.get("name"),
    )
    return await record_change(session, call, update, now=call.created_at)


async def _account(session: AsyncSession, userid: str) -> Account:
    person = await org.person_by_userid(session, userid) or await org.former_person_of(session, userid)
    return Account(userid, person.id if person else None)


async def settle_change(
    session: AsyncSession, change: GroupChange, state: GroupChangeState, *, now: datetime, error: str | None = None
) -> None:
    """Write down what became of a change, for everybody in it. What is done for somebody stays done."""
    change.settled_at = None if state is GroupChangeState.UNKNOWN else now
    statement = update_rows(GroupChangePerson).where(col(GroupChangePerson.change_id) == change.id)
    await _set_state(session, statement, state, error=error, settled_at=change.settled_at)


async def settle_people(
    session: AsyncSession, change: GroupChange, people: Sequence[Account], *, now: datetime
) -> None:
    """Write down that a change is done for these people; for the others it stays as it is."""
    statement = update_rows(GroupChangePerson).where(
        col(GroupChangePerson.change_id) == change.id,
        col(GroupChangePerson.userid).in_([fold(account.userid) for account in people]),
    )
    await _set_state(session, statement, GroupChangeState.DONE, error=None, settled_at=now)


async def _set_state(
    session: AsyncSession,
    statement: Update,
    state: GroupChangeState,
    *,
    error: str | None,
    settled_at: datetime | None,
) -> None:
    await session.execute(
        statement.where(col(GroupChangePerson.state) != GroupChangeState.DONE)
        .values(state=state, error=error, settled_at=settled_at)
        .execution_options(synchronize_session=False)
    )


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
    owner = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id]
    text = messages.welcome(policy.document.groups, group, owner=owner.name, citation=policy.cite("group.charter"))
    why = Why(actor, "group.charter", policy.id)
    header = MessageHeader(GroupPurpose.WELCOME, findings.about(group), why, MessageClass.ANSWER)
    await delivery.tell(session, header, [stay.person_id], text, now=now)


async def publish_about_group(
    session: AsyncSession,
    group: Group,
    event: type[catalogue.GroupEvent],
    *,
    cause: Cause,
    now: datetime,
    **facts: object,
) -> None:
    """Say that this has happened to a group, for its cause. The feed gets the facts that the event has fields for, the
    audit row gets all of them.
    """
    happened = event.model_validate({"group_id": group.id, "request_id": cause.request_id, **facts})
    said = {"reason": cause.reason, "words": cause.words, "request_id": cause.request_id, **facts}
    kept = {
        key: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for key, value in said.items()
        if value
    }
    await publish(session, happened, cause.why, now=now, details=kept)
