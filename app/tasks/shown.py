"""Tasks as people see them: lists, and one task with what happened to it and what they may say now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import DomainError
from app.org import service as org
from app.org.service import NamedPerson
from app.policy import service as policies
from app.policy.service import Citation
from app.tasks import queries, rules
from app.tasks.queries import TaskFilter
from app.tasks.rules import ENDED, TaskAction
from app.tasks.sight import assigns_everywhere
from app.web.pagination import PageQuery, paginate
from models.ids import PolicyVersionId, TaskId
from models.org import Person
from models.tasks import Task, TaskCollaborator, TaskEntry, TaskState

FIRST_PAGE = PageQuery(cursor=None, limit=50)


class TaskList(StrEnum):
    """The lists of one person."""

    MINE = "mine"  # they are responsible, and it is not finished
    GIVEN = "given"  # they have assigned it
    HELPING = "helping"
    FINISHED = "finished"  # they were responsible


@dataclass(frozen=True)
class TaskLine:
    """A task as a list shows it."""

    id: UUID
    number: int
    title: str
    state: TaskState
    progress: int
    owner: NamedPerson | None
    assigner: NamedPerson | None
    due_at: datetime
    is_late: bool
    """Open past its deadline, or finished after it."""


@dataclass(frozen=True)
class TaskPage:
    items: Sequence[TaskLine]
    next_cursor: str | None


@dataclass(frozen=True)
class TaskStep:
    """Something that happened to it."""

    kind: str
    at: datetime
    person: NamedPerson | None
    progress: int | None
    note: str


@dataclass(frozen=True)
class FollowedTask:
    line: TaskLine
    description: str
    acceptance: str
    collaborators: Sequence[NamedPerson]
    clause: Citation
    steps: Sequence[TaskStep]
    acts: frozenset[TaskAction]
    """What the reader may say now."""


async def tasks_of(
    session: AsyncSession, person_id: UUID, chosen: TaskList, *, page: PageQuery = FIRST_PAGE, now: datetime
) -> TaskPage:
    """One list of this person, the nearest deadline first; of what is finished, the latest."""
    statement = select(Task).where(_of(chosen, person_id))
    is_over = chosen is TaskList.FINISHED
    columns = (col(Task.updated_at if is_over else Task.due_at), col(Task.id))
    rows, cursor = await paginate(session, statement, *columns, page=page, descending=is_over)
    return TaskPage(await lines_of(session, rows, now=now), cursor)


def _of(chosen: TaskList, person_id: UUID) -> ColumnElement[bool]:
    is_open = col(Task.state).not_in(ENDED)
    match chosen:
        case TaskList.MINE:
            return (col(Task.owner_id) == person_id) & is_open
        case TaskList.GIVEN:
            return col(Task.assigner_id) == person_id
        case TaskList.HELPING:
            helping = select(col(TaskCollaborator.task_id)).where(
                col(TaskCollaborator.person_id) == person_id, col(TaskCollaborator.ended_at).is_(None)
            )
            return col(Task.id).in_(helping) & is_open
        case TaskList.FINISHED:
            return (col(Task.owner_id) == person_id) & ~is_open


async def tasks_seen(
    session: AsyncSession, wanted: TaskFilter, *, sort: str = "", page: PageQuery = FIRST_PAGE, now: datetime
) -> TaskPage:
    """As far as the sight of the filter goes, the latest change first unless another order is asked for."""
    rows, cursor = await queries.TASKS_SORTED.by(sort).page(session, queries.matching(wanted), page)
    return TaskPage(await lines_of(session, rows, now=now), cursor)


async def lines_of(session: AsyncSession, rows: Sequence[Task], *, now: datetime) -> list[TaskLine]:
    people = await org.named_people(session, {one for row in rows for one in (row.owner_id, row.assigner_id)})
    return [
        TaskLine(
            id=row.id,
            number=row.number,
            title=row.title,
            state=row.state,
            progress=row.progress,
            owner=people.get(row.owner_id),
            assigner=people.get(row.assigner_id),
            due_at=row.due_at,
            is_late=(row.done_at or now) > row.due_at and row.state is not TaskState.CANCELLED,
        )
        for row in rows
    ]


async def follow(session: AsyncSession, task_id: TaskId, *, reader: Person, now: datetime) -> FollowedTask:
    """Whether the reader may see it is for the caller to ask. Raises `TaskNotFound`."""
    row = await queries.task(session, task_id)
    helpers = {person.id for person in await queries.collaborators_of(session, row.id)}
    everywhere = await assigns_everywhere(session, reader, now=now)
    entries = await queries.entries_of(session, row.id)
    acting = {entry.person_id for entry in entries if entry.person_id}
    people = await org.named_people(session, helpers | acting)
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    [line] = await lines_of(session, [row], now=now)
    return FollowedTask(
        line=line,
        description=row.description,
        acceptance=row.acceptance,
        collaborators=sorted((people[one] for one in helpers if one in people), key=org.by_name),
        clause=policy.cite(row.rule_key),
        steps=[_step(entry, people.get(entry.person_id) if entry.person_id else None) for entry in entries],
        acts=frozenset(one for one in TaskAction if _may(row, one, reader, helpers, everywhere)),
    )


def _step(entry: TaskEntry, person: NamedPerson | None) -> TaskStep:
    return TaskStep(entry.kind, entry.at, person, entry.progress, entry.note)


def _may(row: Task, action: TaskAction, reader: Person, helpers: set[UUID], everywhere: bool) -> bool:
    if not rules.is_open(row):
        return False
    try:
        rules.check_may(row, action, person_id=reader.id, collaborators=helpers, assigns_everywhere=everywhere)
    except DomainError:
        return False
    return True
