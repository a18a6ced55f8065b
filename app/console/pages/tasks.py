"""任务: tasks that the reader may see, by state; one with its way, and taken back."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel
from starlette.responses import Response

from app import addresses
from app.audit.why import About
from app.console.visiting import traces_of
from app.exports.service import ListName, hand_out
from app.pages.drawing import standing
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, check_seen, said_to, seen_of
from app.pages.route import page_router
from app.pages.tables import Choice, CursorDep, Filter, SortDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.spreadsheets.download import SheetFormat
from app.tasks import service as tasks
from app.tasks.queries import TaskFilter
from app.web.schemas import Note
from models.audit import ObjectKind
from models.ids import TaskId
from models.tasks import TaskState

router = page_router("/console/tasks")

TasksVisit = Annotated[Visit, visits("/console/tasks")]

VIA: Final = "page"

STATES = [
    Choice("assigned", "待接受", "to be accepted"),
    Choice("accepted", "进行中", "under way"),
    Choice("blocked", "遇到困难", "blocked"),
    Choice("done", "已完成", "done"),
    Choice("cancelled", "已取消", "cancelled"),
]
LATE = [Choice("true", "已逾期", "late")]
OPEN = [Choice("true", "未结束", "not ended")]


class Cancellation(BaseModel):
    """Why a task is taken back."""

    note: Note = ""


@router.get("")
async def listed(
    visit: TasksVisit,
    cursor: CursorDep,
    state: Annotated[str, Query(max_length=32)] = "",
    late: Annotated[str, Query(max_length=8)] = "",
    open: Annotated[str, Query(max_length=8)] = "",  # noqa: A002 -- in the address
    sort: SortDep = "",
) -> Response:
    wanted = _wanted(visit, state, late, open)
    page = await tasks.tasks_seen(visit.session, wanted, sort=sort, page=page_at(cursor), now=visit.now)
    filters = [
        Filter("state", "状态", "State", STATES, state),
        Filter("open", "进行", "Under way", OPEN, open),
        Filter("late", "期限", "Deadline", LATE, late),
    ]
    return visit.draw(
        "console/tasks.html",
        done=await said_to(visit),
        table=page,
        filters=filters,
        order=tasks.TASKS_SORTED.by(sort),
        may_assign=visit.authority.holds(Permission.TASK_ASSIGN),
    )


def _wanted(visit: Visit, state: str, late: str, is_open: str) -> TaskFilter:
    return TaskFilter(
        state=TaskState(state) if state in set(TaskState) else None,
        is_open=True if is_open == "true" else None,
        late_at=visit.now if late == "true" else None,
        sight=visit.sight(),
    )


@router.get("/export.{ending}")
async def export(
    visit: TasksVisit,
    ending: SheetFormat,
    state: Annotated[str, Query(max_length=32)] = "",
    late: Annotated[str, Query(max_length=8)] = "",
    open: Annotated[str, Query(max_length=8)] = "",  # noqa: A002 -- in the address
    sort: SortDep = "",
) -> Response:
    """The same list as a file, all of it."""
    sheet = tasks.task_sheet(visit.session, in_english=visit.reader.reads_english)
    lines = tasks.task_lines(visit.session, _wanted(visit, state, late, open), sort=sort, now=visit.now)
    return await hand_out(visit.taking(), ListName.TASKS, sheet, lines, ending=ending)


@router.get("/{task_id}")
async def task(task_id: UUID, visit: TasksVisit) -> Response:
    await _check(visit, task_id)
    followed = await tasks.follow(visit.session, TaskId(task_id), reader=visit.viewer.person, now=visit.now)
    traces = await traces_of(visit, About(ObjectKind.TASK, task_id))
    return visit.draw("console/task.html", done=await said_to(visit), followed=followed, traces=traces)


@router.get("/{task_id}/cancel")
async def look_at_cancelling(task_id: UUID, visit: TasksVisit) -> Response:
    """Who would hear of it."""
    return await _cancelling(visit, task_id)


@router.post("/{task_id}/cancel")
async def cancel(task_id: UUID, visit: TasksVisit, submission: SubmissionDep) -> Response:
    """Who may is for the service to say, as on every way."""

    async def act() -> Done:
        await _check(visit, task_id)
        note = submission.form.read(Cancellation, visit).note
        person, key = visit.viewer.person, TaskId(task_id)
        followed = await tasks.follow(visit.session, key, reader=person, now=visit.now)
        ahead = await tasks.cancellation_ahead(visit.session, key, person=person, now=visit.now)
        check_seen(submission.form, (), standing.of_task(visit, followed, ahead))
        await tasks.cancel(visit.session, task_id=key, person=person, actor=None, note=note, via=VIA, now=visit.now)
        return Done(addresses.console_task(task_id), visit.say(phrase("任务已取消。")))

    async def again(form: Form, status: int) -> Response:
        return await _cancelling(visit, task_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _check(visit: Visit, task_id: UUID) -> None:
    await visit.check(Permission.TASK_READ, About(ObjectKind.TASK, task_id))


async def _cancelling(visit: Visit, task_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    await _check(visit, task_id)
    person, key = visit.viewer.person, TaskId(task_id)
    followed = await tasks.follow(visit.session, key, reader=person, now=visit.now)
    ahead = await tasks.cancellation_ahead(visit.session, key, person=person, now=visit.now)
    return visit.draw(
        "task_cancel.html",
        status=status,
        form=form,
        home=addresses.console_task(task_id),
        followed=followed,
        ahead=ahead,
        seen=seen_of(form, (), standing.of_task(visit, followed, ahead)),
    )
