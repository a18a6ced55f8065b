"""What is found by a name, and what is not spelled yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from app.org.rules import EMPLOYED
from app.org.search.ordering import DEPARTMENTS_IN_ORDER, by_name
from app.org.search.spelling import Spelling, folded
from models.ids import fold
from models.org import Department, DepartmentSpelling, Person, PersonSpelling, PersonUserid

Spelled = type[PersonSpelling] | type[DepartmentSpelling]

SPELLING_LOCK = 0x5BE11
"""Advisory lock: one worker spells at a time."""


def _ways(spelled: Spelled, wanted: str) -> tuple[Mapped[str], ...]:
    """The columns in which it may begin so. `wanted` is folded."""
    sounds = (col(spelled.pinyin), col(spelled.initials)) if wanted.isascii() else ()
    return (col(spelled.name), *sounds)


def _typed(spelled: Spelled, wanted: str) -> ColumnElement[bool]:
    return or_(*(column.startswith(wanted, autoescape=True) for column in _ways(spelled, wanted)))


def _as_userid(typed: str) -> str:
    """Userids have signs that names have not."""
    return "".join(char for char in fold(typed) if char.isascii() and char.isprintable())


def people_spelled(typed: str) -> Select[UUID]:
    """Whose name, its pinyin or its initials begin so, at any sign."""
    wanted = folded(typed)
    statement = select(col(PersonSpelling.person_id))
    return statement.where(_typed(PersonSpelling, wanted)) if wanted else statement.where(literal(False))


def departments_spelled(typed: str) -> Select[int]:
    wanted = folded(typed)
    statement = select(col(DepartmentSpelling.department_id))
    return statement.where(_typed(DepartmentSpelling, wanted)) if wanted else statement.where(literal(False))


@dataclass(frozen=True)
class Search:
    """What is looked for, and among whom."""

    typed: str
    within: ColumnElement[bool] | None
    limit: int

    @property
    def wanted(self) -> str:
        return folded(self.typed)


async def find_people(session: AsyncSession, search: Search) -> list[UUID]:
    """Those who are employed: whose whole name it is, whose name or userid begins so, who has it further on.

    Each way is read in the order of its index, and ends with as many as are wanted: one letter names a tenth of a
    company.
    """
    found: dict[UUID, None] = {}
    for beginning in (True, False):
        ways = [_people_by(column, search, beginning=beginning) for column in _ways(PersonSpelling, search.wanted)]
        if beginning and search.wanted.isascii():
            ways.append(_people_by_userid(search))
        rows = (await session.execute(union_all(*ways))).all()
        ordered = sorted(rows, key=lambda row: (not row.is_whole, *by_name(row)))
        found |= {row.id: None for row in ordered if row.id not in found}
        if len(found) >= search.limit:
            break
    return list(found)[: search.limit]


def _people_by(column: Mapped[str], search: Search, *, beginning: bool) -> Select[Any]:
    place = col(PersonSpelling.place)
    statement = (
        select(col(Person.id), col(Person.name_key), (col(PersonSpelling.name) == search.wanted).label("is_whole"))
        .join(PersonSpelling, col(PersonSpelling.person_id) == col(Person.id))
        .where(column.startswith(search.wanted, autoescape=True), place == 0 if beginning else place > 0)
        .order_by(column, col(Person.id))
    )
    return _among_people(statement, search)


def _people_by_userid(search: Search) -> Select[Any]:
    userid = col(PersonUserid.userid)
    statement = (
        select(col(Person.id), col(Person.name_key), literal(False).label("is_whole"))
        .join(PersonUserid, col(PersonUserid.person_id) == col(Person.id))
        .where(col(PersonUserid.ended_at).is_(None), userid.startswith(_as_userid(search.typed), autoescape=True))
        .order_by(userid)
    )
    return _among_people(statement, search)


def _among_people(statement: Select[Any, Any, Any], search: Search) -> Select[Any]:
    statement = statement.where(col(Person.status).in_(EMPLOYED))
    if search.within is not None:
        statement = statement.where(search.within)
    # A name stands there in two readings at the most.
    part = statement.limit(2 * search.limit).subquery()
    return select(part.c.id, part.c.name_key, part.c.is_whole)


async def find_departments(session: AsyncSession, search: Search) -> list[tuple[Department, str]]:
    """Each with the name of the department above it, in the same order."""
    from_the_start = col(DepartmentSpelling.place) == 0
    is_whole = and_(from_the_start, col(DepartmentSpelling.name) == search.wanted)
    rank = func.min(case((is_whole, 0), (from_the_start, 1), else_=2)).label("rank")
    found = (
        select(col(DepartmentSpelling.department_id), rank)
        .where(_typed(DepartmentSpelling, search.wanted))
        .group_by(col(DepartmentSpelling.department_id))
        .subquery()
    )
    above = aliased(Department)
    statement = (
        select(Department, func.coalesce(col(above.name), ""))
        .join(found, found.c.department_id == col(Department.id))
        .outerjoin(above, col(above.id) == col(Department.parent_id))
        .where(col(Department.ended_at).is_(None))
        .order_by(found.c.rank, *DEPARTMENTS_IN_ORDER)
        .limit(search.limit)
    )
    rows = await session.execute(statement if search.within is None else statement.where(search.within))
    return [(row[0], row[1]) for row in rows]


async def departments_of(
    session: AsyncSession, within: ColumnElement[bool], ids: Collection[int] | None = None, *, limit: int | None = None
) -> list[tuple[Department, str]]:
    """Each with the name of the department above it, in the platform's order."""
    above = aliased(Department)
    statement = (
        select(Department, func.coalesce(col(above.name), ""))
        .outerjoin(above, col(above.id) == col(Department.parent_id))
        .where(col(Department.ended_at).is_(None), within)
        .order_by(*DEPARTMENTS_IN_ORDER)
        .limit(limit)
    )
    rows = await session.execute(statement if ids is None else statement.where(col(Department.id).in_(ids)))
    return [(row[0], row[1]) for row in rows]


# ---------------------------------------------------------------- keeping the spellings current


async def take_turn(session: AsyncSession) -> bool:
    """False while another transaction spells."""
    statement = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool((await session.execute(statement, {"key": SPELLING_LOCK})).scalar_one())


async def people_to_spell(session: AsyncSession, *, since: datetime | None, limit: int) -> list[UUID]:
    """Whose name or alias is not spelled as it is now; with `since` of those only who have changed at all."""
    source = func.concat(col(Person.name), "\n", col(Person.alias))
    spelled = exists().where(
        col(PersonSpelling.person_id) == col(Person.id),
        col(PersonSpelling.number) == 0,
        col(PersonSpelling.source) == source,
    )
    statement = select(col(Person.id)).where(~spelled)
    if since is not None:
        statement = statement.where(col(Person.updated_at) >= since)
    return list(await session.scalars(statement.limit(limit)))


async def names_of_people(session: AsyncSession, person_ids: Sequence[UUID]) -> list[tuple[UUID, str, str]]:
    """Held until they are spelled. Whom a sync is just changing is left out: the next look finds them."""
    statement = select(col(Person.id), col(Person.name), col(Person.alias)).where(col(Person.id).in_(person_ids))
    statement = statement.with_for_update(key_share=True, skip_locked=True)
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


async def departments_to_spell(session: AsyncSession) -> list[tuple[int, str]]:
    spelled = exists().where(
        col(DepartmentSpelling.department_id) == col(Department.id),
        col(DepartmentSpelling.number) == 0,
        col(DepartmentSpelling.source) == col(Department.name),
    )
    statement = select(col(Department.id), col(Department.name)).where(~spelled, col(Department.ended_at).is_(None))
    statement = statement.with_for_update(key_share=True, skip_locked=True)
    return [(row[0], row[1]) for row in await session.execute(statement)]


Made = tuple[Any, str, Sequence[Spelling]]
"""Whose, what the spellings were made of, and the spellings."""

_INSERT = (
    "INSERT INTO {table} ({owner}, number, place, name, pinyin, initials, source)"
    " SELECT * FROM unnest(CAST(:owners AS {kind}[]), CAST(:numbers AS int[]), CAST(:places AS int[]),"
    " CAST(:names AS text[]), CAST(:pinyin AS text[]), CAST(:initials AS text[]), CAST(:sources AS text[]))"
)
_INSERT_PEOPLE: Final = text(_INSERT.format(table="person_spellings", owner="person_id", kind="uuid"))
_INSERT_DEPARTMENTS: Final = text(_INSERT.format(table="department_spellings", owner="department_id", kind="bigint"))


async def write_people(session: AsyncSession, made: Sequence[Made]) -> None:
    """These take the place of those before."""
    await session.execute(delete(PersonSpelling).where(col(PersonSpelling.person_id).in_([one[0] for one in made])))
    await session.execute(_INSERT_PEOPLE, _columns(made))


async def write_departments(session: AsyncSession, made: Sequence[Made]) -> None:
    wanted = literal([one[0] for one in made], ARRAY(BigInteger))
    await session.execute(delete(DepartmentSpelling).where(col(DepartmentSpelling.department_id) == any_(wanted)))
    await session.execute(_INSERT_DEPARTMENTS, _columns(made))


_KEYS = (
    "UPDATE {table} SET name_key = given.name_key"
    " FROM unnest(CAST(:ids AS {kind}[]), CAST(:keys AS text[])) AS given (id, name_key)"
    " WHERE {table}.id = given.id AND {table}.name_key <> given.name_key"
)
_KEY_PEOPLE: Final = text(_KEYS.format(table="people", kind="uuid"))
_KEY_DEPARTMENTS: Final = text(_KEYS.format(table="departments", kind="bigint"))


async def write_people_keys(session: AsyncSession, keys: Mapping[UUID, str]) -> None:
    """By what they are sorted. To nobody else is this a change of theirs."""
    await session.execute(_KEY_PEOPLE, {"ids": list(keys), "keys": list(keys.values())})


async def write_department_keys(session: AsyncSession, keys: Mapping[int, str]) -> None:
    await session.execute(_KEY_DEPARTMENTS, {"ids": list(keys), "keys": list(keys.values())})


_NOTHING = Spelling(0, "", "", "")
"""Of a name without a sign that could be typed: nobody finds it, and it is not looked at again."""


def _columns(made: Sequence[Made]) -> dict[str, list[Any]]:
    rows = [
        (owner, number, source, one) for owner, source, found in made for number, one in enumerate(found or [_NOTHING])
    ]
    return {
        "owners": [owner for owner, _, _, _ in rows],
        "numbers": [number for _, number, _, _ in rows],
        "places": [one.place for _, _, _, one in rows],
        "names": [one.name for _, _, _, one in rows],
        "pinyin": [one.pinyin for _, _, _, one in rows],
        "initials": [one.initials for _, _, _, one in rows],
        "sources": [source if number == 0 else None for _, number, source, _ in rows],
    }
