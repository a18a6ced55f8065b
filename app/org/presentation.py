"""Departments, members and their changes as REST shows them: a page of members is read in three statements."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.org import queries
from app.org.returners import Returner
from app.org.rules import parents_shown
from app.org.schemas import (
    ChangeOut,
    DepartmentNode,
    DepartmentOut,
    DepartmentTree,
    Linked,
    Member,
    MemberDepartment,
    ReturnedMember,
)
from models.org import Department, Membership, OrgChange, Person


async def members(session: AsyncSession, rows: Sequence[Person]) -> list[Member]:
    ids = [row.id for row in rows]
    userids = await queries.last_userids_of(session, ids)
    places = await queries.memberships_of(session, ids)
    return [_member(row, userids.get(row.id, ""), places.get(row.id, [])) for row in rows]


async def member(session: AsyncSession, row: Person) -> Member:
    return (await members(session, [row]))[0]


def departments(rows: Sequence[Department]) -> list[DepartmentOut]:
    return [department(row) for row in rows]


def department(row: Department) -> DepartmentOut:
    return DepartmentOut(
        id=row.id,
        parent_id=row.parent_id,
        name=row.name,
        order=row.sort_order,
        leaders=row.leader_userids,
        updated_at=row.updated_at,
    )


def tree(rows: Sequence[Department]) -> DepartmentTree:
    """Nested, in the order of the rows. Every department stands in it once."""
    nodes = {row.id: DepartmentNode(**department(row).model_dump()) for row in rows}
    tops: list[DepartmentNode] = []
    for department_id, parent_id in parents_shown({row.id: row.parent_id for row in rows}).items():
        (tops if parent_id is None else nodes[parent_id].children).append(nodes[department_id])
    return DepartmentTree(items=tops)


def returned(found: Sequence[Returner]) -> list[ReturnedMember]:
    return [
        ReturnedMember(
            userid=one.userid,
            name=one.newcomer.name,
            former_name=one.former.name,
            former_left_at=one.former.ended_at,
            shared_departments=[int(department) for department in one.shared_departments],
            alike=one.is_alike,
        )
        for one in found
    ]


def linked(found: Sequence[Returner]) -> Linked:
    return Linked(userids=[one.userid for one in found])


def changes(rows: Sequence[OrgChange]) -> list[ChangeOut]:
    return [ChangeOut.model_validate(row, from_attributes=True) for row in rows]


def _member(row: Person, userid: str, places: Sequence[Membership]) -> Member:
    return Member(
        userid=userid,
        name=row.name,
        alias=row.alias,
        position=row.position,
        status=row.status,
        main_department_id=row.main_department_id,
        departments=[_place(place) for place in places],
        direct_leaders=row.direct_leader_userids,
        extra=row.extra or {},
        details_known=row.details_known,
        first_seen_at=row.first_seen_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )


def _place(row: Membership) -> MemberDepartment:
    return MemberDepartment(department_id=row.department_id, order=row.sort_order, is_leader=row.is_leader)
