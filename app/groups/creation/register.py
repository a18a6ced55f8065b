"""Creating a group: what an application must say, the rows of an approved one, and its first messages (F37, F39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.audit.why import Why
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.errors import DomainError
from app.events.service import catalogue
from app.findings import service as findings
from app.findings.service import RECONCILER, Fact, FindingDetails
from app.groups import group_names, messages, queries, requests, rules
from app.groups.changes.cause import Cause, publish_about_group
from app.groups.changes.record import change_of, record_change, settle_change
from app.groups.changes.update import Account, GroupUpdate
from app.groups.creation import left_out
from app.groups.creation.first_members import people_asked_for, people_of_departments
from app.groups.creation.first_owner import choose_owner, seen_from
from app.groups.errors import ConfidentialRule, NameTaken, TypeNotOffered
from app.groups.roster import rule_of
from app.groups.rules import GroupPurpose
from app.groups.schemas import CreationSubject
from app.groups.snapshot import GroupGone
from app.ledger import service as ledger
from app.ledger.service import CallRequest
from app.observability import current_correlation_id
from app.org import queries as org
from app.org.rules import may_act
from app.policy import service as policies
from app.policy.sections.groups import GroupTypeRule
from app.policy.service import Policy
from app.quotes import quoted
from app.roles import service as roles
from app.wecom.codes import CHAT_EXISTS
from models.approvals import OutcomeState, Request
from models.delivery import CallKind, CallState, MessageClass, OutgoingCall
from models.groups import FindingKind, Group, GroupChange, GroupChangeState, GroupMember, GroupState
from models.ids import APP, GroupId, PersonId, PolicyVersionId, fold, new_id
from models.org import Person


@dataclass(frozen=True)
class Plan:
    """An application resolved against the organisation and the policy as they are now."""

    asked: CreationSubject
    rule: GroupTypeRule
    owner: Person
    deputy: Person | None
    members: Sequence[Person]
    """Owner first, everybody once."""


# ---------------------------------------------------------------- what was asked for


async def plan(session: AsyncSession, asked: CreationSubject, requester: Person, *, policy: Policy) -> Plan:
    """Who would own it and who would be in it. Raises the reason when it cannot be created."""
    rule = rule_of(policy, asked.group_type)
    if not rule.enabled:
        citation = policy.cite("member.external")
        raise TypeNotOffered(
            f"{rule.title}不能在这里申请：应用建立的群只能有内部成员（{citation.label}）",
            f"A group of the type {rule.title} cannot be applied for: groups of the app hold members of "
            f"the company only ({citation.english})",
        )
    group_names.check_name(
        asked.name, rule, longest=policy.document.groups.max_name_length, citation=policy.cite("group.name")
    )
    if asked.confidentiality == rules.CONFIDENTIAL and (asked.departments or not asked.member_ids):
        raise ConfidentialRule(
            f"保密群须逐一写明成员，不能按部门加入（{policy.cite('group.confidential').label}）",
            "Name each member of a confidential group; departments cannot join it "
            f"({policy.cite('group.confidential').english})",
        )
    named = await people_asked_for(session, asked)
    owner = named[asked.owner_id] if asked.owner_id else await choose_owner(session, asked, rule, requester, policy)
    deputy = named[asked.deputy_id] if asked.deputy_id else None
    people = [owner, *([deputy] if deputy else []), *(named[person_id] for person_id in asked.member_ids)]
    members = list({person.id: person for person in [*people, *await people_of_departments(session, asked)]}.values())
    rules.check_size(len(members), rule, citation=policy.cite("group.size"))
    return Plan(asked, rule, owner, deputy, members)


async def check_name_is_free(session: AsyncSession, name: str) -> None:
    if await queries.living_group_named(session, name) is not None:
        raise NameTaken(f"已有名为{quoted(name)}的群", f"There is a group {quoted(name)} already")


# ---------------------------------------------------------------- approved


async def carry_out_creation(
    session: AsyncSession, request: Request, asked: CreationSubject, *, actor: Actor, now: datetime
) -> None:
    """Approved: register the group and ask the platform for it, or, on a retry, ask again with the same chatid."""
    policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
    cause = Cause("creation", "group.create", policy.id, actor, request.id, request.reason)
    group = await queries.group_of_request(session, request.id)
    if group is None:
        try:
            requester = (await org.people_by_id(session, [request.requester_id]))[request.requester_id]
            planned = await plan(session, asked, requester, policy=policy)
            await check_name_is_free(session, asked.name)
        except DomainError as refusal:
            # Possible when it was applied for, impossible now: visible, and to be retried when mended (F59).
            await requests.finish(session, request.id, OutcomeState.FAILED, str(refusal), now=now)
            return
        group = await register(session, planned, policy=policy, cause=cause, now=now)
        # Known only now: lists of requests by group then show the one that made it.
        request.group_id = group.id
    elif group.state is GroupState.ACTIVE:
        await requests.finish(session, request.id, OutcomeState.DONE, now=now)
        return
    group.state, group.state_detail, group.updated_at = GroupState.CREATING, None, now
    await _order_creation(session, group, cause=cause, now=now)


async def register(session: AsyncSession, planned: Plan, *, policy: Policy, cause: Cause, now: datetime) -> Group:
    """Add the group's row and its desired roster (1.1: a group is registered before it exists)."""
    asked, group_id = planned.asked, new_id()
    roster_rule = await left_out.roster_rule(session, asked, now=now)
    group = Group(
        id=group_id,
        app_id=APP,
        chatid=rules.chatid_of(group_id),
        group_type=asked.group_type,
        purpose=asked.purpose,
        confidentiality=asked.confidentiality,
        department_id=asked.department_id,
        desired_name=asked.name,
        desired_owner_id=planned.owner.id,
        deputy_id=planned.deputy.id if planned.deputy else None,
        roster_rule=roster_rule.model_dump(mode="json"),
        charter=messages.charter(planned.rule, name=asked.name, owner=planned.owner.name),
        request_id=cause.request_id,
        policy_version_id=policy.id,
        rule_key=cause.rule_key,
        correlation_id=current_correlation_id(),
        registered_at=now,
        updated_at=now,
    )
    session.add(group)
    await session.flush()
    session.add_all(
        GroupMember(group_id=group.id, person_id=person.id, reason=cause.reason, desired_since=now)
        for person in planned.members
    )
    await publish_about_group(
        session, group, catalogue.GroupRegistered, cause=cause, now=now, people=len(planned.members)
    )
    return group


async def _order_creation(session: AsyncSession, group: Group, *, cause: Cause, now: datetime) -> None:
    """Ask for the group by `appchat/create`, with every desired member who still has an account."""
    await session.flush()
    desired = [stay for stay in await queries.current_stays(session, group.id) if stay.desired]
    userids = await org.userids_of(session, [stay.person_id for stay in desired])
    owner = userids.get(PersonId(group.desired_owner_id))
    if owner is None or len(userids) < rules.FEWEST:
        await _failed(session, group, "群主或多数成员已不在通讯录中", now=now)
        return
    accounts = tuple(
        Account(userids[PersonId(stay.person_id)], stay.person_id) for stay in desired if stay.person_id in userids
    )
    request = CallRequest(
        kind=CallKind.APPCHAT_CREATE,
        body={
            "name": group.desired_name,
            "owner": owner,
            "userlist": [account.userid for account in accounts],
            "chatid": group.chatid,
        },
        purpose=GroupPurpose.CREATE,
        about=findings.about(group),
        why=cause.why,
        ordering_key=f"group:{group.id}",
    )
    call = await ledger.request_call(session, request, now=now)
    await record_change(session, call, GroupUpdate(add=accounts, owner=owner, name=group.desired_name), now=now)
    for stay in desired:
        if stay.person_id in userids:
            stay.call_id = call.id


# ---------------------------------------------------------------- what the platform made of it


async def creation_ended(session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
    """Outcome of `appchat/create`. An unknown one is shown; the ledger repeats the call, a snapshot may settle it."""
    group = await queries.group_for_update(session, GroupId(UUID(call.subject_id)))
    change = await change_of(session, call)
    is_done = call.state is CallState.DONE or call.errcode == CHAT_EXISTS
    state = GroupChangeState.DONE if is_done else GroupChangeState(call.state.value)
    await settle_change(session, change, state, now=now, error=None if is_done else call.error)
    if group.state not in {GroupState.CREATING, GroupState.FAILED}:
        return
    if is_done:
        await _created(session, group, change, now=now)
    elif call.state is CallState.FAILED:
        await _failed(session, group, call.error or "企业微信拒绝了建群", now=now)
    else:
        group.state_detail, group.updated_at = f"建群结果未知：{call.error}", now


async def _created(session: AsyncSession, group: Group, change: GroupChange, *, now: datetime) -> None:
    group.state, group.state_detail = GroupState.ACTIVE, None
    group.created_at = group.observed_at = group.updated_at = now
    group.observed_name = group_names.shown_name(change.name) if change.name else None
    group.observed_owner_userid = fold(change.owner_userid) if change.owner_userid else None
    stays = await queries.current_stays(session, group.id)
    for stay in stays:
        if stay.call_id == change.call_id:
            stay.observed, stay.first_seen_at = True, stay.first_seen_at or now
    policy = await policies.get(session, PolicyVersionId(group.policy_version_id))
    cause = Cause("creation", "group.create", policy.id, findings.RECONCILER, group.request_id)
    await publish_about_group(session, group, catalogue.GroupCreated, cause=cause, now=now, call_id=change.call_id)
    await _announce(session, group, policy=policy, people=len(stays), now=now)
    await left_out.tell_of_them(session, group, policy=policy, cause=cause, now=now)
    await requests.finish(session, group.request_id, OutcomeState.DONE, now=now)


async def _failed(session: AsyncSession, group: Group, why: str, *, now: datetime) -> None:
    group.state, group.state_detail, group.updated_at = GroupState.FAILED, why, now
    cause = Cause("creation", "group.create", group.policy_version_id, findings.RECONCILER, group.request_id)
    await publish_about_group(session, group, catalogue.GroupFailed, cause=cause, now=now, why=why)
    await requests.finish(session, group.request_id, OutcomeState.FAILED, why, now=now)


async def _announce(session: AsyncSession, group: Group, *, policy: Policy, people: int, now: datetime) -> None:
    """The first message, without which clients do not show the group; the charter (1.5); 备案 (1.2)."""
    rule = rule_of(policy, group.group_type)
    owner = (await org.people_by_id(session, [group.desired_owner_id]))[group.desired_owner_id]
    why = Why(findings.RECONCILER, "group.charter", policy.id)
    for text in messages.first_posts(policy.document.groups, rule, group, owner=owner.name):
        # It rings the phones of people who have just done nothing: it keeps the rest period (policy 3.4).
        header = MessageHeader(GroupPurpose.FIRST_MESSAGE, findings.about(group), why, MessageClass.NOTICE)
        await delivery.post_to_group(session, header, group=group, text=text, now=now)
    await _inform(session, group, rule, owner, policy=policy, people=people, now=now)


async def _inform(
    session: AsyncSession,
    group: Group,
    rule: GroupTypeRule,
    owner: Person,
    *,
    policy: Policy,
    people: int,
    now: datetime,
) -> None:
    told: dict[Any, Person] = {}
    about = seen_from(owner, group.department_id)
    for expression in rule.informed:
        named = await roles.resolve(session, expression, about, policy)
        told |= {person.id: person for person in named if may_act(person)}
    if not told:
        return
    text = messages.registered(rule, group, owner=owner.name, people=people, citation=policy.cite("group.informed"))
    why = Why(findings.RECONCILER, "group.informed", policy.id)
    header = MessageHeader(GroupPurpose.INFORMED, findings.about(group), why)
    await delivery.tell(session, header, told, text, now=now)


async def mark_lost(session: AsyncSession, *, group_id: GroupId, gone: GroupGone, now: datetime) -> None:
    """The platform does not know the group any more. A group whose creation is still under way is not lost."""
    group = await queries.group_for_update(session, group_id)
    if group.state not in {GroupState.ACTIVE, GroupState.CLOSING}:
        return
    if group.observed_at is not None and group.observed_at > gone.at:
        return
    policy = await policies.in_force(session, now=now)
    group.state, group.state_detail = GroupState.LOST, f"企业微信中已没有这个群（错误码 {gone.errcode}）"
    group.ended_at = group.updated_at = now
    cause = Cause("reconcile", "group.dissolved", policy.id, RECONCILER)
    await publish_about_group(session, group, catalogue.GroupLost, cause=cause, now=now, errcode=gone.errcode)
    for stay in await queries.current_stays(session, group.id):
        await requests.abandon(session, stay, "群已解散", now=now)
    fact = Fact(FindingKind.DISSOLVED, detail=f"错误码 {gone.errcode}", facts=FindingDetails(errcode=gone.errcode))
    await findings.note(session, group, fact, policy=policy, now=now)
