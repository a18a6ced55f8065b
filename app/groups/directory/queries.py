"""The groups that somebody is in, and those that they can find."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, Text, any_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.groups import rules
from app.groups.queries import LIVING
from app.groups.sight import seen_by
from app.permissions import Sight
from app.policy.service import Policy
from models.groups import Group, GroupMember, GroupState
from models.ids import PersonId
from models.org import Department


@dataclass(frozen=True)
class DirectoryFilter:
    """What somebody looks for in the directory."""

    name: str = ""
    """A part of the name, of the purpose or of the department's name: people look for a department, a project, or a
    topic (policy 1.14).
    """
    department_ids: Collection[int] | None = None
    """Of groups that belong to one of these."""
    group_type: str | None = None


def in_groups(person_id: UUID) -> Select[Group]:
    """Living groups in which the platform shows this person, or in which they are wanted."""
    inside = select(col(GroupMember.group_id)).where(
        col(GroupMember.person_id) == person_id,
        col(GroupMember.ended_at).is_(None),
        or_(col(GroupMember.desired), col(GroupMember.observed)),
    )
    return select(Group).where(col(Group.id).in_(inside), col(Group.state).in_(LIVING))


def visible_to(person_id: UUID, policy: Policy) -> ColumnElement[bool]:
    """1.14: everybody finds the groups of types that are listed, but the confidential ones; and their own."""
    listed = [key for key, rule in policy.document.groups.types.items() if rule.listed]
    in_the_directory = (
        (col(Group.state) == GroupState.ACTIVE)
        & (col(Group.confidentiality) != rules.CONFIDENTIAL)
        & (col(Group.group_type) == any_(literal(listed, ARRAY(Text))))
    )
    own = seen_by(Sight(person_id=PersonId(person_id))) & col(Group.state).in_(LIVING)
    return or_(in_the_directory, own)


async def is_visible(session: AsyncSession, group_id: UUID, person_id: UUID, policy: Policy) -> bool:
    statement = select(col(Group.id)).where(col(Group.id) == group_id, visible_to(person_id, policy))
    return (await session.scalars(statement)).first() is not None


def listed(person_id: UUID, wanted: DirectoryFilter, policy: Policy) -> Select[Group]:
    statement = select(Group).where(visible_to(person_id, policy))
    if wanted.name:
        told = (col(Group.desired_name), func.coalesce(col(Group.observed_name), ""), col(Group.purpose))
        named = select(col(Department.id)).where(
            col(Department.ended_at).is_(None), col(Department.name).icontains(wanted.name, autoescape=True)
        )
        statement = statement.where(
            or_(
                *(text.icontains(wanted.name, autoescape=True) for text in told),
                col(Group.department_id).in_(named),
            )
        )
    if wanted.department_ids is not None:
        departments = literal(sorted(wanted.department_ids), ARRAY(BigInteger))
        statement = statement.where(col(Group.department_id) == any_(departments))
    if wanted.group_type is not None:
        statement = statement.where(col(Group.group_type) == wanted.group_type)
    return statement


@dataclass(frozen=True)
class RosterCounts:
    """How many are wanted in a group, how many the platform shows in it, and how many of those are the same."""

    wanted: int = 0
    seen: int = 0
    both: int = 0


async def roster_counts(session: AsyncSession, group_ids: Sequence[UUID]) -> dict[UUID, RosterCounts]:
    """By group, in one statement."""
    wanted, seen = col(GroupMember.desired), col(GroupMember.observed)
    counts = (func.count().filter(wanted), func.count().filter(seen), func.count().filter(wanted & seen))
    statement = (
        select(col(GroupMember.group_id), *counts)
        .where(col(GroupMember.group_id).in_(group_ids), col(GroupMember.ended_at).is_(None))
        .group_by(col(GroupMember.group_id))
    )
    return {row[0]: RosterCounts(row[1], row[2], row[3]) for row in await session.execute(statement)}


async def stays_of(session: AsyncSession, person_id: UUID, group_ids: Sequence[UUID]) -> dict[UUID, GroupMember]:
    """By group: this person's stay."""
    statement = select(GroupMember).where(
        col(GroupMember.person_id) == person_id,
        col(GroupMember.group_id).in_(group_ids),
        col(GroupMember.ended_at).is_(None),
    )
    return {row.group_id: row for row in await session.scalars(statement)}
