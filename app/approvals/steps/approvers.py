"""Who may decide a step: whom the policy names, else whom its fallback names; never whom the request is about (F56)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.context import RequestContext
from app.approvals.errors import NoApprover
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind, StepRule
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from models.org import Person


@dataclass(frozen=True)
class Approvers:
    people: Sequence[Person]
    note: str | None = None
    """Why it is not whom the policy names."""


async def approvers_for(session: AsyncSession, context: RequestContext, rule: StepRule) -> Approvers:
    """The people who may decide a step: never the applicant, nor the people whom it is about (F56).

    If nobody is left, the policy's `approvals.fallback` says who decides. If that names nobody either, this raises
    NoApprover, which says what to configure.
    """
    named = await _people_named(session, context, rule.approver)
    if able := _able(named, context.barred):
        return Approvers(able)
    why = _why_nobody(named, context)
    fallback = context.policy.document.approvals.fallback
    for other in fallback:
        if able := _able(await _people_named(session, context, other), context.barred):
            return Approvers(able, f"{why}，转{_title(other, context.policy)}审批")
    tried = "、".join(map(str, fallback)) or "未写"
    raise NoApprover(
        f"步骤“{rule.name}”（{rule.approver}）没有可以审批的人：{why}，制度的 approvals.fallback（{tried}）也没有。"
        "请在通讯录中设置部门负责人，或在制度中配置审批人。",
        step=rule.name,
        approver=str(rule.approver),
    )


async def _people_named(session: AsyncSession, context: RequestContext, expression: Expression) -> list[Person]:
    """Whom the expression names. A head whom the request is about is passed over, as the applicant is."""
    administrators: Sequence[Person] = ()
    if expression.kind in {ExpressionKind.GROUP_ADMINISTRATOR, ExpressionKind.GROUP_OWNER}:
        ids = await context.kind.group_administrators(session, context.subject)
        people = await org.people_by_id(session, ids)
        administrators = [people[id_] for id_ in ids if id_ in people]
    about = Subject(context.requester, administrators=administrators, barred=context.barred)
    return await roles.resolve(session, expression, about, context.policy)


def _able(people: Iterable[Person], barred: Collection[UUID]) -> list[Person]:
    """Those who can act, and are not barred (F56)."""
    return [person for person in people if person.id not in barred and may_act(person)]


def _why_nobody(named: Iterable[Person], context: RequestContext) -> str:
    ids = {person.id for person in named}
    if context.requester.id in ids:
        return "申请人本人是审批人"
    return "申请涉及的本人是审批人" if ids & context.barred else "没有在职的审批人"


def _title(expression: Expression, policy: Policy) -> str:
    """An approver expression for people: 上一级负责人, 人力资源 …"""
    role = policy.document.roles.get(expression.name) if expression.kind is ExpressionKind.ROLE else None
    return role.title if role else _TITLES.get(expression.kind, expression.name)


_TITLES = {
    ExpressionKind.DEPARTMENT_HEAD: "上一级负责人",
    ExpressionKind.DIRECT_LEADER: "直接上级",
    ExpressionKind.GROUP_ADMINISTRATOR: "群管理员",
    ExpressionKind.GROUP_OWNER: "群主",
}
