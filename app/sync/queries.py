"""Every SELECT about runs, their staged rows, and tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.overview.service import Asked, Figure, Level, Measure, Place, counted_together, found_in
from app.permissions import Permission
from app.sync.changes.loss_budget import LossCount, Losses
from app.sync.changes.report import SyncReport
from app.sync.rules import LOSSES
from app.trace.service import MOST, Ref, TraceAsked, TraceEntry, TraceKind
from models.audit import ObjectKind
from models.ids import fold
from models.org import (
    OrgChange,
    Person,
    PersonUserid,
    SyncKind,
    SyncRun,
    SyncState,
    Tag,
)

RUN_LOCK = 0x0127
"""Advisory lock: only one transaction at a time checks for a running run and starts another."""

READ_STATES = (SyncState.DONE, SyncState.HELD, SyncState.RELEASED, SyncState.REJECTED)
"""Of a run that read the organisation: whatever a person decides about its losses, it has applied the rest."""


async def lock_runs(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": RUN_LOCK})


async def running_run(session: AsyncSession) -> SyncRun | None:
    statement = (
        select(SyncRun)
        .where(col(SyncRun.state) == SyncState.RUNNING, col(SyncRun.kind) == SyncKind.FULL)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def is_running(session: AsyncSession, run_id: UUID) -> bool:
    statement = select(col(SyncRun.id)).where(col(SyncRun.id) == run_id, col(SyncRun.state) == SyncState.RUNNING)
    return (await session.scalars(statement)).one_or_none() is not None


async def held_runs(session: AsyncSession) -> Sequence[SyncRun]:
    statement = select(SyncRun).where(col(SyncRun.state) == SyncState.HELD).with_for_update(key_share=True)
    return (await session.scalars(statement)).all()


async def last_full_end(session: AsyncSession) -> datetime | None:
    """When the last full run that read the organisation ended. Failed and dry ones do not count."""
    statement = select(func.max(SyncRun.finished_at)).where(
        col(SyncRun.kind) == SyncKind.FULL,
        col(SyncRun.state).in_(READ_STATES),
        col(SyncRun.dry_run).is_(False),
    )
    return (await session.scalars(statement)).one()


async def failures_in_a_row(session: AsyncSession) -> int:
    """How many full runs have failed since the last that read the organisation."""
    statement = select(func.count()).where(
        col(SyncRun.kind) == SyncKind.FULL,
        col(SyncRun.state) == SyncState.FAILED,
        col(SyncRun.dry_run).is_(False),
    )
    last = await last_full_end(session)
    if last is not None:
        statement = statement.where(col(SyncRun.finished_at) > last)
    return (await session.scalars(statement)).one()


async def incomplete_in_a_row(session: AsyncSession) -> int:
    """How many full runs have applied what they read since the last one that read everything."""
    full = (col(SyncRun.kind) == SyncKind.FULL, col(SyncRun.dry_run).is_(False), col(SyncRun.state).in_(READ_STATES))
    complete = and_(*(col(SyncRun.report)[part].as_boolean().is_(True) for part in SyncReport.PARTS))
    last = (await session.scalars(select(func.max(SyncRun.finished_at)).where(*full, complete))).one()
    statement = select(func.count()).select_from(SyncRun).where(*full)
    if last is not None:
        statement = statement.where(col(SyncRun.finished_at) > last)
    return (await session.scalars(statement)).one()


async def losses_by_hints(session: AsyncSession, *, since: datetime | None) -> Losses:
    """What callbacks have taken away since the last full run."""
    words = [status.value for status in LOSSES]
    statement = (
        select(
            func.count().filter(col(OrgChange.object_kind) == "person", col(OrgChange.change).in_(words)),
            func.count().filter(col(OrgChange.object_kind) == "department", col(OrgChange.change) == "ended"),
        )
        .join(SyncRun, col(SyncRun.id) == col(OrgChange.run_id))
        .where(col(SyncRun.kind) == SyncKind.HINT)
    )
    if since is not None:
        statement = statement.where(col(OrgChange.at) > since)
    people, departments = (await session.execute(statement)).one()
    return Losses(LossCount(people, 0), LossCount(departments, 0), LossCount(0, 0))


async def person_changed_since(session: AsyncSession, userids: list[str], moment: datetime) -> bool:
    """Somebody else wrote one of these people after that moment."""
    statement = (
        select(col(Person.id))
        .join(PersonUserid, col(PersonUserid.person_id) == col(Person.id))
        .where(
            col(PersonUserid.userid).in_([fold(userid) for userid in userids]),
            or_(col(Person.updated_at) > moment, col(PersonUserid.ended_at) > moment),
        )
    )
    return (await session.scalars(statement.limit(1))).one_or_none() is not None


async def sync_run(session: AsyncSession, run_id: UUID) -> SyncRun | None:
    return await session.get(SyncRun, run_id)


def sync_runs(*, kind: SyncKind, state: SyncState | None, unread: bool = False) -> Select[SyncRun]:
    """`unread`: those that have failed since the last that read the organisation."""
    statement = select(SyncRun).where(col(SyncRun.kind) == kind)
    statement = statement if state is None else statement.where(col(SyncRun.state) == state)
    return statement.where(_is_unread()) if unread else statement


def _is_unread() -> ColumnElement[bool]:
    """A full run that failed after the last one that read the organisation."""
    run = aliased(SyncRun)
    full = (col(run.kind) == SyncKind.FULL, col(run.dry_run).is_(False), col(run.state).in_(READ_STATES))
    last = select(func.max(col(run.finished_at))).where(*full).scalar_subquery()
    return and_(
        col(SyncRun.kind) == SyncKind.FULL,
        col(SyncRun.dry_run).is_(False),
        col(SyncRun.state) == SyncState.FAILED,
        or_(last.is_(None), col(SyncRun.finished_at) > last),
    )


@dataclass(frozen=True)
class ChangeFilter:
    """Which of a run's changes are wanted."""

    object_kind: str | None = None
    """`person`, `department`, `membership`, `tag`."""
    change: str | None = None
    """`created`, `updated`, `left` …"""


def changes_in(run_id: UUID, wanted: ChangeFilter) -> Select[OrgChange]:
    """What a run has changed; the caller orders and pages."""
    statement = select(OrgChange).where(col(OrgChange.run_id) == run_id)
    if wanted.object_kind is not None:
        statement = statement.where(col(OrgChange.object_kind) == wanted.object_kind)
    return statement if wanted.change is None else statement.where(col(OrgChange.change) == wanted.change)


async def tag_names(session: AsyncSession, ids: Collection[int]) -> dict[int, str]:
    rows = await session.execute(select(col(Tag.id), col(Tag.name)).where(col(Tag.id).in_(ids)))
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True)
class Orphans:
    """References to departments that cannot be seen (F21)."""

    departments: list[int]
    """Departments whose parent is not there."""
    places: list[int]
    """Departments that people belong to and that cannot be seen."""


async def orphans(session: AsyncSession, run_id: UUID, *, besides: Iterable[int]) -> Orphans:
    """`besides` are departments of people who are not staged."""
    departments = text(
        "SELECT s.id FROM staged_departments s WHERE s.run_id = :run_id AND s.parent_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM staged_departments p WHERE p.run_id = :run_id AND p.id = s.parent_id)"
        " ORDER BY s.id LIMIT 100"
    )
    places = text(
        "SELECT place FROM (SELECT unnest(s.department_ids) AS place FROM staged_people s WHERE s.run_id = :run_id"
        " UNION SELECT unnest(CAST(:besides AS bigint[]))) AS places"
        " WHERE NOT EXISTS (SELECT FROM staged_departments d"
        "   WHERE d.run_id = :run_id AND d.id = place) ORDER BY place LIMIT 100"
    )
    return Orphans(
        departments=list((await session.scalars(departments, {"run_id": run_id})).all()),
        places=list((await session.scalars(places, {"run_id": run_id, "besides": list(besides)})).all()),
    )


async def rings(session: AsyncSession, run_id: UUID) -> list[int]:
    """Departments that are their own ancestor, by the parents that the run has read."""
    statement = text(
        "WITH RECURSIVE above AS ("
        " SELECT id, parent_id FROM staged_departments WHERE run_id = :run_id AND parent_id IS NOT NULL"
        " UNION SELECT a.id, d.parent_id FROM above a JOIN staged_departments d"
        "   ON d.run_id = :run_id AND d.id = a.parent_id WHERE d.parent_id IS NOT NULL AND a.id <> a.parent_id"
        ") SELECT DISTINCT id FROM above WHERE id = parent_id ORDER BY id LIMIT 100"
    )
    return list((await session.scalars(statement, {"run_id": run_id})).all())


async def newcomers_without_details(session: AsyncSession, run_id: UUID) -> tuple[int, list[str]]:
    """New people whom the app might see, and of whom only the userid was read: how many, and the first of them."""
    statement = text(
        "SELECT count(*) OVER (), c.shown FROM sync_people c"
        " JOIN staged_people s ON s.run_id = :run_id AND s.userid = c.userid"
        " WHERE c.is_new AND NOT s.details_known AND s.visible ORDER BY c.userid LIMIT 10"
    )
    rows = (await session.execute(statement, {"run_id": run_id})).all()
    return (rows[0][0] if rows else 0), [row[1] for row in rows]


async def tags_by_id(session: AsyncSession) -> dict[int, Tag]:
    return {tag.id: tag for tag in (await session.scalars(select(Tag))).all()}


# ---------------------------------------------------------------- the overview

_HELD = Measure(
    "sync_runs.held",
    Level.WRONG,
    "减少的人或部门超出限额、等待核实的通讯录同步",
    "syncs whose losses wait for a person",
    Permission.SYNC_READ,
    found_in(Place.SYNC_RUNS, state="held"),
)
_UNREAD = Measure(
    "sync_runs.failed",
    Level.WRONG,
    "最近连续失败的通讯录同步",
    "syncs that have failed since the last that read the organisation",
    Permission.SYNC_READ,
    found_in(Place.SYNC_RUNS, unread="true"),
)


async def counted(session: AsyncSession, _asked: Asked) -> list[Figure]:
    """Runs whose losses wait for a person, and full runs that failed since the last one that read the organisation."""
    ended = col(SyncRun.finished_at)
    unread = select(func.count(), func.min(ended)).where(_is_unread())
    held = select(func.count(), func.min(ended)).where(col(SyncRun.state) == SyncState.HELD)
    row = await counted_together(session, held, unread)
    return [_HELD.figure(*row[0:2]), _UNREAD.figure(*row[2:4])]


# ---------------------------------------------------------------- the trace

_RAN = {
    SyncKind.FULL: ("读取了整个通讯录", "The organisation was read"),
    SyncKind.HINT: ("读取了回调提到的人和部门", "What callbacks named was read again"),
}


async def traced(session: AsyncSession, asked: TraceAsked) -> list[TraceEntry]:
    """Runs under a correlation id: those of the time of what else is recorded there."""
    ids = asked.ids(ObjectKind.SYNC_RUN)
    since = (asked.since or asked.now) - timedelta(days=1)
    is_it = or_(col(SyncRun.correlation_id) == asked.correlation_id, col(SyncRun.id).in_(ids))
    statement = select(SyncRun).where(is_it, or_(col(SyncRun.started_at) >= since, col(SyncRun.id).in_(ids)))
    return [
        TraceEntry(
            at=row.started_at,
            kind=TraceKind.SYNCED,
            chinese=_RAN[row.kind][0],
            english=_RAN[row.kind][1],
            ref=Ref(ObjectKind.SYNC_RUN, str(row.id)),
            state=row.state.value,
        )
        for row in await session.scalars(statement.order_by(col(SyncRun.id)).limit(MOST))
    ]
