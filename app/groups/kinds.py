"""What may be applied for about groups: creating one, joining, exiting. Approvals know no kind by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.kinds import Kinds, RequestKind, RequestText, kinds_of
from app.audit.actor import Actor
from app.groups import applications, create, findings, queries, roster
from app.groups.errors import UnknownPeople
from app.groups.schemas import CreateGroup, Exit, Join, RosterChange
from app.org import queries as org
from app.policy.sections.people import StepRule
from app.policy.service import Policy
from models.approvals import Request
from models.groups import Group
from models.ids import GroupId, PersonId, fold
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
    await applications.carry_out_join(session, request, group_id=join.group, person_id=join.about, actor=actor, now=now)


async def _exit_approved(session: AsyncSession, request: Request, *, actor: Actor, now: datetime) -> None:
    leave = Exit.model_validate(request.payload)
    await applications.carry_out_exit(
        session, request, group_id=leave.group, person_id=leave.about, actor=actor, now=now
    )


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
