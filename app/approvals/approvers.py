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
from app.org.rules import REACHABLE
from app.policy.schema import ApproverKind, parse_approver
from app.policy.service import Policy
from models.ids import DepartmentId, PersonId
from models.org import Person

FALLBACK_ROLES = ("hr", "president")
"""Who decides when the applicant's own line has nobody left, in this order, as far as the policy names them."""


@dataclass(frozen=True)
class Approvers:
    people: Sequence[Person]
    note: str | None = None
    """Why it is not whom the policy names."""


@dataclass(frozen=True)
class Applicant:
    """Whose request it is, and what it says: everything an expression may refer to."""

    kind: RequestKind[Any]
    payload: BaseModel
    requester: Person
    policy: Policy


async def resolve(session: AsyncSession, applicant: Applicant, *, step: str, expression: str) -> Approvers:
    """The people who may decide. Never the applicant: a step that is left with nobody goes to the next superior,
    then to the policy's fallback roles; when all that is empty, a refusal says what to configure.
    """
    named = await _named(session, applicant, expression)
    if able := _able(named, applicant.requester):
        return Approvers(able)
    own = any(person.id == applicant.requester.id for person in named)
    why = "申请人本人是审批人" if own else "没有在职的审批人"
    if superiors := _able(await org.department_head_of(session, applicant.requester), applicant.requester):
        return Approvers(superiors, f"{why}，转上一级负责人审批")
    for role in FALLBACK_ROLES:
        if holders := _able(await people_with_role(session, applicant.policy, role), applicant.requester):
            return Approvers(holders, f"{why}，转{applicant.policy.document.roles[role].title}审批")
    raise NoApprover(
        f"步骤“{step}”（{expression}）没有可以审批的人：{why}。请在通讯录中设置部门负责人，"
        f"或在制度的 roles 中配置 {' 或 '.join(FALLBACK_ROLES)}。",
        step=step,
        approver=expression,
    )


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


def _able(people: Iterable[Person], requester: Person) -> list[Person]:
    """Each once, able to act, and not the applicant (F56)."""
    unique = {person.id: person for person in people}
    unique.pop(requester.id, None)
    return [person for person in unique.values() if person.status in REACHABLE]


async def _named(session: AsyncSession, applicant: Applicant, expression: str) -> list[Person]:
    kind, name = parse_approver(expression)
    return await _LOOK_UP[kind](session, applicant, name)


async def _department_head(session: AsyncSession, applicant: Applicant, _: str) -> list[Person]:
    return await org.department_head_of(session, applicant.requester)


async def _direct_leader(session: AsyncSession, applicant: Applicant, _: str) -> list[Person]:
    return await org.direct_leaders_of(session, applicant.requester)


async def _group_administrators(session: AsyncSession, applicant: Applicant, _: str) -> list[Person]:
    ids = await applicant.kind.group_administrators(session, applicant.payload)
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
