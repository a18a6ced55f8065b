"""Rows built from the platform's answers, checked one by one and staged with COPY."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.sync.changes.report import StagedCounts
from app.wecom.payloads import DepartmentDetail, DepartmentRef, UserDetail
from models.ids import LARGEST_NUMBER, fold, new_id
from models.org import StagedDepartment, StagedPerson, UnchangedPerson

LONGEST_USERID = 64
"""Bytes (callbacks §3.4)."""
UNKNOWN = -1
"""In orders and leader flags: only the department is known."""


class BadRow(ValueError):
    """A row that cannot be used. The run goes on without it (F30)."""


class PersonRow(NamedTuple):
    """A row of `staged_people`, in the order in which it is copied."""

    run_id: UUID
    userid: str
    shown: str
    name: str
    alias: str
    position: str
    status: int
    main_department_id: int | None
    direct_leader_userids: list[str]
    extra: str | None
    details_known: bool
    visible: bool
    fresh_id: UUID
    department_ids: list[int]
    sort_orders: list[int]
    leader_flags: list[int]
    digest: bytes = b""


class DepartmentRow(NamedTuple):
    """A row of `staged_departments`."""

    run_id: UUID
    id: int
    parent_id: int | None
    name: str | None
    sort_order: int
    leader_userids: list[str] | None


def checked_userid(userid: str) -> str:
    """The userid as shown. Raises `BadRow` when it cannot be a userid."""
    shown = userid.strip()
    size = len(shown) if shown.isascii() else len(shown.encode())
    if not 0 < size <= LONGEST_USERID:
        raise BadRow(f"userid {userid[:80]!r}")
    return shown


def known_by_id(
    run_id: UUID, shown: str, department_ids: Sequence[int], *, visible: bool, faults: list[str]
) -> PersonRow:
    places = _checked_places(shown, department_ids, faults)
    unknown = [UNKNOWN] * len(places)
    return PersonRow(
        run_id, fold(shown), shown, "", "", "", 0, None, [], None, False, visible, new_id(), places, unknown, unknown
    )  # fmt: skip


def known_in_detail(
    run_id: UUID, user: UserDetail, listed: Sequence[int] | None, *, faults: list[str], visible: bool = True
) -> PersonRow:
    """`listed` are the departments of the id list, the truth where it was read: the app sees only some of them.

    Built once per person and run: plain and positional, because a hundred thousand of them are built.
    """
    shown = checked_userid(user.userid)
    places = _checked_places(shown, user.department_ids if listed is None else listed, faults)
    orders, flags = _order_and_leader(user, places)
    main = user.main_department_id
    return PersonRow(
        run_id,
        fold(shown),
        shown,
        user.name,
        user.alias,
        user.position,
        user.status or 0,
        main if main and 0 < main <= LARGEST_NUMBER else None,
        [fold(leader) for leader in user.direct_leader_userids],
        json.dumps(user.extra, ensure_ascii=False) if user.extra else None,
        True,
        visible,
        new_id(),
        places,
        orders,
        flags,
    )


def _checked_places(shown: str, department_ids: Sequence[int], faults: list[str]) -> list[int]:
    """Each department once. An impossible one is reported and left out; the person stays."""
    if len(department_ids) == 1 and 0 < department_ids[0] <= LARGEST_NUMBER:
        return list(department_ids)
    good = {department_id: None for department_id in department_ids if 0 < department_id <= LARGEST_NUMBER}
    if len(good) < len(set(department_ids)):
        faults.append(f"userid {shown!r}: department {list(department_ids)[:10]}")
    return list(good)


def _order_and_leader(user: UserDetail, places: list[int]) -> tuple[list[int], list[int]]:
    """Order and leader flag for each department, as far as the details contain them."""
    ids, orders, flags = user.department_ids, user.orders, user.leader_flags
    if ids == places and len(ids) == len(orders) == len(flags):
        if len(ids) == 1 and 0 <= orders[0] <= LARGEST_NUMBER:
            return orders, [int(flags[0])]
        return [min(max(order, 0), LARGEST_NUMBER) for order in orders], [int(flag) for flag in flags]
    known = {
        department_id: (min(max(order, 0), LARGEST_NUMBER), int(flag))
        for department_id, order, flag in zip(ids, orders, flags, strict=False)
    }
    pairs = [known.get(place, (UNKNOWN, UNKNOWN)) for place in places]
    return [order for order, _ in pairs], [flag for _, flag in pairs]


def department_row(run_id: UUID, department: DepartmentRef | DepartmentDetail) -> DepartmentRow:
    if not 0 < department.id <= LARGEST_NUMBER:
        raise BadRow(f"department {department.id}")
    parent = department.parent_id
    detail = department if isinstance(department, DepartmentDetail) else None
    return DepartmentRow(
        run_id=run_id,
        id=department.id,
        parent_id=parent if parent and 0 < parent <= LARGEST_NUMBER else None,
        name=detail.name if detail else None,
        sort_order=min(max(department.order, 0), LARGEST_NUMBER),
        leader_userids=[fold(leader) for leader in detail.leader_userids] if detail else None,
    )


async def stage_people(session: AsyncSession, rows: Sequence[PersonRow]) -> None:
    await _copy(session, StagedPerson.__tablename__, PersonRow._fields, rows)


async def stage_departments(session: AsyncSession, rows: Sequence[DepartmentRow]) -> None:
    await _copy(session, StagedDepartment.__tablename__, DepartmentRow._fields, rows)


async def _copy(session: AsyncSession, table: str, columns: tuple[str, ...], rows: Sequence[Any]) -> None:
    if not rows:
        return
    connection = await session.connection()
    # The driver's connection joins the transaction only once SQLAlchemy has begun it with a statement (D4).
    await connection.execute(text("SELECT 1"))
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    await driver.copy_records_to_table(table, records=rows, columns=columns)


async def keep_unchanged(session: AsyncSession, *, run_id: UUID, userids: Sequence[str]) -> None:
    """Whom a held run has not staged: its release needs to know."""
    await _copy(session, UnchangedPerson.__tablename__, ("run_id", "userid"), [(run_id, one) for one in userids])


async def unchanged_of(session: AsyncSession, *, run_id: UUID) -> list[str]:
    statement = select(col(UnchangedPerson.userid)).where(col(UnchangedPerson.run_id) == run_id)
    return list(await session.scalars(statement))


async def forget(session: AsyncSession, *, run_id: UUID) -> None:
    """Delete the staged rows of a run that is over."""
    await session.execute(delete(StagedPerson).where(col(StagedPerson.run_id) == run_id))
    await session.execute(delete(StagedDepartment).where(col(StagedDepartment.run_id) == run_id))
    await session.execute(delete(UnchangedPerson).where(col(UnchangedPerson.run_id) == run_id))


async def count_staged(session: AsyncSession, *, run_id: UUID, unchanged: int) -> StagedCounts:
    people = select(func.count()).select_from(StagedPerson).where(col(StagedPerson.run_id) == run_id)
    departments = select(func.count()).select_from(StagedDepartment).where(col(StagedDepartment.run_id) == run_id)
    return StagedCounts(
        people=(await session.scalars(people)).one(),
        departments=(await session.scalars(departments)).one(),
        unchanged=unchanged,
    )
