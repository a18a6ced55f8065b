"""任务: mine, given by me, where I help; progress in words."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from app import addresses
from app.audit.why import About
from app.pages.drawing import standing
from app.pages.drawing.catalogue import phrase
from app.pages.forms import EMPTY, Done, Form, SubmissionDep, check_seen, said_to, seen_of
from app.pages.route import page_router
from app.pages.tables import CursorDep, page_at
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.tasks import service as tasks
from app.tasks.service import ProgressReport, TaskList
from app.web.schemas import Note
from models.audit import ObjectKind
from models.ids import TaskId

router = page_router("/me/tasks")

TasksVisit = Annotated[Visit, visits("/me/tasks")]
ReportingVisit = Annotated[Visit, visits("/me/tasks", Permission.TASK_REPORT)]

VIA: Final = "page"


class Said(BaseModel):
    """What somebody says about their task."""

    progress: int = Field(0, ge=0, le=100)
    note: Note = ""


class Cancellation(BaseModel):
    """Why a task is taken back."""

    note: Note = ""


@router.get("")
async def listed(visit: TasksVisit, cursor: CursorDep, list: str = TaskList.MINE) -> Response:  # noqa: A002 -- in the address
    chosen = TaskList(list) if list in set(TaskList) else TaskList.MINE
    page = await tasks.tasks_of(visit.session, visit.viewer.person.id, chosen, page=page_at(cursor), now=visit.now)
    return visit.draw(
        "me/tasks.html",
        done=await said_to(visit),
        listed=page,
        lists=TaskList,
        chosen=chosen,
        may_assign=visit.full_authority.beyond_own().holds(Permission.TASK_ASSIGN),
    )


@router.get("/{task_id}")
async def task(task_id: UUID, visit: TasksVisit) -> Response:
    return await _drawn(visit, task_id)


@router.get("/{task_id}/cancel")
async def look_at_cancelling(task_id: UUID, visit: TasksVisit) -> Response:
    """Who would hear of it."""
    return await _cancelling(visit, task_id)


@router.post("/{task_id}/cancel")
async def cancel(task_id: UUID, visit: TasksVisit, submission: SubmissionDep) -> Response:
    """What somebody has assigned they take back, whether or not they may still assign; the service asks."""

    async def act() -> Done:
        await _check(visit, task_id)
        note = submission.form.read(Cancellation, visit).note
        person, key = visit.viewer.person, TaskId(task_id)
        followed = await tasks.follow(visit.session, key, reader=person, now=visit.now)
        ahead = await tasks.cancellation_ahead(visit.session, key, person=person, now=visit.now)
        check_seen(submission.form, (), standing.of_task(visit, followed, ahead))
        await tasks.cancel(visit.session, task_id=key, person=person, actor=None, note=note, via=VIA, now=visit.now)
        return Done(addresses.me_task(task_id), visit.say(phrase("任务已取消。")))

    async def again(form: Form, status: int) -> Response:
        return await _cancelling(visit, task_id, form, status)

    return await submission.carry_out(visit, act, again=again)


@router.post("/{task_id}/{word}")
async def say(task_id: UUID, word: str, visit: ReportingVisit, submission: SubmissionDep) -> Response:
    """`word`: accept, progress, block, complete. What Enter presses only draws the form again."""
    submission.check(visit)
    if submission.form.value("step") == "find":
        return await _drawn(visit, task_id, submission.form)

    async def act() -> Done:
        await _check(visit, task_id)
        given = submission.form.read(Said, visit)
        followed = await tasks.follow(visit.session, TaskId(task_id), reader=visit.viewer.person, now=visit.now)
        check_seen(submission.form, (), standing.of_task(visit, followed))
        await _said(visit, TaskId(task_id), word, given)
        return Done(addresses.me_task(task_id), visit.say(phrase("已记录。")))

    async def again(form: Form, status: int) -> Response:
        return await _drawn(visit, task_id, form, status)

    return await submission.carry_out(visit, act, again=again)


async def _said(visit: Visit, task_id: TaskId, word: str, given: Said) -> None:
    session, person, now = visit.session, visit.viewer.person, visit.now
    match word:
        case "accept":
            await tasks.accept(session, task_id=task_id, person=person, via=VIA, now=now)
        case "block":
            await tasks.block(session, task_id=task_id, person=person, via=VIA, note=given.note, now=now)
        case "complete":
            await tasks.complete(session, task_id=task_id, person=person, via=VIA, note=given.note, now=now)
        case _:
            report = ProgressReport(given.progress, given.note)
            await tasks.report_progress(session, report, task_id=task_id, person=person, via=VIA, now=now)


async def _check(visit: Visit, task_id: UUID) -> None:
    await visit.check(Permission.TASK_READ, About(ObjectKind.TASK, task_id))


async def _drawn(visit: Visit, task_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    await _check(visit, task_id)
    followed = await tasks.follow(visit.session, TaskId(task_id), reader=visit.viewer.person, now=visit.now)
    return visit.draw(
        "me/task.html",
        status=status,
        form=form,
        done=await said_to(visit),
        followed=followed,
        seen=seen_of(form, (), standing.of_task(visit, followed)),
    )


async def _cancelling(visit: Visit, task_id: UUID, form: Form = EMPTY, status: int = 200) -> Response:
    await _check(visit, task_id)
    person, key = visit.viewer.person, TaskId(task_id)
    followed = await tasks.follow(visit.session, key, reader=person, now=visit.now)
    ahead = await tasks.cancellation_ahead(visit.session, key, person=person, now=visit.now)
    return visit.draw(
        "task_cancel.html",
        status=status,
        form=form,
        home=addresses.me_task(task_id),
        followed=followed,
        ahead=ahead,
        seen=seen_of(form, (), standing.of_task(visit, followed, ahead)),
    )
