"""People, departments and tags for tests: only what the test cares about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.ids import fold
from models.org import Department, Membership, Person, PersonStatus, PersonUserid, Tag
from tests.fakes.clock import MONDAY_9AM

_CROWD = text("""
WITH person AS (
    INSERT INTO people (id, name, alias, position, status, direct_leader_userids, details_known, missing_runs,
        first_seen_at, updated_at)
    SELECT gen_random_uuid(), 'new' || number, '', '', 'active', '{}', true, 0, now(), now()
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS number RETURNING id, name
), account AS (
    INSERT INTO person_userids (person_id, userid, shown, started_at) SELECT id, name, name, now() FROM person
)
INSERT INTO memberships (person_id, department_id, sort_order, is_leader, started_at)
SELECT id, :department, 0, false, now() FROM person
""")


async def department(
    session: AsyncSession,
    department_id: int,
    name: str = "",
    *,
    parent: int | Department | None = None,
    leaders: Sequence[str] = (),
    order: int = 0,
    now: datetime = MONDAY_9AM,
) -> Department:
    row = Department(
        id=department_id,
        parent_id=parent.id if isinstance(parent, Department) else parent,
        name=name or f"部门{department_id}",
        name_key=f"~\n{name or f'部门{department_id}'}",
        sort_order=order,
        leader_userids=[fold(leader) for leader in leaders],
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    return row


async def person(
    session: AsyncSession,
    userid: str,
    name: str = "",
    *,
    departments: Sequence[int | Department] = (),
    leads: Sequence[int | Department] = (),
    status: PersonStatus = PersonStatus.ACTIVE,
    position: str = "",
    leaders: Sequence[str] = (),
    extra: dict[str, Any] | None = None,
    now: datetime = MONDAY_9AM,
) -> Person:
    """Somebody with a current userid. The first department is the main one; `leads` are added to the departments."""
    leading = [_id(one) for one in leads]
    places = list(dict.fromkeys([*(_id(one) for one in departments), *leading]))
    row = Person(
        name=name or userid,
        name_key=f"~\n{name or userid}",
        position=position,
        status=status,
        main_department_id=places[0] if places else None,
        direct_leader_userids=[fold(leader) for leader in leaders],
        extra=extra,
        first_seen_at=now,
        updated_at=now,
        ended_at=now if status is PersonStatus.LEFT else None,
    )
    session.add(row)
    await session.flush()
    ended_at = now if status is PersonStatus.LEFT else None
    session.add(PersonUserid(person_id=row.id, userid=fold(userid), shown=userid, started_at=now, ended_at=ended_at))
    for place in places:
        session.add(
            Membership(
                person_id=row.id,
                department_id=place,
                is_leader=place in leading,
                started_at=now,
                ended_at=ended_at,
            )
        )
    await session.flush()
    return row


async def crowd(session: AsyncSession, department: int, people: int, *, first: int = 1) -> None:
    """Many people of a department, in one statement: `new1` and so on, from `first`."""
    await session.execute(_CROWD, {"department": department, "first": first, "last": first + people - 1})


async def tag(
    session: AsyncSession,
    tag_id: int,
    name: str,
    *,
    userids: Sequence[str] = (),
    departments: Sequence[int | Department] = (),
    now: datetime = MONDAY_9AM,
) -> Tag:
    row = Tag(
        id=tag_id,
        name=name,
        userids=[fold(userid) for userid in userids],
        department_ids=[_id(one) for one in departments],
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    return row


def _id(department: int | Department) -> int:
    return department.id if isinstance(department, Department) else department
