"""Use cases of people: assign, accept, report progress, say what is in the way, complete, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.events.service import catalogue
from app.observability import get_logger
from app.org import service as org
from app.org.service import NamedPerson
from app.tasks import messages, queries, reminders, rules
from app.tasks.assign import Assignment, AssignmentAhead, assign, look_ahead
from app.tasks.context import NewEntry, TaskContext, load, show, show_end, write
from app.tasks.errors import NotYourTask, TaskFinished
from app.tasks.queries import TASKS_SORTED
from app.tasks.rules import Moved, TaskAction, TaskPurpose, Told
from app.tasks.sheet import task_lines, task_sheet
from app.tasks.shown import FollowedTask, TaskLine, TaskList, TaskPage, follow, tasks_of, tasks_seen
from app.tasks.sight import assigns_everywhere
from models.delivery import CardClick
from models.ids import PersonId, TaskId
from models.org import Person
from models.tasks import Task, TaskState

__all__ = [
    "TASKS_SORTED",
    "Assignment",
    "AssignmentAhead",
    "CancellationAhead",
    "FollowedTask",
    "ProgressReport",
    "TaskAction",
    "TaskLine",
    "TaskList",
    "TaskPage",
    "accept",
    "assign",
    "block",
    "cancel",
    "cancellation_ahead",
    "complete",
    "follow",
    "look_ahead",
    "report_progress",
    "task_lines",
    "task_sheet",
    "tasks_of",
    "tasks_seen",
]

log = get_logger()

CARD = "card"

RULES = {
    TaskAction.ACCEPT: "task.accept",
    TaskAction.PROGRESS: "task.progress",
    TaskAction.BLOCK: "task.progress",
    TaskAction.COMPLETE: "task.done",
    TaskAction.CANCEL: "task.assign",
}
EVENTS = {
    TaskAction.ACCEPT: catalogue.TaskAccepted,
    TaskAction.PROGRESS: catalogue.TaskProgressed,
    TaskAction.BLOCK: catalogue.TaskBlocked,
    TaskAction.COMPLETE: catalogue.TaskDone,
    TaskAction.CANCEL: catalogue.TaskCancelled,
}


async def accept(
    session: AsyncSession, *, task_id: TaskId, person: Person, via: str, now: datetime, click: CardClick | None = None
) -> Task:
    """The owner takes it on (policy 4.2), or goes on after a difficulty. A repeat only renews the card."""
    return await _act(session, task_id, _Act(TaskAction.ACCEPT, via, person, click=click), now)


@dataclass(frozen=True)
class ProgressReport:
    percent: int
    note: str = ""


async def report_progress(
    session: AsyncSession,
    report: ProgressReport,
    *,
    task_id: TaskId,
    person: Person,
    via: str,
    now: datetime,
    click: CardClick | None = None,
) -> Task:
    """Policy 4.3. The owner's report also accepts. 100 % is not yet done: completing is said by itself."""
    act = _Act(TaskAction.PROGRESS, via, person, report.note, report.percent, click)
    return await _act(session, task_id, act, now)


async def block(
    session: AsyncSession,
    *,
    task_id: TaskId,
    person: Person,
    via: str,
    now: datetime,
    note: str = "",
    click: CardClick | None = None,
) -> Task:
    """Policy 4.2, 4.3: it cannot be done, or help is needed. The assigner hears it."""
    return await _act(session, task_id, _Act(TaskAction.BLOCK, via, person, note, click=click), now)


async def complete(
    session: AsyncSession,
    *,
    task_id: TaskId,
    person: Person,
    via: str,
    now: datetime,
    note: str = "",
    click: CardClick | None = None,
) -> Task:
    """The owner says that what counts as done is there. Final."""
    return await _act(session, task_id, _Act(TaskAction.COMPLETE, via, person, note, click=click), now)


async def cancel(
    session: AsyncSession,
    *,
    task_id: TaskId,
    person: Person | None,
    actor: Actor | None,
    via: str,
    now: datetime,
    note: str = "",
) -> Task:
    """The assigner takes it back, or whoever may assign in the whole company. Final.

    `person` None: a key that speaks in nobody's name, `actor`, whose scopes were asked.
    """
    return await _act(session, task_id, _Act(TaskAction.CANCEL, via, person, note, actor=actor), now)


@dataclass(frozen=True)
class CancellationAhead:
    """Who would hear that a task is taken back."""

    owner: NamedPerson | None
    """Whose card shows it."""
    told: Sequence[NamedPerson]
    """Who gets a text."""


async def cancellation_ahead(
    session: AsyncSession, task_id: TaskId, *, person: Person, now: datetime
) -> CancellationAhead:
    """Nothing is written. Raises `TaskNotFound`, `NotYourTask`, `TaskFinished`."""
    context = await load(session, await queries.task(session, task_id))
    act = _Act(TaskAction.CANCEL, "", person)
    await _check_may(session, context, act, now)
    if not rules.is_open(context.task):
        raise TaskFinished("任务已经结束，不能再取消", f"The task is {context.task.state.value} already")
    told = _heard_by(context, act)
    named = await org.named_people(session, [context.owner.id, *told])
    return CancellationAhead(named.get(context.owner.id), [named[one] for one in told if one in named])


# ---------------------------------------------------------------- one way for all of them


@dataclass(frozen=True)
class _Act:
    action: TaskAction
    via: str
    person: Person | None
    note: str = ""
    progress: int | None = None
    click: CardClick | None = None
    actor: Actor | None = None

    def told(self, task: Task) -> Told:
        by_owner = self.person is not None and self.person.id == task.owner_id
        return Told(self.action, by_owner, self.progress, self.note, by_card=self.via == CARD)

    def entry(self, event: type[catalogue.TaskEvent]) -> NewEntry:
        event_id = self.click.event_id if self.click else None
        return NewEntry(event, RULES[self.action], self.via, self.person, self.actor, self.note, event_id)


async def _act(session: AsyncSession, task_id: TaskId, act: _Act, now: datetime) -> Task:
    """Lock, check, move, write down, tell. A click that comes again does nothing at all (P2)."""
    task = await queries.task_for_update(session, task_id)
    if act.click is not None and await _was_heard(session, task, act.click):
        return task
    context = await load(session, task)
    await _check_may(session, context, act, now)
    told = act.told(task)
    moved = rules.move(task, told)
    entry = act.entry(_event(task, act))
    if moved is not None:
        _apply(task, moved, now)
        await write(session, context, entry, now=now)
        await _stop_asking(session, context, told)
        await _tell(session, context, act, entry, now)
        log.info("task.moved", task_id=str(task_id), to=entry.kind, via=act.via)
    if moved is not None and act.action is TaskAction.CANCEL and PersonId(context.owner.id) in _heard_by(context, act):
        await show_end(session, context, actor=entry.done_by, now=now)
    elif moved is not None or act.click is not None:
        await show(session, context, click=act.click, actor=entry.done_by, now=now)
    return task


async def _was_heard(session: AsyncSession, task: Task, click: CardClick) -> bool:
    """Its code is spent, or its event stands in an entry: its transaction has been committed before."""
    return click.spent_at is not None or await queries.was_heard(session, task.id, click.event_id)


async def _check_may(session: AsyncSession, context: TaskContext, act: _Act, now: datetime) -> None:
    if act.person is None:
        if act.actor is None:
            raise NotYourTask("要说明由谁操作", "Say who acts")
        return
    rules.check_may(
        context.task,
        act.action,
        person_id=act.person.id,
        collaborators={person.id for person in context.collaborators},
        assigns_everywhere=act.action is TaskAction.CANCEL and await assigns_everywhere(session, act.person, now=now),
    )


def _event(task: Task, act: _Act) -> type[catalogue.TaskEvent]:
    again = act.action is TaskAction.ACCEPT and task.accepted_at is not None
    return catalogue.TaskResumed if again else EVENTS[act.action]


def _apply(task: Task, moved: Moved, now: datetime) -> None:
    task.state, task.progress, task.updated_at = moved.state, moved.progress, now
    if moved.state is TaskState.ACCEPTED and task.accepted_at is None:
        task.accepted_at = now
    if moved.state is TaskState.DONE:
        task.done_at = now


async def _stop_asking(session: AsyncSession, context: TaskContext, told: Told) -> None:
    if not rules.is_open(context.task):
        await reminders.cancel_timers(session, context)
    elif told.by_owner:
        # Policy 4.2: whatever the owner said, they have answered.
        await reminders.cancel_acceptance(session, context)


async def _tell(session: AsyncSession, context: TaskContext, act: _Act, entry: NewEntry, now: datetime) -> None:
    """The assigner hears of acceptance, difficulties and the end; the owner and the collaborators of a cancellation."""
    text = _text(session, context, act, entry)
    if text is None:
        return
    await delivery.tell(
        session,
        context.header(TaskPurpose(entry.event.type), context.why(entry.rule_key, entry.done_by)),
        _heard_by(context, act),
        text,
        now=now,
    )


def _heard_by(context: TaskContext, act: _Act) -> list[PersonId]:
    """Each once. Whoever acts knows it already."""
    is_cancelled = act.action is TaskAction.CANCEL
    people = [context.owner, context.assigner, *context.collaborators] if is_cancelled else [context.assigner]
    ids = dict.fromkeys(PersonId(one.id) for one in people)
    return [one for one in ids if act.person is None or one != act.person.id]


def _text(session: AsyncSession, context: TaskContext, act: _Act, entry: NewEntry) -> str | None:
    name = act.person.name if act.person else ""
    match act.action:
        case TaskAction.ACCEPT:
            again = entry.event is catalogue.TaskResumed
            return messages.accepted(context.task, person=name, again=again, zone=calendars.timezone_of(session))
        case TaskAction.BLOCK:
            return messages.blocked(
                context.task, person=name, note=act.note, citation=context.policy.cite(entry.rule_key)
            )
        case TaskAction.COMPLETE:
            return messages.done(context.task, person=name, note=act.note)
        case TaskAction.CANCEL:
            return messages.cancelled(context.task, person=name, note=act.note)
        case TaskAction.PROGRESS:
            return None
