"""REST for tasks: assign, list, look, and what the card can say, with numbers and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.delivery import service as delivery
from app.org import queries as org
from app.org.errors import PersonUnknown
from app.policy import service as policies
from app.tasks import queries, service
from app.tasks.schemas import Cancellation, EntryOut, NewTask, NotedWord, Progress, TaskOut, TaskSummary, Word
from app.tasks.service import Assignment, ProgressReport
from app.web.deps import CallerDep, MissingScope, NowDep, SessionDep, require
from app.web.idempotency import IdempotentRoute
from app.web.pagination import Page, PageDep, paginate
from app.web.problems import problems
from app.web.scopes import allows
from models.ids import PolicyVersionId, TaskId, fold
from models.org import Person
from models.tasks import Task, TaskState

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=IdempotentRoute)

READ = [Depends(require("tasks:read"))]
WRITE = [Depends(require("tasks:write"))]
REST = "rest"


@router.post("", status_code=201, dependencies=WRITE, responses=problems(400, 404, 409))
async def assign_task(body: NewTask, session: SessionDep, caller: CallerDep, now: NowDep) -> TaskOut:
    """Assign a task. The owner gets a card, the collaborators a text, and the group, when one is named, a post."""
    wanted = Assignment(
        title=body.title,
        description=body.description,
        acceptance=body.acceptance,
        assigner=await _person(session, body.assigner),
        owner=await _person(session, body.owner),
        collaborators=await _people(session, body.collaborators),
        group_id=body.group,
        due_at=body.due_at,
    )
    task = await service.assign(session, wanted, actor=caller.actor, now=now)
    return await _shown(session, task)


@router.get("", dependencies=READ, responses=problems(400, 404))
async def list_tasks(
    session: SessionDep,
    page: PageDep,
    owner: Annotated[str | None, Query(description="userid")] = None,
    assigner: Annotated[str | None, Query(description="userid")] = None,
    state: TaskState | None = None,
    group: Annotated[UUID | None, Query(description="id of a registered group")] = None,
    updated_since: AwareDatetime | None = None,
) -> Page[TaskSummary]:
    """Tasks, the latest change first."""
    statement = queries.tasks(
        owner_id=(await _person(session, owner)).id if owner else None,
        assigner_id=(await _person(session, assigner)).id if assigner else None,
        group_id=group,
        state=state,
        updated_since=updated_since,
    )
    rows, next_cursor = await paginate(session, statement, col(Task.updated_at), col(Task.id), page=page)
    userids = await org.last_userids_of(session, {id_ for row in rows for id_ in (row.owner_id, row.assigner_id)})
    return Page(items=[TaskSummary.of(row, userids) for row in rows], next_cursor=next_cursor)


@router.get("/{task_id}", dependencies=READ, responses=problems(404))
async def get_task(task_id: UUID, session: SessionDep) -> TaskOut:
    """One task with everything that happened to it, and the clause it rests on."""
    return await _shown(session, await queries.task(session, TaskId(task_id)))


@router.post("/{task_id}/accept", dependencies=WRITE, responses=problems(403, 404, 409))
async def accept_task(task_id: UUID, body: Word, session: SessionDep, now: NowDep) -> TaskOut:
    """Accept in the owner's name. A repeat changes nothing."""
    person = await _person(session, body.person)
    task = await service.accept(session, task_id=TaskId(task_id), person=person, via=REST, now=now)
    return await _shown(session, task)


@router.post("/{task_id}/progress", dependencies=WRITE, responses=problems(403, 404, 409))
async def report_progress(task_id: UUID, body: Progress, session: SessionDep, now: NowDep) -> TaskOut:
    """Report progress in the name of the owner or a collaborator."""
    person = await _person(session, body.person)
    report = ProgressReport(body.progress, body.note)
    task = await service.report_progress(session, report, task_id=TaskId(task_id), person=person, via=REST, now=now)
    return await _shown(session, task)


@router.post("/{task_id}/blocked", dependencies=WRITE, responses=problems(403, 404, 409))
async def report_difficulty(task_id: UUID, body: NotedWord, session: SessionDep, now: NowDep) -> TaskOut:
    """Say what is in the way, in the name of the owner or a collaborator. The assigner is told."""
    person = await _person(session, body.person)
    task = await service.block(session, task_id=TaskId(task_id), person=person, note=body.note, via=REST, now=now)
    return await _shown(session, task)


@router.post("/{task_id}/done", dependencies=WRITE, responses=problems(403, 404, 409))
async def complete_task(task_id: UUID, body: NotedWord, session: SessionDep, now: NowDep) -> TaskOut:
    """Done, in the owner's name. Final; a repeat changes nothing."""
    person = await _person(session, body.person)
    task = await service.complete(session, task_id=TaskId(task_id), person=person, note=body.note, via=REST, now=now)
    return await _shown(session, task)


@router.post("/{task_id}/cancel", dependencies=WRITE, responses=problems(403, 404, 409))
async def cancel_task(
    task_id: UUID, body: Cancellation, session: SessionDep, caller: CallerDep, now: NowDep
) -> TaskOut:
    """Take it back, in the assigner's name or as an administrator. Final."""
    if body.person is None and not allows(caller.scopes, "admin:write"):
        raise MissingScope("不写布置人时，接口密钥要有 admin:write 权限", scope="admin:write")
    task = await service.cancel(
        session,
        task_id=TaskId(task_id),
        person=await _person(session, body.person) if body.person else None,
        actor=None if body.person else caller.actor,
        note=body.note,
        via=REST,
        now=now,
    )
    return await _shown(session, task)


async def _shown(session: AsyncSession, row: Task) -> TaskOut:
    policy = await policies.get(session, PolicyVersionId(row.policy_version_id))
    entries = await queries.entries_of(session, row.id)
    helpers = [person.id for person in await queries.collaborators_of(session, row.id)]
    acting = {entry.person_id for entry in entries if entry.person_id}
    userids = await org.last_userids_of(session, {row.owner_id, row.assigner_id, *helpers, *acting})
    counts = (await delivery.summarize(session, message_id=row.card_message_id))[1] if row.card_message_id else {}
    return TaskOut(
        **TaskSummary.columns_of(row, userids),
        description=row.description,
        acceptance=row.acceptance,
        collaborators=[userids.get(person_id, "") for person_id in helpers],
        entries=[EntryOut.of(entry, userids) for entry in entries],
        reminders_delivered=await queries.reminders_delivered(session, row.id),
        delivery={state.value: count for state, count in counts.items()},
        rule_key=row.rule_key,
        clause=policy.cite(row.rule_key).clause,
        policy_version=policy.number,
        correlation_id=row.correlation_id,
    )


async def _person(session: AsyncSession, userid: str) -> Person:
    return (await _people(session, [userid]))[0]


async def _people(session: AsyncSession, userids: Sequence[str]) -> list[Person]:
    found = await org.people_by_userids(session, userids)
    if missing := [userid for userid in userids if fold(userid) not in found]:
        raise PersonUnknown(f"没有账号为 {'、'.join(missing)} 的成员", userid=missing[0])
    return list(found.values())
