"""Who was read again after readings had left them out, and whom the readings do not show now (P6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import queries
from app.org.rules import HAS_LEFT, OUT_OF_SIGHT
from models.ids import PersonId
from models.org import Membership, OrgChange, Person

REJOINED = "rejoined"
"""Word for somebody who had left, and of whom a person says that they are back (D17)."""

PEOPLE_READ_AGAIN = ("returned", "visible", REJOINED)
"""Words for a person whom a reading had left out, or whose details it had, and whom a later one has shown."""

DEPARTMENTS_READ_AGAIN = ("returned", "restored")
"""The same for a department."""


async def read_again_since(
    session: AsyncSession, person_ids: Iterable[UUID], department_ids: Iterable[int], *, since: datetime
) -> bool:
    """Whether one of them was left out by a reading and has been read since that moment."""
    ids, places = [str(one) for one in person_ids], [str(one) for one in department_ids]
    people = and_(_changed("person", PEOPLE_READ_AGAIN), col(OrgChange.object_id).in_(ids))
    departments = and_(_changed("department", DEPARTMENTS_READ_AGAIN), col(OrgChange.object_id).in_(places))
    statement = select(col(OrgChange.id)).where(or_(people, departments), col(OrgChange.at) > since)
    return (await session.scalars(statement.limit(1))).first() is not None


@dataclass(frozen=True)
class Rejoined:
    """Somebody had left, and a person has said that they are back."""

    at: datetime
    is_where_they_were: bool
    """One of their departments is one in which they were when they left."""


SAME_DEPARTMENT = "same_department"
"""What the change `REJOINED` says of it. A release before did not say: until then everybody was taken back."""


async def rejoined_since(session: AsyncSession, since: datetime) -> dict[PersonId, Rejoined]:
    """Who had left and was linked again since that moment: the last time, where it was more than one."""
    statement = (
        select(OrgChange)
        .where(_changed("person", [REJOINED]), col(OrgChange.at) > since)
        .order_by(col(OrgChange.at), col(OrgChange.id))
    )
    return {
        PersonId(UUID(row.object_id)): Rejoined(row.at, bool((row.after or {}).get(SAME_DEPARTMENT, True)))
        for row in await session.scalars(statement)
    }


def _changed(kind: str, words: Sequence[str]) -> ColumnElement[bool]:
    return and_(col(OrgChange.object_kind) == kind, col(OrgChange.change).in_(words))


async def not_shown_in(session: AsyncSession, department_ids: Iterable[int], *, since: datetime) -> list[Person]:
    """Who belongs there and below but cannot act, because the readings do not show them: people out of sight, and who
    was there until they left after `since`.
    """
    ids = await queries.departments_below(session, list(department_ids))
    place, status = col(Membership.ended_at), col(Person.status)
    unseen = and_(status == OUT_OF_SIGHT, place.is_(None))
    gone = and_(status == HAS_LEFT, col(Person.ended_at) > since, place == col(Person.ended_at))
    there = exists().where(col(Membership.person_id) == col(Person.id), col(Membership.department_id).in_(ids))
    statement = select(Person).where(or_(there.where(unseen), there.where(gone))).order_by(col(Person.id))
    return list((await session.scalars(statement)).all())
