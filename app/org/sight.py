"""How far a permission goes among people and departments, and who stands at the head of what (D21)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Uuid,
    any_,
    false,
    func,
    literal,
    or_,
    select,
    text,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.org import queries
from app.org.search.ordering import DEPARTMENTS_IN_ORDER
from app.permissions import Sight, Standing, Words
from models.base import FOLDED
from models.groups import GroupMember
from models.ids import DepartmentId
from models.org import Department, Membership, Person, PersonUserid

MANY: Final = 100
"""Of more departments it is asked row by row who is inside: to gather all their people first costs more."""


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """People: whoever is in the departments or in the groups, and oneself (D21)."""
    if sight.everything:
        return true()
    return or_(
        col(Person.id) == sight.person_id if sight.person_id else false(),
        is_in(col(Person.id), sight.departments) if sight.departments else false(),
        col(Person.id).in_(_in_groups(sight.groups)) if sight.groups else false(),
    )


def people_in(department_ids: Collection[int]) -> Select[UUID]:
    """Whoever is in one of exactly these departments; after they have left, whoever was until then."""
    inside = col(Membership.department_id) == any_(literal(sorted(department_ids), ARRAY(BigInteger)))
    now = select(col(Membership.person_id)).where(inside, col(Membership.ended_at).is_(None))
    until_the_end = (
        select(col(Membership.person_id))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(inside, col(Membership.ended_at).is_not(None), col(Membership.ended_at) == col(Person.ended_at))
    )
    # Each by an index of its own: with OR it would be neither.
    return select(union_all(now, until_the_end).subquery().c.person_id)


def is_in(person: Any, department_ids: Collection[int]) -> ColumnElement[bool]:
    """Whether this person, a column, is among `people_in` these departments."""
    if len(department_ids) <= MANY:
        return person.in_(people_in(department_ids))  # type: ignore[no-any-return]  # a column of any table
    place, whose = aliased(Membership), aliased(Person)
    wanted = select(func.unnest(literal(sorted(department_ids), ARRAY(BigInteger))))
    # IS TRUE keeps them a table that is made once: as a join it would be gone through for each row.
    inside = col(place.department_id).in_(wanted).is_(True)
    here = select(literal(True)).select_from(place).where(col(place.person_id) == person, inside)
    # A single value, and no EXISTS, of which PostgreSQL would make the table of all memberships.
    now = here.where(col(place.ended_at).is_(None)).limit(1).scalar_subquery()
    until_the_end = (
        here.join(whose, col(whose.id) == col(place.person_id))
        .where(col(place.ended_at).is_not(None), col(place.ended_at) == col(whose.ended_at))
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(now, until_the_end, false())


def among(key: Any, parts: Sequence[Select[Any]], person: Any, department_ids: Collection[int]) -> ColumnElement[bool]:
    """What one of the statements selects by its key, and what belongs to a person in these departments."""
    found = list(parts)
    wide = [is_in(person, department_ids)] if len(department_ids) > MANY else []
    if department_ids and not wide:
        found.append(select(key).where(is_in(person, department_ids)))
    # Each by an index of its own: with OR all there is would be read. Where most of it is seen, it is read anyway.
    return or_(*wide, key.in_(union(*found)) if found else false())


def _in_groups(group_ids: Collection[UUID]) -> Select[UUID]:
    return select(col(GroupMember.person_id)).where(
        col(GroupMember.group_id) == any_(literal(list(group_ids), ARRAY(Uuid))), col(GroupMember.ended_at).is_(None)
    )


def departments_seen_by(sight: Sight) -> ColumnElement[bool]:
    """Departments: those of the sight, and one's own."""
    if sight.everything:
        return true()
    own = select(col(Membership.department_id)).where(
        col(Membership.person_id) == sight.person_id, col(Membership.ended_at).is_(None)
    )
    return or_(
        col(Department.id).in_(own) if sight.person_id else false(),
        col(Department.id) == any_(literal(sorted(sight.departments), ARRAY(BigInteger))),
    )


async def is_person_seen(session: AsyncSession, sight: Sight, person_id: object) -> bool:
    statement = select(col(Person.id)).where(col(Person.id) == person_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None


async def people_outside(session: AsyncSession, sight: Sight, people: Sequence[Person]) -> list[Person]:
    """Those of the people whom the sight does not reach."""
    ids = [one.id for one in people]
    reached = set(await session.scalars(select(col(Person.id)).where(col(Person.id).in_(ids), seen_by(sight))))
    return [one for one in people if one.id not in reached]


async def headships_of(session: AsyncSession, person: Person) -> list[Department]:
    """The departments that the person leads, by the platform's list or by a leader's flag."""
    userid = (
        select(col(PersonUserid.userid))
        .where(col(PersonUserid.person_id) == person.id, col(PersonUserid.ended_at).is_(None))
        .limit(1)
        .scalar_subquery()
    )
    flagged = select(col(Membership.department_id)).where(
        col(Membership.person_id) == person.id, col(Membership.is_leader), col(Membership.ended_at).is_(None)
    )
    # Whoever has no userid is in no list: of an array with NULL in it nothing holds everything.
    listed = col(Department.leader_userids).contains(array([userid], type_=FOLDED))
    statement = select(Department).where(
        col(Department.ended_at).is_(None), or_(listed, col(Department.id).in_(flagged))
    )
    return list(await session.scalars(statement.order_by(*DEPARTMENTS_IN_ORDER)))


@dataclass(frozen=True)
class Place:
    """Where somebody stands in the company."""

    userid: str
    """Folded; empty for whoever has none."""
    around: frozenset[DepartmentId]
    """Their departments and all above them."""
    flagged: frozenset[DepartmentId]
    """The departments that a leader's flag makes theirs."""

    def leads(self, department: Department) -> bool:
        return department.id in self.flagged or self.userid in set(department.leader_userids)


async def place_of(session: AsyncSession, person: Person) -> Place:
    """In one statement: every request of a person asks it. UNION (not ALL) ends a ring."""
    statement = text(
        "WITH RECURSIVE mine AS ("
        " SELECT department_id, is_leader FROM memberships WHERE person_id = :person AND ended_at IS NULL"
        "), around AS ("
        " SELECT d.id, d.parent_id FROM departments d WHERE d.id IN (SELECT department_id FROM mine)"
        " AND d.ended_at IS NULL"
        " UNION SELECT d.id, d.parent_id FROM departments d JOIN around a ON d.id = a.parent_id"
        " WHERE d.ended_at IS NULL"
        ") SELECT (SELECT userid FROM person_userids WHERE person_id = :person AND ended_at IS NULL LIMIT 1) AS userid,"
        " ARRAY(SELECT id FROM around) AS around, ARRAY(SELECT department_id FROM mine WHERE is_leader) AS flagged"
    )
    row = (await session.execute(statement, {"person": person.id})).one()
    return Place(row.userid or "", frozenset(row.around), frozenset(row.flagged))


async def standing_as_head(session: AsyncSession, person: Person) -> list[Standing]:
    """One for each department that the person leads, with everything below it."""
    return [
        Standing(
            Sight(departments=frozenset(await queries.departments_below(session, [department.id]))),
            Words(f"您是{department.name}负责人", f"you head {department.name}"),
        )
        for department in await headships_of(session, person)
    ]


async def is_department_seen(session: AsyncSession, sight: Sight, department_id: object) -> bool:
    statement = select(col(Department.id)).where(col(Department.id) == department_id, departments_seen_by(sight))
    return (await session.scalars(statement)).first() is not None
