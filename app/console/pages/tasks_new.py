"""布置任务: a task as somebody assigns it, with who is told what before anybody is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from app import addresses
from app.audit.why import About
from app.errors import DomainError
from app.org import service as org
from app.org.errors import PersonUnknown
from app.pages.drawing.catalogue import phrase
from app.pages.errors import FaultyForm
from app.pages.forms import (
    EMPTY,
    Done,
    Form,
    Outcome,
    SubmissionDep,
    at_fields,
    check_seen,
    moment_of,
    refused,
    seen_of,
)
from app.pages.people import chosen_groups, chosen_people
from app.pages.route import page_router
from app.pages.visit import Visit, visits
from app.permissions import Permission
from app.tasks import service as tasks
from app.tasks.errors import DueInThePast, GroupTakesNoTasks, OwnerNotEmployed, TaskGroupNotActive, UnknownGroup
from app.tasks.service import Assignment, AssignmentAhead
from app.web.problems import status_of
from app.web.schemas import Userid
from models.audit import ObjectKind
from models.org import Person

NEW: Final = f"{addresses.CONSOLE_TASKS}/new"
VIA: Final = "page"

router = page_router(NEW)

AssigningVisit = Annotated[Visit, visits(addresses.CONSOLE_TASKS, Permission.TASK_ASSIGN)]

FIELDS: Final[dict[type[DomainError], str]] = {
    DueInThePast: "due_at",
    OwnerNotEmployed: "owner",
    UnknownGroup: "group",
    TaskGroupNotActive: "group",
    GroupTakesNoTasks: "group",
}
"""At which field a refusal stands."""


class Wanted(BaseModel):
    """What somebody writes (policy 4.1)."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    acceptance: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""
    due_at: datetime
    """As the company's clocks show it."""
    owner: Userid
    collaborators: Annotated[list[Userid], Field(max_length=100)] = []
    group: UUID | None = None


@router.get("")
async def write(
    visit: AssigningVisit,
    owner: Annotated[str, Query(max_length=64)] = "",
    group: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """With somebody or a group chosen already, from whose page one came."""
    chosen = {name: [value] for name, value in {"owner": owner, "group": group}.items() if value}
    return await _drawn(visit, Form(lists=chosen))


@router.post("")
async def assign(visit: AssigningVisit, submission: SubmissionDep) -> Response:
    """First who would be told what; then, with the button that says it, they are."""
    submission.check(visit)
    if submission.form.value("step") == "find":
        return await _drawn(visit, submission.form)
    if submission.form.value("step") != "assign":
        return await _looked_ahead(visit, submission.form)

    async def act() -> Done:
        wanted = await _wanted(visit, submission.form)
        with at_fields(visit, FIELDS):
            ahead = await tasks.look_ahead(visit.session, wanted, now=visit.now)
            check_seen(submission.form, Wanted.model_fields, _outcome(visit, ahead))
            task = await tasks.assign(visit.session, wanted, actor=visit.viewer.actor, now=visit.now)
        is_seen = await visit.may(Permission.TASK_READ, About(ObjectKind.TASK, task.id))
        where = addresses.console_task(task.id) if is_seen else addresses.me_task(task.id)
        return Done(where, visit.say(phrase("任务已布置。")))

    async def again(form: Form, status: int) -> Response:
        return await _looked_ahead(visit, form, status)

    return await submission.carry_out(visit, act, again=again)


def _outcome(visit: Visit, ahead: AssignmentAhead) -> Outcome:
    return {
        visit.say(phrase("责任人")): ahead.owner.name,
        visit.say(phrase("协作人")): "、".join(one.name for one in ahead.collaborators),
        visit.say(phrase("群")): ahead.group,
    }


async def _looked_ahead(visit: Visit, form: Form, status: int = 200) -> Response:
    try:
        wanted = await _wanted(visit, form)
        with at_fields(visit, FIELDS):
            ahead = await tasks.look_ahead(visit.session, wanted, now=visit.now)
    except DomainError as refusal:
        return await _drawn(visit, await refused(visit, form, refusal), status_of(type(refusal)))
    return await _drawn(visit, form, status, ahead=ahead)


async def _wanted(visit: Visit, form: Form) -> Assignment:
    """What was typed, when all of it is within reach. Raises `FaultyForm`."""
    given = form.read(Wanted, visit)
    with at_fields(visit, {PersonUnknown: "owner"}):
        owner = await org.person_named(visit.session, given.owner)
    with at_fields(visit, {PersonUnknown: "collaborators"}):
        collaborators = await org.people_named(visit.session, given.collaborators)
    await _check_people(visit, "owner", [owner])
    await _check_people(visit, "collaborators", collaborators)
    if given.group is not None:
        await _check_group(visit, given.group)
    return Assignment(
        title=given.title,
        acceptance=given.acceptance,
        description=given.description,
        assigner=visit.viewer.person,
        owner=owner,
        collaborators=collaborators,
        group_id=given.group,
        due_at=moment_of(visit, "due_at", given.due_at),
        via=VIA,
    )


async def _check_people(visit: Visit, field: str, people: Sequence[Person]) -> None:
    """Heads assign to whom their department has, administrators of a group to whom it has (D21)."""
    sight = visit.sight(Permission.TASK_ASSIGN)
    if outside := await org.people_outside(visit.session, sight, people):
        names = "、".join(one.name for one in outside)
        said = visit.say(phrase("您不能给这些人布置任务：{names}"), names=names)
        raise FaultyForm(f"您不能给这些人布置任务：{names}", f"You may not give tasks to {names}", faults={field: said})


async def _check_group(visit: Visit, group_id: UUID) -> None:
    if not await visit.may(Permission.TASK_ASSIGN, About(ObjectKind.GROUP, group_id)):
        said = visit.say(phrase("您不能在这个群里布置任务"))
        raise FaultyForm("您不能在这个群里布置任务", "You may not assign tasks in this group", faults={"group": said})


async def _drawn(
    visit: Visit, form: Form = EMPTY, status: int = 200, *, ahead: AssignmentAhead | None = None
) -> Response:
    return visit.draw(
        "console/task_new.html",
        status=status,
        form=form,
        ahead=ahead,
        seen=seen_of(form, Wanted.model_fields, _outcome(visit, ahead)) if ahead else "",
        owner=await chosen_people(visit, form, "owner"),
        collaborators=await chosen_people(visit, form, "collaborators"),
        groups=await chosen_groups(visit, form, "group", visit.sight(Permission.TASK_ASSIGN)),
    )
