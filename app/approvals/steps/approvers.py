"""Who may decide a step: whom the policy names, or whom its fallback names for a head, a leader or an administrator;
never whom the request is about (F56), and nobody who stands below them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.context import RequestContext
from app.approvals.errors import NoApprover
from app.approvals.kinds import ChainStep
from app.approvals.steps.nobody_above import top_concerned
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import NAMED, Expression, ExpressionKind, StepRule
from app.policy.service import Policy
from app.quotes import quoted
from app.roles import service as roles
from app.roles.service import Subject
from models.org import Person


@dataclass(frozen=True)
class Approvers:
    people: Sequence[Person]
    note: str | None = None
    """Why it is not whom the policy names."""
    is_passed: bool = False
    """Nobody decides it: nobody stands above whom it is about (`approvals.nobody_above`), or their head has applied for
    them. The note says so."""


async def approvers_for(session: AsyncSession, context: RequestContext, rule: ChainStep) -> Approvers:
    """The people who may decide a step: never the applicant, nor the people whom it is about (F56).

    A role, tag, post or userid that nobody holds is a fault of the configuration: it raises NoApprover with the
    sentence, and never falls to somebody lower. Where its only holder is barred, those above them decide. Where a head,
    a leader or a group's administrator is wanting, the policy's `approvals.fallback` says who decides; if that names
    nobody either, this raises NoApprover. A step that would have to be decided above somebody above whom nobody stands
    goes by `approvals.nobody_above`.

    A head who has applied for their own people has confirmed it, and their step is passed (policy 2.1).
    """
    if await _has_confirmed(session, context, rule):
        return Approvers([], f"由{rule.name} {context.requester.name} 提出，即为确认", is_passed=True)
    named = await _people_named(session, context, rule.approver)
    able = _able(named, context.barred)
    if await _asks_above(session, context, rule.approver, named) and (top := await top_concerned(session, context)):
        return _nobody_above(context, rule, top)
    if able:
        return Approvers(able)
    why = _why_nobody(named, context)
    if rule.approver.kind in NAMED:
        if above := await _heads_above(session, [person for person in named if may_act(person)], context):
            return Approvers(above, f"{why}，转其上级审批")
        raise NoApprover(
            f"步骤{quoted(rule.name)}由{roles.whom(rule.approver, context.policy.document)}审批，但{why}。"
            "请管理员在通讯录中安排人员，或在制度中改正；在此之前不能办理，也不转给他人。",
            f"The step {quoted(rule.name)} is for {rule.approver}, and nobody there may decide it. Set somebody "
            "in WeCom or change the policy; until then it cannot go on, and nobody else decides it.",
            step=rule.name,
            approver=str(rule.approver),
        )
    fallback = context.policy.document.approvals.fallback
    for other in fallback:
        if able := _able(await _people_named(session, context, other), context.barred):
            return Approvers(able, f"{why}，转{_title(other, context.policy)}审批")
    tried = "、".join(map(str, fallback)) or "未写"
    raise NoApprover(
        f"步骤{quoted(rule.name)}（{rule.approver}）没有可以审批的人：{why}，"
        f"制度的 approvals.fallback（{tried}）也没有。"
        "请在通讯录中设置部门负责人，或在制度中配置审批人。",
        f"Nobody may decide the step {quoted(rule.name)} ({rule.approver}), nor whom approvals.fallback names "
        f"({', '.join(map(str, fallback))}). Set the heads of departments in WeCom, or approvers in the "
        "policy.",
        step=rule.name,
        approver=str(rule.approver),
    )


async def _has_confirmed(session: AsyncSession, context: RequestContext, rule: ChainStep) -> bool:
    """2.1: the head of whom it is about applies or confirms. Where somebody else decides as well, a head who has
    applied for their own people confirms by it.
    """
    requester = context.requester
    others = set(context.kind.concerns(context.subject)) - {requester.id}
    decides_besides = any(step.approver != rule.approver and not step.is_offer for step in context.chain)
    if rule.approver.kind is not ExpressionKind.DEPARTMENT_HEAD or not others or not decides_besides:
        return False
    headed = await context.kind.headed_by(session, context.subject, requester)
    about = Subject(headed.person, headed.department_id, barred=others)
    heads = await roles.resolve(session, rule.approver, about, context.policy)
    return may_act(requester) and any(head.id == requester.id for head in heads)


async def _asks_above(
    session: AsyncSession, context: RequestContext, approver: Expression, named: Sequence[Person]
) -> bool:
    """Whether the step is for whoever stands above the person whom the request is about: it is for their head, or
    nobody whom it names may decide it, and who may stands above them.
    """
    headed = await context.kind.headed_by(session, context.subject, context.requester)
    if approver.kind is ExpressionKind.DEPARTMENT_HEAD and headed.department_id is None:
        return True
    if _able(named, context.barred):
        return False
    return approver.kind not in NAMED or any(person.id == headed.person.id for person in named)


def _nobody_above(context: RequestContext, rule: StepRule, top: Person) -> Approvers:
    """`approvals.nobody_above`, for what somebody applies for themselves. Nobody passes it in their name."""
    who = "申请人" if top.id == context.requester.id else top.name
    if set(context.kind.concerns(context.subject)) - {context.requester.id}:
        why = f"{who}之上没有负责人，须由其本人申请"
    elif context.policy.document.approvals.nobody_above == "pass":
        return Approvers([], f"{who}之上没有负责人，此步免审", is_passed=True)
    else:
        why = f"{who}之上没有负责人可以审批，制度规定此类申请不予受理（approvals.nobody_above）"
    raise NoApprover(
        f"步骤{quoted(rule.name)}：{why}。",
        f"Nobody stands above whom the step {quoted(rule.name)} ({rule.approver}) is about; see "
        "approvals.nobody_above of the policy",
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
    headed = await context.kind.headed_by(session, context.subject, context.requester)
    about = Subject(headed.person, headed.department_id, administrators=administrators, barred=context.barred)
    return await roles.resolve(session, expression, about, context.policy)


async def _heads_above(session: AsyncSession, holders: Sequence[Person], context: RequestContext) -> list[Person]:
    """The nearest heads above the holders of a role: never lower than whom the chain names."""
    found: dict[UUID, Person] = {}
    for holder in holders:
        heads = await roles.nearest_heads_above(session, holder, barred=context.barred)
        found |= {head.id: head for head in heads}
    return _able(found.values(), context.barred)


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
