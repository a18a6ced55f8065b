"""Every SELECT of the roles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Text, any_, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from app.org.rules import MAY_ACT
from models.groups import GroupMember
from models.org import Department, Membership, Person, Tag


async def have_left(session: AsyncSession, group_id: UUID, person_ids: Collection[UUID]) -> set[UUID]:
    """Those of these people who have been in the group and whose stays have all ended."""
    is_over = func.bool_and(col(GroupMember.ended_at).is_not(None))
    statement = (
        select(col(GroupMember.person_id))
        .where(col(GroupMember.group_id) == group_id, col(GroupMember.person_id).in_(person_ids))
        .group_by(col(GroupMember.person_id))
        .having(is_over)
    )
    return set(await session.scalars(statement))


# ---------------------------------------------------------------- who may act, for any number of names at a time


async def tags_named(session: AsyncSession, names: Iterable[str]) -> list[Tag]:
    statement = select(Tag).where(_among(col(Tag.name), names), col(Tag.ended_at).is_(None))
    return list(await session.scalars(statement))


async def departments_named(session: AsyncSession, names: Iterable[str]) -> list[Department]:
    statement = select(Department).where(_among(col(Department.name), names), col(Department.ended_at).is_(None))
    return list(await session.scalars(statement))


async def able_with_post(session: AsyncSession, posts: Iterable[str]) -> dict[str, set[UUID]]:
    """By post. Who holds none of these is not in the answer."""
    statement = select(col(Person.position), col(Person.id)).where(
        _among(col(Person.position), posts), col(Person.status).in_(MAY_ACT)
    )
    return await _sets(session, statement)


async def able_below(session: AsyncSession, department_ids: Iterable[int]) -> dict[int, set[UUID]]:
    """By department: its people and those of everything below it. UNION (not ALL) ends a ring."""
    statement = text(
        "WITH RECURSIVE below AS ("
        " SELECT id AS top, id FROM unnest(CAST(:ids AS bigint[])) AS id"
        " UNION SELECT b.top, d.id FROM departments d JOIN below b ON d.parent_id = b.id WHERE d.ended_at IS NULL"
        ") SELECT DISTINCT b.top, m.person_id FROM below b"
        " JOIN memberships m ON m.department_id = b.id AND m.ended_at IS NULL"
        " JOIN people p ON p.id = m.person_id AND p.status = ANY(:able)"
    )
    found: dict[int, set[UUID]] = defaultdict(set)
    for top, person_id in await session.execute(statement, {"ids": sorted(set(department_ids)), "able": list(MAY_ACT)}):
        found[top].add(person_id)
    return found


async def able_with_flag(session: AsyncSession, department_ids: Iterable[int]) -> dict[int, set[UUID]]:
    """By department: whom a flag on the membership makes its leaders."""
    wanted = literal(sorted(set(department_ids)), ARRAY(BigInteger))
    statement = (
        select(col(Membership.department_id), col(Membership.person_id))
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(col(Membership.department_id) == any_(wanted), col(Membership.is_leader))
        .where(col(Membership.ended_at).is_(None), col(Person.status).in_(MAY_ACT))
    )
    return await _sets(session, statement)


def _among(column: Mapped[str], names: Iterable[str]) -> ColumnElement[bool]:
    """One array parameter: an IN list ends at 32,767 of them."""
    return column == any_(literal(sorted(set(names)), ARRAY(Text)))


async def _sets(session: AsyncSession, statement: Select[Any, UUID]) -> dict[Any, set[UUID]]:
    found: dict[Any, set[UUID]] = defaultdict(set)
    for key, person_id in await session.execute(statement):
        found[key].add(person_id)
    return found
