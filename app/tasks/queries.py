"""Every SELECT of the domain, by intention."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.audit.why import About
from app.delivery import queries as delivery
from app.ladders import service as ladders
from app.org import service as people
from app.overview.service import Ages, Asked, Figure, Level, Measure, Place, found_in
from app.permissions import Permission, Sight
from app.roles import service as roles
from app.tasks.errors import TaskNotFound
from app.tasks.rules import ENDED, TaskPurpose
from app.tasks.sight import seen_by
from app.today.queries import WaitingColumns
from app.web.pagination import Sorting
from models.audit import ObjectKind
from models.groups import Group
from models.ids import TaskId
from models.org import Person
from models.tasks import Task, TaskCollaborator, TaskEntry, TaskState


async def next_number(session: AsyncSession) -> int:
    return int((await session.execute(text("SELECT nextval('task_numbers')"))).scalar_one())


async def task(session: AsyncSession, task_id: TaskId) -> Task:
    row = await session.get(Task, task_id)
    if row is None:
        raise TaskNotFound("没有这个任务", "There is no such task")
    return row


async def task_for_update(session: AsyncSession, task_id: TaskId) -> Task:
    row = (await session.scalars(_fresh(task_id).with_for_update(key_share=True))).one_or_none()
    if row is None:
        raise TaskNotFound("没有这个任务", "There is no such task")
    return row


async def task_for_update_unless_locked(session: AsyncSession, task_id: TaskId) -> Task | None:
    """None while somebody else holds it. For callers that already hold a row the other may be waiting for."""
    return (await session.scalars(_fresh(task_id).with_for_update(key_share=True, skip_locked=True))).one_or_none()


def _fresh(task_id: TaskId) -> Select[Task]:
    """As the database has it now, not as the session read it before waiting for the lock."""
    return select(Task).where(col(Task.id) == task_id).execution_options(populate_existing=True)


@dataclass(frozen=True)
class TaskFilter:
    owner_id: UUID | None = None
    assigner_id: UUID | None = None
    group_id: UUID | None = None
    state: TaskState | None = None
    is_open: bool | None = None
    """Not ended, or ended."""
    department_ids: Collection[int] | None = None
    """Somebody of exactly these departments is responsible."""
    late_at: datetime | None = None
    """Not ended, and past its deadline at this moment."""
    updated_since: datetime | None = None
    sight: Sight | None = None
    """As far as the reader sees (D21); everything without one."""


TASKS_SORTED: Final = Sorting(
    {
        "number": col(Task.number),
        "title": col(Task.title),
        "state": col(Task.state),
        "progress": col(Task.progress),
        "due": col(Task.due_at),
        "updated": col(Task.updated_at),
    },
    ties=col(Task.id),
    usual="-updated",
)


def matching(wanted: TaskFilter) -> Select[Task]:
    conditions = [
        column == value
        for column, value in (
            (col(Task.owner_id), wanted.owner_id),
            (col(Task.assigner_id), wanted.assigner_id),
            (col(Task.group_id), wanted.group_id),
            (col(Task.state), wanted.state),
        )
        if value is not None
    ]
    if wanted.is_open is not None:
        conditions.append(col(Task.state).in_([state for state in TaskState if (state not in ENDED) is wanted.is_open]))
    if wanted.late_at is not None:
        conditions += [col(Task.state).not_in(ENDED), col(Task.due_at) < wanted.late_at]
    if wanted.department_ids is not None:
        conditions.append(people.is_in(col(Task.owner_id), wanted.department_ids))
    if wanted.updated_since is not None:
        conditions.append(col(Task.updated_at) >= wanted.updated_since)
    if wanted.sight is not None:
        conditions.append(seen_by(wanted.sight))
    return select(Task).where(*conditions)


async def numbered(session: AsyncSession, number: int, seen: ColumnElement[bool]) -> list[Task]:
    """The task that people call by this number, where it is among those that are seen."""
    return list(await session.scalars(select(Task).where(col(Task.number) == number, seen)))


async def unfinished_of(session: AsyncSession, owner_id: UUID, *, most: int) -> list[Task]:
    """What the person is to do, the nearest deadline first."""
    statement = select(Task).where(col(Task.owner_id) == owner_id, col(Task.state).not_in(ENDED))
    return list(await session.scalars(statement.order_by(col(Task.due_at), col(Task.number)).limit(most)))


async def open_tasks_of(session: AsyncSession, owner_id: UUID) -> list[TaskId]:
    """What the person is responsible for and what is not finished."""
    statement = (
        select(col(Task.id))
        .where(col(Task.owner_id) == owner_id, col(Task.state).not_in(ENDED))
        .order_by(col(Task.number))
    )
    return [TaskId(row) for row in await session.scalars(statement)]


async def end_collaboration(session: AsyncSession, task_id: UUID, person_id: UUID, *, now: datetime) -> None:
    """The person is no collaborator of the task any more."""
    row = await session.get(TaskCollaborator, (task_id, person_id))
    if row is not None and row.ended_at is None:
        row.ended_at = now
        await session.flush()


async def collaborators_of(session: AsyncSession, task_id: UUID) -> list[Person]:
    """Who helps now."""
    helping = select(col(TaskCollaborator.person_id)).where(
        col(TaskCollaborator.task_id) == task_id, col(TaskCollaborator.ended_at).is_(None)
    )
    statement = select(Person).where(col(Person.id).in_(helping)).order_by(col(Person.id))
    return list(await session.scalars(statement))


async def was_heard(session: AsyncSession, task_id: UUID, event_id: int) -> bool:
    """Whether this received event has had its effect on the task already (P2)."""
    heard = exists().where(col(TaskEntry.task_id) == task_id, col(TaskEntry.event_id) == event_id)
    return bool((await session.scalars(select(heard))).one())


async def entries_of(session: AsyncSession, task_id: UUID) -> list[TaskEntry]:
    statement = select(TaskEntry).where(col(TaskEntry.task_id) == task_id).order_by(col(TaskEntry.id))
    return list(await session.scalars(statement))


async def reminders_delivered(session: AsyncSession, task_id: UUID) -> int:
    """F78: a reminder counts when the platform has taken it."""
    about, purpose = About(ObjectKind.TASK, task_id), TaskPurpose.REMINDER
    alone = await delivery.count_sent(session, about=about, purpose=purpose)
    return alone + await ladders.count_told_together(session, about=about, purpose=purpose)


async def group(session: AsyncSession, group_id: UUID) -> Group | None:
    return await session.get(Group, group_id)


async def administrators_of(session: AsyncSession, group_id: UUID | None) -> list[Person]:
    """Owner and deputy of the task's group; nobody when it has none."""
    found = await group(session, group_id) if group_id else None
    return await roles.administrators_of(session, found) if found is not None else []


def waiting_for_work(_session: AsyncSession, person_id: UUID, _now: datetime) -> Select[Any]:
    """F168: the tasks that this person is to accept, or to do. One that was handed over to them is to be accepted."""
    wanted = WaitingColumns(
        kind=case((col(Task.state) == TaskState.ASSIGNED, "task.accept"), else_="task.do"),
        about=ObjectKind.TASK,
        id=col(Task.id),
        title=col(Task.title),
        number=col(Task.number),
        asked_at=col(Task.assigned_at),
        due_at=col(Task.due_at),
        asked_by=col(Task.assigner_id),
    )
    return select(*wanted.columns()).where(col(Task.owner_id) == person_id, col(Task.state).not_in(ENDED))


_OPEN = Measure(
    "tasks.open",
    Level.WAITING,
    "没有完成的任务",
    "tasks that are not done",
    Permission.TASK_READ,
    found_in(Place.TASKS, open="true"),
    is_scoped=True,
)
_OVERDUE = Measure(
    "tasks.overdue",
    Level.LATE,
    "逾期的任务",
    "overdue tasks",
    Permission.TASK_READ,
    found_in(Place.TASKS, late="true"),
    is_scoped=True,
)
_BLOCKED = Measure(
    "tasks.blocked",
    Level.WRONG,
    "遇到困难的任务",
    "tasks that cannot go on",
    Permission.TASK_READ,
    found_in(Place.TASKS, state="blocked"),
    is_scoped=True,
)


async def counted(session: AsyncSession, asked: Asked) -> list[Figure]:
    """Tasks that have not ended, with those past their deadline and those that are blocked."""
    due, since = col(Task.due_at), col(Task.assigned_at)
    is_late, is_blocked = due < asked.now, col(Task.state) == TaskState.BLOCKED
    statement = select(
        func.count(),
        func.min(since),
        func.count().filter(is_late),
        func.min(due).filter(is_late),
        func.count().filter(is_blocked),
        func.min(col(Task.updated_at)).filter(is_blocked),
        *Ages.columns(since, asked.now),
    ).where(
        col(Task.state).in_([state for state in TaskState if state not in ENDED]),
        seen_by(asked.sight_of(Permission.TASK_READ)),
    )
    row = (await session.execute(statement)).one()
    return [
        _OPEN.figure(row[0], row[1], ages=Ages(*row[6:10])),
        _OVERDUE.figure(row[2], row[3]),
        _BLOCKED.figure(row[4], row[5]),
    ]
