"""Who is listed: members by department, status and name, as far as the reader sees."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Select, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import queries
from app.org.search.queries import people_spelled
from app.org.sight import seen_by
from app.permissions import Sight
from models.ids import fold
from models.org import Membership, Person, PersonStatus, PersonUserid


@dataclass(frozen=True)
class MemberFilter:
    department_ids: Collection[int] | None = None
    """In one of exactly these departments now (`subtree` names those below as well)."""
    status: PersonStatus | None = None
    name: str | None = None
    """Part of a name or of a userid, or its pinyin or initials."""
    updated_since: datetime | None = None
    sight: Sight | None = None
    """As far as the reader sees (D21); everybody without one."""


def members(wanted: MemberFilter) -> Select[Person]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.department_ids is not None:
        departments = any_(literal(sorted(wanted.department_ids), ARRAY(BigInteger)))
        inside = select(col(Membership.person_id)).where(
            col(Membership.ended_at).is_(None), col(Membership.department_id) == departments
        )
        conditions.append(col(Person.id).in_(inside))
    if wanted.status is not None:
        conditions.append(col(Person.status) == wanted.status)
    if wanted.name:
        by_userid = select(col(PersonUserid.person_id)).where(
            col(PersonUserid.ended_at).is_(None), col(PersonUserid.userid).contains(fold(wanted.name), autoescape=True)
        )
        by_name = col(Person.name).contains(wanted.name, autoescape=True)
        by_pinyin = col(Person.id).in_(people_spelled(wanted.name))
        conditions.append(or_(by_name, col(Person.id).in_(by_userid), by_pinyin))
    if wanted.updated_since is not None:
        conditions.append(col(Person.updated_at) >= wanted.updated_since)
    if wanted.sight is not None:
        conditions.append(seen_by(wanted.sight))
    return select(Person).where(*conditions)


async def subtree(session: AsyncSession, department_id: int | None) -> frozenset[int] | None:
    """For the filter of a list: the department with everything below it; None without one."""
    if department_id is None:
        return None
    return frozenset(await queries.departments_below(session, [department_id]))
