"""Policy 1.2: who owns a new group when the application names nobody."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.groups.errors import NobodyToOwn
from app.groups.schemas import CreationSubject
from app.org import queries as org
from app.org.rules import seen_first
from app.policy.sections.groups import GroupTypeRule
from app.policy.sections.people import Expression
from app.policy.service import Policy
from app.roles import service as roles
from app.roles.service import Subject
from models.org import Person


async def candidates(
    session: AsyncSession, asked: CreationSubject, rule: GroupTypeRule, requester: Person, policy: Policy
) -> list[Person]:
    """Whom the application names; otherwise whom the policy puts in charge of such groups (1.2): the head of those it
    names, then the deputy, then the longest in post.
    """
    if asked.owner_id is not None:
        return list((await org.people_by_id(session, [asked.owner_id])).values())
    if not isinstance(rule.administered_by, Expression):
        return [requester]  # the only other word is `applicant`
    about = seen_from(requester, asked.department_id)
    return seen_first(await org.by_rank(session, await roles.resolve(session, rule.administered_by, about, policy)))


async def choose_owner(
    session: AsyncSession, asked: CreationSubject, rule: GroupTypeRule, requester: Person, policy: Policy
) -> Person:
    """The first of the candidates. Those who have not applied are asked before the group is created (1.9)."""
    owner = next(iter(await candidates(session, asked, rule, requester, policy)), None)
    if owner is None:
        raise NobodyToOwn(
            f"{rule.title}由 {rule.administered_by} 管理，但没有在职的人担任；请在申请中写明群主",
            f"A group of the type {rule.title} belongs to {rule.administered_by}, and nobody employed is "
            "that: name the owner in the request",
            role=str(rule.administered_by),
        )
    return owner


def seen_from(person: Person, department_id: int | None) -> Subject:
    """Whoever heads the group's department is meant, also when they applied or own it: nobody decides here, so nobody
    is passed over. A group without a department has the person's. One being created has no administrators yet.
    """
    return Subject(person, department_id if department_id is not None else person.main_department_id)
