"""REST for tasks: assign, list, look, and what the card can say, with numbers and notes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlmodel import col

from app.access import service as access
from app.exports.service import ListName, TakingDep, hand_out
from app.org import service as org
from app.spreadsheets.download import ANSWERS, Download, SheetFormat
from app.tasks import presentation, queries, service
from app.tasks.queries import TaskFilter
from app.tasks.schemas import Cancellation, NewTask, NotedWord, Progress, TaskOut, TaskSummary, Word
from app.tasks.service import Assignment, ProgressReport
from app.tasks.sheet import task_lines, task_sheet
from app.web.deps import CallerDep, EnglishDep, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.schemas import Moment, QueryBool, QueryInt
from app.web.scopes import MissingScope, allows
from models.ids import TaskId
from models.tasks import Task, TaskState

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=IdempotentRoute)

READ = [Depends(require("tasks:read"))]
WRITE = [Depends(require("tasks:write"))]
ACT = [Depends(require("tasks:act"))]
REST = "rest"


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 404, 409))
async def assign_task(body: NewTask, session: SessionDep, caller: CallerDep, now: NowDep) -> TaskOut:
    """Assign a task. The owner gets a card, the collaborators a text, and the group, when one is named, a post."""
    wanted = Assignment(
        title=body.title,
        description=body.description,
        acceptance=body.acceptance,
        assigner=await access.person_acting(session, caller, userid=body.assigner),
        owner=await org.person_named(session, body.owner),
        collaborators=await org.people_named(session, body.collaborators),
        group_id=body.group,
        due_at=body.due_at,
    )
    task = await service.assign(session, wanted, actor=caller.actor, now=now)
    return await presentation.task(session, task)


async def get_wanted(
    session: SessionDep,
    now: NowDep,
    owner: Annotated[str | None, Query(description="userid")] = None,
    assigner: Annotated[str | None, Query(description="userid")] = None,
    group: Annotated[UUID | None, Query(description="id of a registered group")] = None,
    department: Annotated[
        QueryInt | None, Query(description="WeCom id of the responsible person's department, or of one above it")
    ] = None,
    late: Annotated[QueryBool, Query(description="Only those past their deadline and not ended")] = False,
) -> TaskFilter:
    return TaskFilter(
        owner_id=await org.id_named(session, owner),
        assigner_id=await org.id_named(session, assigner),
        group_id=group,
        department_ids=await org.subtree(session, department),
        late_at=now if late else None,
    )


async def get_listed(
    of_people: Annotated[TaskFilter, Depends(get_wanted)],
    state: TaskState | None = None,
    is_open: Annotated[QueryBool | None, Query(alias="open", description="Not ended, or only ended")] = None,
    updated_since: Moment | None = None,
) -> TaskFilter:
    return replace(of_people, state=state, is_open=is_open, updated_since=updated_since)


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_tasks(
    session: SessionDep, page: PageDep, wanted: Annotated[TaskFilter, Depends(get_listed)]
) -> Page[TaskSummary]:
    """Tasks, the latest change first."""
    columns = (col(Task.updated_at), col(Task.id))
    rows, next_cursor = await paginate(session, queries.matching(wanted), *columns, page=page)
    return Page(items=await presentation.summaries(session, rows), next_cursor=next_cursor)


@router.get(
    "/export.{ending}",
    dependencies=READ,
    status_code=200,
    response_class=Download,
    responses=problems(404) | ANSWERS,
)
async def export_tasks(
    ending: SheetFormat,
    taking: TakingDep,
    session: SessionDep,
    now: NowDep,
    wanted: Annotated[TaskFilter, Depends(get_listed)],
    in_english: EnglishDep,
) -> Download:
    """The same list as a file, all of it."""
    sheet = task_sheet(session, in_english=in_english)
    return await hand_out(taking, ListName.TASKS, sheet, task_lines(session, wanted, now=now), ending=ending)


@router.get("/{task_id}", dependencies=READ, responses=problems(404))
async def get_task(task_id: UUID, session: SessionDep) -> TaskOut:
    """One task with everything that happened to it, and the clause it rests on."""
    return await presentation.task(session, await queries.task(session, TaskId(task_id)))


@router.post("/{task_id}/accept", dependencies=ACT, responses=problems(403, 404, 409))
async def accept_task(task_id: UUID, body: Word, session: SessionDep, caller: CallerDep, now: NowDep) -> TaskOut:
    """Accept in the owner's name. A repeat changes nothing."""
    person = await access.person_acting(session, caller, userid=body.person)
    task = await service.accept(session, task_id=TaskId(task_id), person=person, via=REST, now=now)
    return await presentation.task(session, task)


@router.post("/{task_id}/progress", dependencies=ACT, responses=problems(403, 404, 409))
async def report_progress(
    task_id: UUID, body: Progress, session: SessionDep, caller: CallerDep, now: NowDep
) -> TaskOut:
    """Report progress in the name of the owner or a collaborator."""
    person = await access.person_acting(session, caller, userid=body.person)
    report = ProgressReport(body.progress, body.note)
    task = await service.report_progress(session, report, task_id=TaskId(task_id), person=person, via=REST, now=now)
    return await presentation.task(session, task)


@router.post("/{task_id}/blocked", dependencies=ACT, responses=problems(403, 404, 409))
async def report_difficulty(
    task_id: UUID, body: NotedWord, session: SessionDep, caller: CallerDep, now: NowDep
) -> TaskOut:
    """Say what is in the way, in the name of the owner or a collaborator. The assigner is told."""
    person = await access.person_acting(session, caller, userid=body.person)
    task = await service.block(session, task_id=TaskId(task_id), person=person, note=body.note, via=REST, now=now)
    return await presentation.task(session, task)


@router.post("/{task_id}/done", dependencies=ACT, responses=problems(403, 404, 409))
async def complete_task(task_id: UUID, body: NotedWord, session: SessionDep, caller: CallerDep, now: NowDep) -> TaskOut:
    """Done, in the owner's name. Final; a repeat changes nothing."""
    person = await access.person_acting(session, caller, userid=body.person)
    task = await service.complete(session, task_id=TaskId(task_id), person=person, note=body.note, via=REST, now=now)
    return await presentation.task(session, task)


@router.post("/{task_id}/cancel", dependencies=WRITE, responses=problems(403, 404, 409))
async def cancel_task(
    task_id: UUID, body: Cancellation, session: SessionDep, caller: CallerDep, now: NowDep
) -> TaskOut:
    """Take it back, in the name of the assigner or of somebody who may assign tasks in the whole company. Without a
    person, with a key that has `admin:write`. Final.
    """
    if body.person is None and not allows(caller.scopes, "admin:write"):
        raise MissingScope(
            "不写由谁取消时，接口密钥要有 admin:write 权限",
            "Without a person, the API key needs the scope admin:write",
            scope="admin:write",
        )
    task = await service.cancel(
        session,
        task_id=TaskId(task_id),
        person=await access.person_acting(session, caller, userid=body.person) if body.person else None,
        actor=None if body.person else caller.actor,
        note=body.note,
        via=REST,
        now=now,
    )
    return await presentation.task(session, task)
