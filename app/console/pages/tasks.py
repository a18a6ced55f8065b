"""任务: tasks that the reader may see, by state; one with its way."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.audit.why import About
from app.pages.forms import said_to
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Filter, SortDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.spreadsheets.download import SheetFormat, download
from app.tasks import service as tasks
from app.tasks.queries import TaskFilter
from models.audit import ObjectKind
from models.ids import TaskId
from models.tasks import TaskState

router = page_router("/console/tasks")

TasksVisit = Annotated[Visit, visits("/console/tasks")]

STATES = [
    Choice("assigned", "待接受", "to be accepted"),
    Choice("accepted", "进行中", "under way"),
    Choice("blocked", "遇到困难", "blocked"),
    Choice("done", "已完成", "done"),
    Choice("cancelled", "已取消", "cancelled"),
]
LATE = [Choice("true", "已逾期", "late")]


@router.get("")
async def listed(
    visit: TasksVisit,
    cursor: CursorDep,
    state: Annotated[str, Query(max_length=32)] = "",
    late: Annotated[str, Query(max_length=8)] = "",
    sort: SortDep = "",
) -> Response:
    wanted = _wanted(visit, state, late)
    page = await tasks.tasks_seen(visit.session, wanted, sort=sort, page=page_at(cursor), now=visit.now)
    filters = [Filter("state", "状态", "State", STATES, state), Filter("late", "期限", "Deadline", LATE, late)]
    return visit.draw(
        "console/tasks.html", done=await said_to(visit), table=page, filters=filters, order=tasks.TASKS_SORTED.by(sort)
    )


def _wanted(visit: Visit, state: str, late: str) -> TaskFilter:
    return TaskFilter(
        state=TaskState(state) if state in set(TaskState) else None,
        late_at=visit.now if late == "true" else None,
        sight=visit.sight(),
    )


@router.get("/export.{ending}")
async def export(
    visit: TasksVisit,
    ending: SheetFormat,
    state: Annotated[str, Query(max_length=32)] = "",
    late: Annotated[str, Query(max_length=8)] = "",
    sort: SortDep = "",
) -> Response:
    """The same list as a file, all of it."""
    sheet = tasks.task_sheet(visit.session, in_english=visit.reader.reads_english)
    lines = tasks.task_lines(visit.session, _wanted(visit, state, late), sort=sort, now=visit.now)
    return await download(sheet, lines, ending=ending)


@router.get("/{task_id}")
async def task(task_id: UUID, visit: TasksVisit) -> Response:
    await visit.check(Permission.TASK_READ, About(ObjectKind.TASK, task_id))
    followed = await tasks.follow(visit.session, TaskId(task_id), reader=visit.viewer.person, now=visit.now)
    return visit.draw("console/task.html", followed=followed)
