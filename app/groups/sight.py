"""How far a permission goes among groups, and who administers which (D21)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import BigInteger, ColumnElement, Uuid, any_, false, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.org import service as org
from app.permissions import Sight, Standing, Words
from app.quotes import quoted
from models.groups import Group, GroupMember
from models.org import Person


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """Groups of the sight, of its departments or owned by somebody there, and those that one is in or administers."""
    if sight.everything:
        return true()
    return or_(
        col(Group.id) == any_(literal(list(sight.groups), ARRAY(Uuid))),
        of_departments(sight.departments) if sight.departments else false(),
        _own(sight) if sight.person_id else false(),
    )


def of_departments(department_ids: Collection[int]) -> ColumnElement[bool]:
    return or_(
        col(Group.department_id) == any_(literal(sorted(department_ids), ARRAY(BigInteger))),
        org.is_in(col(Group.desired_owner_id), department_ids),
    )


def _own(sight: Sight) -> ColumnElement[bool]:
    inside = select(col(GroupMember.group_id)).where(
        col(GroupMember.person_id) == sight.person_id,
        col(GroupMember.ended_at).is_(None),
        or_(col(GroupMember.desired), col(GroupMember.observed)),
    )
    return or_(
        col(Group.id).in_(inside),
        col(Group.desired_owner_id) == sight.person_id,
        col(Group.deputy_id) == sight.person_id,
    )


async def is_seen(session: AsyncSession, sight: Sight, group_id: object) -> bool:
    statement = select(col(Group.id)).where(col(Group.id) == group_id, seen_by(sight))
    return (await session.scalars(statement)).first() is not None


async def standing_as_administrator(session: AsyncSession, person: Person) -> list[Standing]:
    """One for each group that the person owns or helps to administer."""
    statement = select(Group).where(
        col(Group.ended_at).is_(None), or_(col(Group.desired_owner_id) == person.id, col(Group.deputy_id) == person.id)
    )
    return [
        Standing(
            Sight(groups=frozenset([group.id])),
            Words(f"您是{quoted(group.desired_name)}的群管理员", f"you administer {group.desired_name}"),
        )
        for group in await session.scalars(statement.order_by(col(Group.id)))
    ]
