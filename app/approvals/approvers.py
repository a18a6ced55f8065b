"""Who may decide a step: the policy's approver expression, looked up in the organisation (F50, F56)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.errors import NoApprover
from app.approvals.kinds import RequestKind
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import ApproverKind, parse_approver
from app.policy.service import Policy
from models.ids import DepartmentId, PersonId
from models.org import Person


@dataclass(frozen=True)
class Approvers:
    people: Sequence[Person]
    note: str | None = None
    """Why it is not whom the policy names."""


@dataclass(frozen=True)
class Applicant:
    """Whose request it is, and what it is about: everything an expression may refer to."""

    kind: RequestKind[Any, Any]
    subject: BaseModel
    requester: Person
    policy: Policy

    @property
    def barred(self) -> frozenset[UUID]:
        """Who never decides it, whatever the routing says: who applies, and whom it is about (F56)."""
        return frozenset({self.requester.id, *self.kind.concerns(self.subject)})


async def resolve(session: AsyncSession, applicant: Applicant, *, step: str, expression: str) -> Approvers:
    """The people who may decide. Never the applicant nor whom it is about: a step that is left with nobody goes along
    the policy's `approvals.fallback`; when that leads nowhere, a refusal says what to configure.
    """
    named = await _named(session, applicant, expression)
    if able := _able(named, applicant.barred):
        return Approvers(able)
    why = _why_nobody(named, applicant)
    fallback = applicant.policy.document.approvals.fallback
    for other in fallback:
        if able := _able(await _named(session, applicant, other), applicant.barred):
            return Approvers(able, f"{why}，转{_title(other, applicant.policy)}审批")
    tried = "、".join(fallback) or "未写"
    raise NoApprover(
        f"步骤“{step}”（{expression}）没有可以审批的人：{why}，制度的 approvals.fallback（{tried}）也没有。"
        "请在通讯录中设置部门负责人，或在制度中配置审批人。",
        step=step,
        approver=expression,
    )


def _why_nobody(named: Iterable[Person], applicant: Applicant) -> str:
    ids = {person.id for person in named}
    if applicant.requester.id in ids:
        return "申请人本人是审批人"
    return "申请涉及的本人是审批人" if ids & applicant.barred else "没有在职的审批人"


def _title(expression: str, policy: Policy) -> str:
    """An approver expression for people: 上一级负责人, 人力资源 …"""
    kind, name = parse_approver(expression)
    role = policy.document.roles.get(name) if kind is ApproverKind.ROLE else None
    return role.title if role else _TITLES.get(kind, name)


async def superiors_of(session: AsyncSession, people: Iterable[Person], *, besides: Collection[UUID]) -> list[Person]:
    """The nearest heads above each of these people who are not among `besides` (who was asked, the applicant)."""
    found: dict[UUID, Person] = {}
    for person in people:
        for department_id in await _departments_above(session, person):
            heads = await org.leaders_of_department(session, department_id)
            if new := {head.id: head for head in heads if head.id != person.id and head.id not in besides}:
                found |= new
                break
    return list(found.values())


async def _departments_above(session: AsyncSession, person: Person) -> list[DepartmentId]:
    """From their own department to the top."""
    if person.main_department_id is not None:
        return await org.departments_above(session, person.main_department_id)
    places = (await org.memberships_of(session, [person.id])).get(person.id, [])
    return await org.departments_above(session, places[0].department_id) if places else []


async def people_with_role(session: AsyncSession, policy: Policy, name: str) -> list[Person]:
    """Everybody who holds a named role of the policy. A role the policy does not name is held by nobody."""
    rule = policy.document.roles.get(name)
    if rule is None:
        return []
    people: list[Person] = []
    for department_name in rule.departments:
        for department in await org.departments_named(session, department_name):
            if rule.leaders_only:
                people += await org.leaders_of_department(session, department.id)
            else:
                people += await org.people_in_departments(session, [department.id])
    for tag in rule.tags:
        people += await org.people_with_tag(session, tag)
    for post in rule.posts:
        people += await org.people_with_post(session, post)
    people += (await org.people_by_userids(session, rule.userids)).values()
    return people


def _able(people: Iterable[Person], barred: Collection[UUID]) -> list[Person]:
    """Each once, able to act, and not in their own case (F56)."""
    unique = {person.id: person for person in people if person.id not in barred}
    return [person for person in unique.values() if may_act(person)]


async def _named(session: AsyncSession, applicant: Applicant, expression: str) -> list[Person]:
    kind, name = parse_approver(expression)
    return await _LOOK_UP[kind](session, applicant, name)


async def _department_head(session: AsyncSession, applicant: Applicant, _: str) -> list[Person]:
    """The nearest above the applicant who may decide: a head whom it is about is passed over like the applicant."""
    for department_id in await _departments_above(session, applicant.requester):
        if heads := _able(await org.leaders_of_department(session, department_id), applicant.barred):
            return heads
    return []


async def _direct_leader(session: AsyncSession, applicant: Applicant, _: str) -> list[Person]:
    return await org.direct_leaders_of(session, applicant.requester)


async def _group_administrators(session: AsyncSession, applicant: Applicant, _: str) -> list[Person]:
    ids = await applicant.kind.group_administrators(session, applicant.subject)
    return [person for id_ in ids if (person := await org.person(session, PersonId(id_)))]


async def _role(session: AsyncSession, applicant: Applicant, name: str) -> list[Person]:
    return await people_with_role(session, applicant.policy, name)


async def _tag(session: AsyncSession, _: Applicant, name: str) -> list[Person]:
    return await org.people_with_tag(session, name)


async def _post(session: AsyncSession, _: Applicant, position: str) -> list[Person]:
    return await org.people_with_post(session, position)


async def _userid(session: AsyncSession, _: Applicant, userid: str) -> list[Person]:
    person = await org.person_by_userid(session, userid)
    return [person] if person else []


_TITLES = {
    ApproverKind.DEPARTMENT_HEAD: "上一级负责人",
    ApproverKind.DIRECT_LEADER: "直接上级",
    ApproverKind.GROUP_ADMINISTRATOR: "群管理员",
    ApproverKind.GROUP_OWNER: "群主",
}

_LOOK_UP: dict[ApproverKind, Callable[[AsyncSession, Applicant, str], Awaitable[list[Person]]]] = {
    ApproverKind.DEPARTMENT_HEAD: _department_head,
    ApproverKind.DIRECT_LEADER: _direct_leader,
    ApproverKind.GROUP_ADMINISTRATOR: _group_administrators,
    ApproverKind.GROUP_OWNER: _group_administrators,
    ApproverKind.ROLE: _role,
    ApproverKind.TAG: _tag,
    ApproverKind.POST: _post,
    ApproverKind.USERID: _userid,
}
