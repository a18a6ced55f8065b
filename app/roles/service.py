"""The people whom an expression of the policy names, seen from a person, a department or a group (F50)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries as org
from app.policy.sections.people import Expression, ExpressionKind
from app.policy.service import Policy
from models.groups import Group
from models.ids import DepartmentId
from models.org import Person


@dataclass(frozen=True)
class Subject:
    """From where an expression is read. What is not given names nobody."""

    person: Person | None = None
    """Whose head and whose direct leader are meant: the applicant, or the owner of a group or a task."""
    department_id: int | None = None
    """A department whose own heads come first, the person included; the search goes up from the person after that."""
    administrators: Sequence[Person] = ()
    """Owner and deputy of the group concerned, as far as the caller counts them. A group that is applied for has them
    before it exists."""
    barred: Collection[UUID] = frozenset()
    """Who is passed over in the search for a head, as the person is. Other kinds still name them, so that the caller
    can say why it leaves them out."""


async def resolve(session: AsyncSession, expression: Expression, about: Subject, policy: Policy) -> list[Person]:
    """Everybody whom the expression names, each once.

    Heads and leaders may act, and holders of a tag or a post are employed; a userid or a group's administrator may be
    anybody. The caller keeps those who fit.
    """
    name = expression.name
    match expression.kind:
        case ExpressionKind.DEPARTMENT_HEAD:
            people = await department_heads(session, about)
        case ExpressionKind.DIRECT_LEADER:
            people = await org.direct_leaders_of(session, about.person) if about.person else []
        case ExpressionKind.GROUP_ADMINISTRATOR | ExpressionKind.GROUP_OWNER:
            people = list(about.administrators)
        case ExpressionKind.ROLE:
            people = await people_with_role(session, policy, name)
        case ExpressionKind.TAG:
            people = await org.people_with_tag(session, name)
        case ExpressionKind.POST:
            people = await org.people_with_post(session, name)
        case ExpressionKind.USERID:
            people = list((await org.people_by_userids(session, [name])).values())
    return list({person.id: person for person in people}.values())


# ---------------------------------------------------------------- heads


async def department_heads(session: AsyncSession, about: Subject) -> list[Person]:
    """The heads of the department, when one is given and has any; otherwise the nearest above the person."""
    if about.department_id is not None:
        heads = await org.leaders_of_department(session, about.department_id)
        if able := [head for head in heads if head.id not in about.barred]:
            return able
    return await nearest_heads_above(session, about.person, barred=about.barred) if about.person else []


async def nearest_heads_above(
    session: AsyncSession, person: Person, *, barred: Collection[UUID] = frozenset()
) -> list[Person]:
    """The heads of the person's main department; of the next one above when it has none but the person and the barred.

    Heads who may not act count as none.
    """
    for department_id in await _departments_above(session, person):
        heads = await org.leaders_of_department(session, department_id)
        if others := [head for head in heads if head.id != person.id and head.id not in barred]:
            return others
    return []


async def _departments_above(session: AsyncSession, person: Person) -> list[DepartmentId]:
    """From their main department to the top; from the first of theirs when the platform told no main one."""
    if person.main_department_id is not None:
        return await org.departments_above(session, person.main_department_id)
    places = (await org.memberships_of(session, [person.id])).get(person.id, [])
    return await org.departments_above(session, places[0].department_id) if places else []


# ---------------------------------------------------------------- roles, groups


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


async def administrators_of(session: AsyncSession, group: Group) -> list[Person]:
    """Owner, then deputy, whatever their status."""
    ids = [person_id for person_id in (group.desired_owner_id, group.deputy_id) if person_id is not None]
    people = await org.people_by_id(session, ids)
    return [people[person_id] for person_id in ids]
