"""Every SELECT about people, departments, tags and their changes, by intention."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from math import inf
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, Text, Uuid, any_, bindparam, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.database import in_parts, read_in_parts
from app.org.rules import EMPLOYED, MAY_ACT, OUT_OF_SIGHT, is_deputy, is_out_of_sight, may_act
from app.org.search.ordering import DEPARTMENTS_IN_ORDER, PEOPLE_BY_NAME
from app.org.search.queries import departments_spelled
from models.ids import LARGEST_NUMBER, DepartmentId, PersonId, WecomUserId, fold
from models.org import (
    Department,
    Membership,
    OrgChange,
    Person,
    PersonStatus,
    PersonUserid,
    Tag,
    UseridReview,
)

_PORTION = 500
"""Rows that are read at a time where there may be as many as the company has people."""

# ---------------------------------------------------------------- people


async def person(session: AsyncSession, person_id: PersonId) -> Person | None:
    return await session.get(Person, person_id)


async def people_by_id(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Whoever of these is known, whatever their status. Any number of people."""
    rows = await session.scalars(select(Person).where(col(Person.id) == _any_of(person_ids)))
    return {person.id: person for person in rows}


async def person_by_userid(session: AsyncSession, userid: str) -> Person | None:
    """Whom this userid names now, whatever its case."""
    return (await people_by_userids(session, [userid])).get(fold(userid))


async def people_by_userids(session: AsyncSession, userids: Iterable[str]) -> dict[WecomUserId, Person]:
    """Current userids only. Unknown ones are simply not in the answer. Any number of them."""
    folded = literal(sorted({fold(userid) for userid in userids}), ARRAY(Text))
    statement = (
        select(col(PersonUserid.userid), Person)
        .join(Person, col(Person.id) == col(PersonUserid.person_id))
        .where(col(PersonUserid.ended_at).is_(None), col(PersonUserid.userid) == any_(folded))
    )
    return {WecomUserId(userid): person for userid, person in await session.execute(statement)}


async def userids_of(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, str]:
    """As the platform spells them; current ones only. Who has left is not in the answer. Any number of people."""
    shown: dict[UUID, str] = {}
    for part in in_parts(list(person_ids)):
        statement = select(col(PersonUserid.person_id), col(PersonUserid.shown)).where(
            col(PersonUserid.person_id) == _any_of(part), col(PersonUserid.ended_at).is_(None)
        )
        shown |= {row.person_id: row.shown for row in (await session.execute(statement)).all()}
    return shown


async def names_of(session: AsyncSession, person_ids: Iterable[UUID]) -> list[str]:
    statement = select(col(Person.name)).where(col(Person.id) == _any_of(person_ids)).order_by(*PEOPLE_BY_NAME)
    return list(await session.scalars(statement))


def _any_of(ids: Iterable[UUID]) -> Any:
    """One array parameter: an IN list ends at 32,767 of them."""
    return func.any(bindparam(None, list(ids), type_=ARRAY(Uuid)))


async def count_employed(session: AsyncSession) -> int:
    statement = select(func.count()).select_from(Person).where(col(Person.status).in_(EMPLOYED))
    return (await session.scalars(statement)).one()


async def all_people(session: AsyncSession, *, statuses: Collection[PersonStatus] = EMPLOYED) -> list[Person]:
    return list((await session.scalars(_ordered(select(Person), statuses))).all())


async def people_who_may_act(session: AsyncSession, *, after: UUID | None, limit: int) -> list[Person]:
    """The next people in the order of their ids, of those who use the client today."""
    statement = select(Person).where(col(Person.status).in_(MAY_ACT)).order_by(col(Person.id)).limit(limit)
    return list(await session.scalars(statement if after is None else statement.where(col(Person.id) > after)))


async def people_in_departments(
    session: AsyncSession,
    department_ids: Iterable[int],
    *,
    recursive: bool = True,
    statuses: Collection[PersonStatus] = EMPLOYED,
) -> list[Person]:
    """Everybody employed there, and below. Missing and invisible people belong until they have left (P6)."""
    ids: Sequence[int] = list(department_ids)
    if recursive:
        ids = await departments_below(session, ids)
    inside = select(col(Membership.person_id)).where(
        col(Membership.ended_at).is_(None), col(Membership.department_id).in_(ids)
    )
    statement = _ordered(select(Person).where(col(Person.id).in_(inside)), statuses)
    # Portion by portion, so that others are served while a whole company is read.
    rows = await session.stream_scalars(statement.execution_options(yield_per=_PORTION))
    return [person async for person in rows]


FEW: Final = 100
"""Of more departments, all memberships are gone through: to find each department by its index costs more."""


def employed_in(department_ids: Collection[int]) -> Select[UUID]:
    """Ids of the employed of exactly these departments, in order: as often as they have a place there."""
    wanted, employed = literal(sorted(department_ids), ARRAY(BigInteger)), col(Person.status).in_(EMPLOYED)
    if len(department_ids) <= FEW:
        inside: ColumnElement[bool] = col(Membership.department_id) == any_(wanted)
        who = col(Membership.person_id).in_(select(col(Person.id)).where(employed))
    else:
        # IS TRUE keeps the departments a table that is made once. The others are few: they are known sooner.
        inside = col(Membership.department_id).in_(select(func.unnest(wanted))).is_(True)
        who = col(Membership.person_id).not_in(select(col(Person.id)).where(~employed))
    statement = select(col(Membership.person_id)).where(col(Membership.ended_at).is_(None), inside, who)
    return statement.order_by(col(Membership.person_id))


async def ids_in_departments(session: AsyncSession, department_ids: Iterable[int]) -> list[PersonId]:
    """`people_in_departments` with everything below, as ids: an audience of a hundred thousand needs no more."""
    ids = await departments_below(session, list(department_ids))
    return [PersonId(row) for row in dict.fromkeys(await read_in_parts(session, employed_in(ids)))]


async def people_with_tag(
    session: AsyncSession, name: str, *, statuses: Collection[PersonStatus] = EMPLOYED
) -> list[Person]:
    """By name, or through a department the tag holds."""
    statement = select(Tag).where(col(Tag.name) == name, col(Tag.ended_at).is_(None))
    tags = (await session.scalars(statement)).all()
    named = await people_by_userids(session, (userid for tag in tags for userid in tag.userids))
    found = {person.id: person for person in named.values() if person.status in statuses}
    departments = {department_id for tag in tags for department_id in tag.department_ids}
    for someone in await people_in_departments(session, departments, statuses=statuses):
        found[someone.id] = someone
    return sorted(found.values(), key=lambda person: person.id)


async def anybody(session: AsyncSession) -> bool:
    """Whether the organisation has been read at all."""
    return (
        await session.scalars(select(col(Person.id)).where(col(Person.status).in_(EMPLOYED)).limit(1))
    ).first() is not None


async def people_with_post(
    session: AsyncSession, position: str, *, statuses: Collection[PersonStatus] = EMPLOYED
) -> list[Person]:
    statement = _ordered(select(Person).where(col(Person.position) == position), statuses)
    return list((await session.scalars(statement)).all())


def _ordered(statement: Select[Person], statuses: Collection[PersonStatus]) -> Select[Person]:
    return statement.where(col(Person.status).in_(list(statuses))).order_by(col(Person.id))


async def memberships_of(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, list[Membership]]:
    statement = (
        select(Membership)
        .where(col(Membership.ended_at).is_(None), col(Membership.person_id) == _any_of(person_ids))
        .order_by(col(Membership.department_id))
    )
    found: dict[UUID, list[Membership]] = {}
    for membership in (await session.scalars(statement)).all():
        found.setdefault(membership.person_id, []).append(membership)
    return found


async def last_userids_of(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, str]:
    """As shown: the current one, or for somebody who has left the last one. Any number of people."""
    statement = (
        select(col(PersonUserid.person_id), col(PersonUserid.shown))
        .where(col(PersonUserid.person_id) == _any_of(person_ids))
        .order_by(col(PersonUserid.started_at), col(PersonUserid.id))
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def former_person_of(session: AsyncSession, userid: str) -> Person | None:
    """Whom this userid named last, when it names nobody now."""
    statement = (
        select(Person)
        .join(PersonUserid, col(PersonUserid.person_id) == col(Person.id))
        .where(col(PersonUserid.userid) == fold(userid), col(PersonUserid.ended_at).is_not(None))
        .order_by(col(PersonUserid.ended_at).desc(), col(PersonUserid.id).desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def open_review(session: AsyncSession, userid: str) -> UseridReview | None:
    statement = (
        select(UseridReview)
        .where(col(UseridReview.userid) == fold(userid), col(UseridReview.decision).is_(None))
        .order_by(col(UseridReview.found_at).desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).one_or_none()


def open_reviews() -> Select[UseridReview]:
    """Userids that came back after their person had left, and about which nobody has decided."""
    return select(UseridReview).where(col(UseridReview.decision).is_(None))


async def departments_of_people(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, set[DepartmentId]]:
    """Where they are now. Any number of people."""
    return await _places(session, person_ids, col(Membership.ended_at).is_(None))


async def last_departments_of(session: AsyncSession, person_ids: Iterable[UUID]) -> dict[UUID, set[DepartmentId]]:
    """Where those who have left were until then. Any number of people."""
    return await _places(session, person_ids, col(Membership.ended_at) == col(Person.ended_at))


async def _places(
    session: AsyncSession, person_ids: Iterable[UUID], when: ColumnElement[bool]
) -> dict[UUID, set[DepartmentId]]:
    statement = (
        select(col(Membership.person_id), col(Membership.department_id))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(col(Membership.person_id) == _any_of(person_ids), when)
    )
    found: dict[UUID, set[DepartmentId]] = {}
    for row in (await session.execute(statement)).all():
        found.setdefault(row.person_id, set()).add(DepartmentId(row.department_id))
    return found


# ---------------------------------------------------------------- departments


async def department(session: AsyncSession, department_id: int) -> Department | None:
    if not 0 <= department_id <= LARGEST_NUMBER:
        return None  # no column holds it, and the database would fail on it
    found = await session.get(Department, department_id)
    return found if found is not None and found.ended_at is None else None


async def department_names(session: AsyncSession, department_ids: Iterable[int]) -> dict[int, str]:
    """By id, also of those that are no more."""
    wanted = literal(sorted(set(department_ids)), ARRAY(BigInteger))
    statement = select(col(Department.id), col(Department.name)).where(col(Department.id) == any_(wanted))
    return {row[0]: row[1] for row in await session.execute(statement)}


async def is_root(session: AsyncSession, department_id: int) -> bool:
    """Whether it is the company itself, and not only the highest department that we can see."""
    found = await department(session, department_id)
    return found is not None and found.parent_id is None


async def departments_named(session: AsyncSession, name: str) -> list[Department]:
    statement = (
        select(Department)
        .where(col(Department.name) == name, col(Department.ended_at).is_(None))
        .order_by(col(Department.id))
    )
    return list((await session.scalars(statement)).all())


async def departments_below(session: AsyncSession, department_ids: Iterable[int]) -> list[DepartmentId]:
    """These departments and everything below them. Of a ring each is below each; UNION (not ALL) ends it."""
    statement = text(
        "WITH RECURSIVE below AS ("
        " SELECT unnest(CAST(:ids AS bigint[])) AS id"
        " UNION SELECT d.id FROM departments d JOIN below b ON d.parent_id = b.id WHERE d.ended_at IS NULL"
        ") SELECT ARRAY(SELECT id FROM below ORDER BY id)"
    )
    # One row: thousands of them would cost more than what the database does.
    found = (await session.execute(statement, {"ids": list(department_ids)})).scalar_one()
    return cast("list[DepartmentId]", found)


async def departments_above(session: AsyncSession, department_id: int) -> list[DepartmentId]:
    """The department, its parent, and so on to the top, to a parent we cannot see, or once around a ring."""
    statement = text(
        "WITH RECURSIVE above AS ("
        " SELECT id, parent_id, ARRAY[id] AS way FROM departments WHERE id = :id AND ended_at IS NULL"
        " UNION ALL SELECT d.id, d.parent_id, a.way || d.id FROM departments d JOIN above a ON d.id = a.parent_id"
        " WHERE d.ended_at IS NULL AND d.id <> ALL(a.way)"
        ") SELECT id FROM above ORDER BY cardinality(way)"
    )
    rows = await session.execute(statement, {"id": department_id})
    return [DepartmentId(row[0]) for row in rows]


async def all_departments(session: AsyncSession) -> list[Department]:
    """In the platform's order."""
    statement = select(Department).where(col(Department.ended_at).is_(None)).order_by(*DEPARTMENTS_IN_ORDER)
    return list((await session.scalars(statement)).all())


def departments(
    *, parent_id: int | None, updated_since: datetime | None, name: str | None = None
) -> Select[Department]:
    """The list for REST; `name` also finds pinyin and its initials."""
    statement = select(Department).where(col(Department.ended_at).is_(None))
    if name:
        spelled = col(Department.id).in_(departments_spelled(name))
        statement = statement.where(or_(col(Department.name).contains(name, autoescape=True), spelled))
    if parent_id is not None:
        statement = statement.where(col(Department.parent_id) == parent_id)
    if updated_since is not None:
        statement = statement.where(col(Department.updated_at) >= updated_since)
    return statement


# ---------------------------------------------------------------- leaders


async def leaders_of_department(session: AsyncSession, department_id: int) -> list[Person]:
    """Who leads it: by the department's own list, or by a leader's flag on the membership. Only who can act, the head
    first, then deputies; among equals the longest in post.
    """
    home = await department(session, department_id)
    if home is None:
        return []
    named = await people_by_userids(session, home.leader_userids)
    flagged = select(col(Membership.person_id)).where(
        col(Membership.department_id) == department_id,
        col(Membership.is_leader),
        col(Membership.ended_at).is_(None),
    )
    by_flag = (await session.scalars(select(Person).where(col(Person.id).in_(flagged)))).all()
    found = {leader.id: leader for leader in [*named.values(), *by_flag] if may_act(leader)}
    return await by_rank(session, list(found.values()), within=home.id)


async def has_unread_leaders(session: AsyncSession, department_id: int) -> bool:
    """Whether the platform names leaders of it whom we cannot read, or do not know."""
    home = await department(session, department_id)
    if home is None:
        return False
    named = await people_by_userids(session, home.leader_userids)
    flagged = (
        select(Person)
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .where(col(Membership.department_id) == department_id, col(Membership.ended_at).is_(None))
        .where(col(Membership.is_leader), col(Person.status) == OUT_OF_SIGHT)
    )
    unread = [*await session.scalars(flagged), *(one for one in named.values() if is_out_of_sight(one))]
    return bool(unread) or len(named) < len(set(home.leader_userids))


async def by_rank(session: AsyncSession, people: Sequence[Person], *, within: int | None = None) -> list[Person]:
    """Who comes first where one is wanted: heads, then their deputies, then others; among equals the longest in post
    (policy 1.9), in the order of the platform's list, then by userid. Never in the order of our rows.

    `within` a department, only posts in it count.
    """
    ids = [person.id for person in people]
    places, userids = await memberships_of(session, ids), await last_userids_of(session, ids)
    listed = await _leaders_listed(session, {place.department_id for of in places.values() for place in of})

    def rank(person: Person) -> tuple[bool, bool, float, int, str]:
        own = [place for place in places.get(person.id, []) if within in {None, place.department_id}]
        userid = fold(userids[person.id])
        lists = [listed.get(place.department_id, ()) for place in own]
        order = [leaders.index(userid) for leaders in lists if userid in leaders]
        is_leader = bool(order) or any(place.is_leader for place in own)
        since = min((place.started_at.timestamp() for place in own), default=inf)
        return not is_leader, is_deputy(person), since, min(order, default=len(userids)), userid

    return sorted(people, key=rank)


async def _leaders_listed(session: AsyncSession, department_ids: Collection[int]) -> dict[int, list[str]]:
    """The platform's own lists, folded."""
    statement = select(col(Department.id), col(Department.leader_userids)).where(
        col(Department.id).in_(department_ids), col(Department.ended_at).is_(None)
    )
    return {row[0]: [fold(one) for one in row[1]] for row in await session.execute(statement)}


async def people_led_by(session: AsyncSession, leader: Person) -> set[UUID]:
    """Everybody in the departments that they lead and below, and those whose direct leader they are. Who leads the
    same department is not under them: only a head has its deputies under them.
    """
    userid = fold((await last_userids_of(session, [leader.id]))[leader.id])
    listed = select(col(Department.id)).where(
        col(Department.ended_at).is_(None), col(Department.leader_userids).contains([userid])
    )
    flagged = select(col(Membership.department_id)).where(
        col(Membership.person_id) == leader.id, col(Membership.is_leader), col(Membership.ended_at).is_(None)
    )
    reports = select(col(Person.id)).where(
        col(Person.direct_leader_userids).contains([userid]), col(Person.status).in_(EMPLOYED)
    )
    led: set[UUID] = set(await session.scalars(reports))
    for department_id in {*await session.scalars(listed), *await session.scalars(flagged)}:
        beside = await leaders_of_department(session, department_id)
        equals = {one.id for one in beside if is_deputy(leader) or not is_deputy(one)}
        led |= {*await ids_in_departments(session, [department_id])} - equals
    return led - {leader.id}


async def direct_leaders_of(session: AsyncSession, person: Person) -> list[Person]:
    """In the platform's order. Only who can act, and never the person."""
    return (await direct_leaders_of_each(session, [person]))[person.id]


async def direct_leaders_of_each(session: AsyncSession, people: Collection[Person]) -> dict[UUID, list[Person]]:
    """In one statement, however many people there are."""
    found = await people_by_userids(session, {userid for one in people for userid in one.direct_leader_userids})
    named = {one.id: [found.get(WecomUserId(userid)) for userid in one.direct_leader_userids] for one in people}
    return {
        person_id: [leader for leader in leaders if leader and may_act(leader) and leader.id != person_id]
        for person_id, leaders in named.items()
    }


# ---------------------------------------------------------------- changes


def changes_of(person_id: UUID) -> Select[OrgChange]:
    return select(OrgChange).where(
        col(OrgChange.object_kind).in_(["person", "membership"]), col(OrgChange.object_id) == str(person_id)
    )
