"""The people whom an expression of the policy names, seen from a person, a department or a group (F50)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries as org
from app.org import service as people
from app.org.rules import is_deputy, is_out_of_sight, may_act
from app.org.service import NamedPerson
from app.policy.schema import PolicyDocument
from app.policy.sections.people import NAMED, Expression, ExpressionKind, RoleRule
from app.policy.service import Policy, expressions_in
from app.quotes import quoted
from app.roles import queries
from app.roles.held import held_by
from app.roles.roll_call import call_roll
from models.groups import Group
from models.ids import DepartmentId
from models.org import Person

__all__ = [
    "MOST_NAMED",
    "Meant",
    "Subject",
    "administrators_of",
    "department_heads",
    "heads_at_every_height",
    "held_by",
    "holders",
    "named_in",
    "nearest_heads_above",
    "resolve",
    "stands_at_the_top",
    "superiors_of",
    "title_of",
    "who_is_meant",
    "whom",
]


@dataclass(frozen=True)
class Subject:
    """From where an expression is read. What is not given names nobody."""

    person: Person | None = None
    """Whose head and whose direct leader are meant: the applicant, or the owner of a group or a task."""
    department_id: int | None = None
    """A department whose heads are meant, the person included; where it has none, those of the next one above it."""
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
    match expression.kind:
        case ExpressionKind.DEPARTMENT_HEAD:
            people = await department_heads(session, about)
        case ExpressionKind.DIRECT_LEADER:
            people = await org.direct_leaders_of(session, about.person) if about.person else []
        case ExpressionKind.GROUP_ADMINISTRATOR | ExpressionKind.GROUP_OWNER:
            people = list(about.administrators)
        case ExpressionKind.ROLE | ExpressionKind.TAG | ExpressionKind.POST | ExpressionKind.USERID:
            people = await holders(session, expression, policy.document)
    return list({person.id: person for person in people}.values())


# ---------------------------------------------------------------- heads


async def department_heads(session: AsyncSession, about: Subject) -> list[Person]:
    """The nearest heads of the department and above it, when one is given; otherwise the nearest above the person."""
    if about.department_id is not None:
        for department_id in await org.departments_above(session, about.department_id):
            heads = await org.leaders_of_department(session, department_id)
            if others := _not_below(heads, about.barred):
                return others
        return []
    return await nearest_heads_above(session, about.person, barred=about.barred) if about.person else []


async def nearest_heads_above(
    session: AsyncSession, person: Person, *, barred: Collection[UUID] = frozenset()
) -> list[Person]:
    """The heads of the person's main department; of the next one above when it has none but the person and the barred.

    Heads who may not act count as none, and so do the deputies of a head who is passed over: they stand below them.
    """
    return await _nearest(session, await _departments_above(session, person), {person.id, *barred}, {})


async def superiors_of(session: AsyncSession, people: Collection[Person]) -> dict[UUID, list[Person]]:
    """Who hears of what each of these people owes: their direct leaders, else the nearest heads above them.

    Only who may act, nobody lower than they are, never they themselves. Empty for whoever stands at the top. Each
    department is asked for its heads once, and all direct leaders are read together, however many people there are.
    """
    chains: dict[int, list[DepartmentId]] = {}
    heads: dict[DepartmentId, list[Person]] = {}
    found = await org.direct_leaders_of_each(session, people)
    for person in people:
        if not found[person.id]:
            main = person.main_department_id
            chain = chains.get(main) if main is not None else None
            if chain is None:
                chain = await _departments_above(session, person)
                if main is not None:
                    chains[main] = chain
            found[person.id] = await _nearest(session, chain, {person.id}, heads)
    return found


async def _nearest(
    session: AsyncSession,
    chain: Sequence[DepartmentId],
    passed_over: Collection[UUID],
    known: dict[DepartmentId, list[Person]],
) -> list[Person]:
    for department_id in chain:
        if department_id not in known:
            known[department_id] = await org.leaders_of_department(session, department_id)
        if others := _not_below(known[department_id], passed_over):
            return others
    return []


async def heads_at_every_height(session: AsyncSession, person: Person) -> list[Person]:
    """The heads of the person's main department and of all departments above it. Of a head, not their deputies."""
    heads: list[Person] = []
    for department_id in await _departments_above(session, person):
        heads += _not_below(await org.leaders_of_department(session, department_id), {person.id})
    return heads


def _not_below(heads: Sequence[Person], passed_over: Collection[UUID]) -> list[Person]:
    others = [head for head in heads if head.id not in passed_over]
    if any(head.id in passed_over and not is_deputy(head) for head in heads):
        return [head for head in others if not is_deputy(head)]
    return others


async def stands_at_the_top(session: AsyncSession, person: Person, *, highest: Collection[Person]) -> bool:
    """Whether nobody in the company stands above them: they head its root, or are the only one of `highest`, and the
    root has no other head besides deputies.

    It takes a reading that shows everybody who might: while one of them cannot be read, we do not know (P6).
    """
    chain = await _departments_above(session, person)
    if not chain or not await org.is_root(session, chain[-1]):
        return False
    heads = await org.leaders_of_department(session, chain[-1])
    if await org.has_unread_leaders(session, chain[-1]) or any(is_out_of_sight(one) for one in highest):
        return False
    if any(head.id != person.id and (is_deputy(person) or not is_deputy(head)) for head in heads):
        return False
    is_head = any(head.id == person.id for head in heads)
    return is_head or {one.id for one in highest if may_act(one)} == {person.id}


async def _departments_above(session: AsyncSession, person: Person) -> list[DepartmentId]:
    """From their main department to the top; from the first of theirs when the platform told no main one."""
    if person.main_department_id is not None:
        return await org.departments_above(session, person.main_department_id)
    places = (await org.memberships_of(session, [person.id])).get(person.id, [])
    return await org.departments_above(session, places[0].department_id) if places else []


# ---------------------------------------------------------------- roles, groups


async def holders(session: AsyncSession, expression: Expression, document: PolicyDocument) -> list[Person]:
    """Who holds a role, a tag, a post or a userid. A role that the document does not name is held by nobody."""
    name = expression.name
    match expression.kind:
        case ExpressionKind.TAG:
            return await org.people_with_tag(session, name)
        case ExpressionKind.POST:
            return await org.people_with_post(session, name)
        case ExpressionKind.USERID:
            return list((await org.people_by_userids(session, [name])).values())
        case ExpressionKind.ROLE if name in document.roles:
            return await _people_with_role(session, document.roles[name])
        case _:
            return []


async def _people_with_role(session: AsyncSession, rule: RoleRule) -> list[Person]:
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


def title_of(expression: Expression, document: PolicyDocument) -> str:
    """What people call it: 人力资源 for `role:hr`, the name itself otherwise."""
    if expression.kind is ExpressionKind.ROLE and expression.name in document.roles:
        return document.roles[expression.name].title
    return expression.name


def whom(expression: Expression, document: PolicyDocument) -> str:
    """A named approver for people, with what stands in the document: 角色“人力资源”（role:hr）."""
    if expression.kind is ExpressionKind.ROLE and expression.name in document.roles:
        return f"角色{quoted(document.roles[expression.name].title)}（{expression}）"
    return f"{quoted(expression.name)}（{expression}）"


def whom_in_english(expression: Expression, document: PolicyDocument) -> str:
    if expression.kind is ExpressionKind.ROLE and expression.name in document.roles:
        return f"the role {quoted(document.roles[expression.name].title)} ({expression})"
    return f"{quoted(expression.name)} ({expression})"


# ---------------------------------------------------------------- who is meant now

MOST_NAMED = 50
"""More people than these are a number: nobody reads their names."""


@dataclass(frozen=True)
class Meant:
    """A role, tag, post or userid of the document, and who answers to it today."""

    expression: Expression
    chinese: str
    """角色“人力资源”（role:hr）."""
    english: str
    places: Sequence[str]
    """Where the document names it; empty for a role that it only defines."""
    count: int
    """How many hold it who may act."""
    people: Sequence[NamedPerson]
    """The first of them by name."""


def named_in(document: PolicyDocument) -> dict[Expression, list[str]]:
    """Everything in a document that somebody may hold, with the places that name it: its roles first."""
    places = {Expression(ExpressionKind.ROLE, name): list[str]() for name in document.roles}
    for path, expression in expressions_in(document):
        if expression.kind in NAMED:
            places.setdefault(expression, []).append(path)
    return places


async def who_is_meant(
    session: AsyncSession, document: PolicyDocument, expressions: Collection[Expression]
) -> list[Meant]:
    """In a handful of statements, however many they are."""
    places = named_in(document)
    roll = await call_roll(session, expressions, document.roles)
    able = {expression: roll.able(expression) for expression in expressions}
    few = {person_id for held in able.values() for person_id in sorted(held)[:MOST_NAMED]}
    named = await people.named_people(session, few)
    return [
        Meant(
            expression,
            whom(expression, document),
            whom_in_english(expression, document),
            places.get(expression, []),
            len(held),
            sorted((named[one] for one in held & named.keys()), key=people.by_name)[:MOST_NAMED],
        )
        for expression, held in able.items()
    ]


async def administrators_of(session: AsyncSession, group: Group) -> list[Person]:
    """Owner, then deputy, whatever their status, without whoever has left the group."""
    ids = [person_id for person_id in (group.desired_owner_id, group.deputy_id) if person_id is not None]
    people, gone = await org.people_by_id(session, ids), await queries.have_left(session, group.id, ids)
    return [people[person_id] for person_id in ids if person_id not in gone]
