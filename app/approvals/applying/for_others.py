"""Who may apply for somebody else (policy 2.1, 2.5): `applied_by` of the policy. Everybody may for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.approvals.errors import NotForOthers
from app.approvals.kinds import RequestKind, Submission
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject


async def check_may_apply(
    session: AsyncSession, kind: RequestKind[Any, Any], subject: BaseModel, submission: Submission
) -> None:
    """Raise NotForOthers when it is about somebody else, and the policy does not name the applicant."""
    requester, policy = submission.requester, submission.policy
    others: set[UUID] = {*kind.concerns(subject)} - {requester.id}
    allowed = kind.applied_by(policy, subject)
    if not others or allowed is None:
        return
    headed = await kind.headed_by(session, subject, requester)
    ids = await kind.group_administrators(session, subject)
    people = await org.people_by_id(session, ids)
    about = Subject(headed.person, headed.department_id, administrators=[people[one] for one in ids if one in people])
    for expression in allowed:
        if expression.kind is ExpressionKind.DEPARTMENT_HEAD:
            named = await roles.heads_at_every_height(session, headed.person)
        else:
            named = await roles.resolve(session, expression, about, policy)
        if may_act(requester) and any(person.id == requester.id for person in named):
            return
    raise _refusal(kind, headed.person.name, submission, [_title(one, policy) for one in allowed], allowed)


def _refusal(
    kind: RequestKind[Any, Any], name: str, submission: Submission, titles: Sequence[str], allowed: Sequence[Expression]
) -> NotForOthers:
    clause = submission.policy.cite(kind.rule_key)
    applicant = submission.requester.name
    if not allowed:
        return NotForOthers(
            f"按制度{clause.label}，这份申请只能由 {name} 本人提出，{applicant} 不能代为申请",
            f"Only {name} may apply for this ({clause.english}), {applicant} may not in their place",
            clause=clause.clause,
            may_apply=[],
        )
    return NotForOthers(
        f"按制度{clause.label}，这份申请由 {name} 本人提出，或由其{'、'.join(titles)}代为提出；{applicant} 不在其中",
        f"{name} applies for this ({clause.english}), or {', '.join(map(str, allowed))} in their place; "
        f"{applicant} is none of these",
        clause=clause.clause,
        may_apply=[str(one) for one in allowed],
    )


def _title(expression: Expression, policy: Policy) -> str:
    role = policy.document.roles.get(expression.name) if expression.kind is ExpressionKind.ROLE else None
    return role.title if role else _TITLES.get(expression.kind, expression.name)


_TITLES = {
    ExpressionKind.DEPARTMENT_HEAD: "部门负责人",
    ExpressionKind.DIRECT_LEADER: "直接上级",
    ExpressionKind.GROUP_ADMINISTRATOR: "群主或副群主",
    ExpressionKind.GROUP_OWNER: "群主",
}
