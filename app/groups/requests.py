"""What may be applied for about groups: creating one, joining, exiting. Approvals know no kind by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals import service as approvals
from app.approvals.kinds import Kinds, RequestKind, RequestText, kinds_of
from app.audit.actor import Actor
from app.errors import DomainError
from app.findings import service as findings
from app.groups import messages, queries, roster
from app.groups import register as create
from app.groups.errors import AlreadyAMember, NotAMember, UnknownPeople
from app.groups.roster import Cause
from app.groups.schemas import CreateGroup, Exit, Join, RosterChange
from app.org import queries as org
from app.policy import service as policies
from app.policy.sections.people import StepRule
from app.policy.service import Policy
from models.approvals import OutcomeState, Request
from models.groups import FindingKind, Group, GroupMember
from models.ids import GroupId, PersonId, PolicyVersionId, RequestId, fold
from models.org import Person

# ---------------------------------------------------------------- create_group


async def _check_creation(
    session: AsyncSession, asked: CreateGroup, requester: Person, policy: Policy, _now: datetime
) -> None:
    await create.plan(session, asked, requester, policy=policy)
    await create.check_name_is_free(session, asked.name)


def _creation_steps(policy: Policy, asked: CreateGroup) -> Sequence[StepRule]:
    return roster.rule_of(policy, asked.type).create


async def _describe_creation(session: AsyncSession, asked: CreateGroup, requester: Person) -> RequestText:
    owner = await org.person_by_userid(session, asked.owner) if asked.owner else None
    scope = [f"{len(asked.members)} 人"] if asked.members else []
    departments = asked.departments or ([asked.department_id] if asked.department_id and not asked.members else [])
    for department_id in departments:
        department = await org.department(session, department_id)
        scope.append(department.name if department else str(department_id))
    fields = [
        ("群名称", asked.name),
        ("用途", asked.purpose),
        ("群主", owner.name if owner else "按制度规定"),
        ("成员", "、".join(scope) or requester.name),
    ]
    if asked.confidentiality == "confidential":
        fields.insert(1, ("密级", "保密群"))
    return RequestText(title=f"申请建立群“{asked.name}”", fields=fields)


async def _creation_approved(session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
    requester = await org.person(session, PersonId(request.requester_id))
    assert requester is not None  # a foreign key
    asked = CreateGroup.model_validate(request.payload)
    await create.carry_out_creation(session, request, asked, requester, actor=actor, now=now)


async def _future_administrators(session: AsyncSession, asked: CreateGroup) -> Sequence[PersonId]:
    found = await org.people_by_userids(session, [userid for userid in (asked.owner, asked.deputy) if userid])
    return [PersonId(person.id) for person in found.values()]


# ---------------------------------------------------------------- join, exit


async def _identify(session: AsyncSession, change: RosterChange, requester: Person) -> tuple[Group, Person]:
    """Fix whom it is about and by which type's rules it goes: a renamed userid or type changes neither later."""
    group = await queries.group(session, change.group)
    person = await org.person_by_userid(session, change.person) if change.person else requester
    if person is None:
        raise UnknownPeople(f"通讯录中没有账号 {change.person}", userids=[change.person])
    change.person_id, change.group_type = person.id, group.group_type
    return group, person


async def _check_join(session: AsyncSession, join: Join, requester: Person, policy: Policy, _now: datetime) -> None:
    group, person = await _identify(session, join, requester)
    await roster.check_may_join(session, group, person, policy=policy)


async def _check_exit(session: AsyncSession, leave: Exit, requester: Person, _policy: Policy, _now: datetime) -> None:
    group, person = await _identify(session, leave, requester)
    await roster.check_may_leave(session, group, person)


def _join_steps(policy: Policy, join: Join) -> Sequence[StepRule]:
    assert join.group_type is not None  # the check ran
    return roster.rule_of(policy, join.group_type).join.steps


def _exit_steps(policy: Policy, leave: Exit) -> Sequence[StepRule]:
    assert leave.group_type is not None  # the check ran
    return roster.rule_of(policy, leave.group_type).exit.steps


def _about(change: RosterChange, requester: Person) -> str:
    return f"group:{change.group_id} person:{change.person_id or fold(change.person or str(requester.id))}"


def _describe(verb: str) -> Any:
    async def describe(session: AsyncSession, change: RosterChange, requester: Person) -> RequestText:
        group, person = await _identify(session, change, requester)
        fields = [("群", group.desired_name), ("成员", person.name), ("职务", person.position), ("用途", group.purpose)]
        whose = "" if person.id == requester.id else f"{person.name}"
        return RequestText(
            title=f"申请{whose}{verb}“{group.desired_name}”",
            fields=[(key, value) for key, value in fields if value],
            group_id=GroupId(group.id),
        )

    return describe


async def _join_approved(session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
    join = Join.model_validate(request.payload)
    await carry_out_join(session, request, group_id=join.group, person_id=join.about, actor=actor, now=now)


async def _exit_approved(session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
    leave = Exit.model_validate(request.payload)
    await carry_out_exit(session, request, group_id=leave.group, person_id=leave.about, actor=actor, now=now)


async def _administrators(session: AsyncSession, change: RosterChange) -> Sequence[PersonId]:
    return await findings.administrators(session, await queries.group(session, change.group))


async def _nothing(_session: AsyncSession, _request: Request, *, actor: Actor, now: datetime) -> None:
    """A rejected application leaves everything as it is; the engine tells the applicant."""


CREATE_GROUP = RequestKind(
    name="create_group",
    rule_key="group.create",
    payload=CreateGroup,
    chain=_creation_steps,
    subject_key=lambda asked, _requester: f"name:{asked.name}",
    describe=_describe_creation,
    check=_check_creation,
    on_approved=_creation_approved,
    on_rejected=_nothing,
    group_administrators=_future_administrators,
)

JOIN = RequestKind(
    name="join",
    rule_key="member.join",
    payload=Join,
    chain=_join_steps,
    subject_key=_about,
    describe=_describe("加入"),
    check=_check_join,
    on_approved=_join_approved,
    on_rejected=_nothing,
    group_administrators=_administrators,
    concerns=lambda change: (change.person_id,),
)

EXIT = RequestKind(
    name="exit",
    rule_key="member.exit",
    payload=Exit,
    chain=_exit_steps,
    subject_key=_about,
    describe=_describe("退出"),
    check=_check_exit,
    on_approved=_exit_approved,
    on_rejected=_nothing,
    group_administrators=_administrators,
    concerns=lambda change: (change.person_id,),
)

KINDS: Kinds = kinds_of(CREATE_GROUP, JOIN, EXIT)


async def carry_out_join(
    session: AsyncSession, request: Request, *, group_id: GroupId, person_id: PersonId, actor: Actor, now: datetime
) -> None:
    """Approved (2.1): the person is wanted. What has become impossible meanwhile is the outcome's failure (F59)."""
    group = await queries.group_for_update(session, group_id)
    person = await org.person(session, person_id)
    assert person is not None  # a foreign key of the request's requester, or checked on submission
    cause = Cause("join", "member.join", request.policy_version_id, actor, request.id, request.reason)
    policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
    try:
        stay = await roster.admit(session, group, person, policy=policy, cause=cause, now=now)
    except AlreadyAMember:
        await finish(session, request.id, OutcomeState.DONE, "已在群内", now=now)
    except DomainError as refusal:
        await finish(session, request.id, OutcomeState.FAILED, str(refusal), now=now)
    else:
        if stay.call_id is None:
            await finish(session, request.id, OutcomeState.DONE, now=now)


async def carry_out_exit(
    session: AsyncSession, request: Request, *, group_id: GroupId, person_id: PersonId, actor: Actor, now: datetime
) -> None:
    """Approved (2.5), or free by the type's rule: the person is wanted no more."""
    group = await queries.group_for_update(session, group_id)
    person = await org.person(session, person_id)
    assert person is not None  # as above
    cause = Cause("exit", "member.exit", request.policy_version_id, actor, request.id, request.reason)
    policy = await policies.get(session, PolicyVersionId(request.policy_version_id))
    try:
        await roster.let_go(session, group, person, cause=cause, now=now)
    except NotAMember:
        # They went before the answer: the leave was not approved when it happened, but it is now.
        await findings.resolve_about(
            session,
            group,
            FindingKind.UNAPPROVED_LEAVE,
            person_id=person.id,
            resolution=f"退群申请 #{request.number} 事后批准",
            now=now,
        )
        await finish(session, request.id, OutcomeState.DONE, "已不在群内", now=now)
    except DomainError as refusal:
        await finish(session, request.id, OutcomeState.FAILED, str(refusal), now=now)
        return
    if roster.rule_of(policy, group.group_type).exit.mode == "notify":
        text = messages.left_quietly(group, name=person.name, citation=policy.cite("member.exit"))
        await findings.tell_administrators(
            session, group, text, policy=policy, why=cause.why, now=now, without=[person.id]
        )


async def finish(
    session: AsyncSession, request_id: UUID | None, outcome: OutcomeState, detail: str | None = None, *, now: datetime
) -> None:
    """Tell the approval engine, when the change came from an application."""
    if request_id is not None:
        await approvals.finish_outcome(
            session, request_id=RequestId(request_id), outcome=outcome, detail=detail, now=now
        )


async def abandon(session: AsyncSession, stay: GroupMember, why: str, *, now: datetime) -> None:
    """The person was wanted and not in yet; now they are wanted no more: their application will not be carried out."""
    if stay.desired and not stay.observed:
        await finish(session, stay.request_id, OutcomeState.FAILED, why, now=now)
