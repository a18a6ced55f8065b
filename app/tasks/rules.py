"""The life of a task, and who may do what to it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.org.rules import may_act, why_not
from app.policy.schema import PolicyDocument
from app.quotes import quoted
from app.tasks.errors import (
    DueInThePast,
    GroupTakesNoTasks,
    NotYourTask,
    OwnerNotEmployed,
    TaskFinished,
    TaskGroupNotActive,
)
from models.groups import Group, GroupState
from models.org import Person
from models.tasks import Task, TaskState

WORK = "work"
"""The policy's message class of everything that is said about tasks."""


class TaskPurpose(StrEnum):
    """What a message about a task is for. After what somebody does, it is called as the event."""

    CARD = "task.card"
    COLLABORATION = "task.collaboration"
    GROUP_TEXT = "task.group_text"
    REMINDER = "task.reminder"
    OVERDUE = "task.overdue"
    ESCALATION = "task.escalation"
    HANDED_OVER = "task.handed_over"
    ACCEPTED = "task.accepted"
    RESUMED = "task.resumed"
    BLOCKED = "task.blocked"
    DONE = "task.done"
    CANCELLED = "task.cancelled"


RANKS: dict[TaskPurpose, int] = {
    TaskPurpose.REMINDER: 0,
    TaskPurpose.OVERDUE: 2,
    TaskPurpose.ESCALATION: 3,
    TaskPurpose.HANDED_OVER: 4,
}
"""Of what falls due together for one person and one task, the highest is said: it says the others as well."""


class EntryDetails(BaseModel):
    """What an entry of a task says beyond its columns (`task_entries.details`); only what was set is stored."""

    model_config = ConfigDict(frozen=True)

    message_id: UUID | None = None
    """The reminder that was sent."""
    to: str | None = None
    """Whom the policy names for the escalation."""
    people: list[UUID] | None = None
    """Who that was."""
    former_owner_id: UUID | None = None
    """Who had the task before a hand-over."""
    owner_id: UUID | None = None
    """Who has it since."""

    def dump(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True)


HALF = 50
"""What the card's button for progress means: a button carries no number."""

FINISHED = 100


class TaskAction(StrEnum):
    ACCEPT = "accept"
    PROGRESS = "progress"
    BLOCK = "block"
    COMPLETE = "complete"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Stays:
    """Nothing happens, on purpose."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """It cannot happen any more. A card that still shows the button only gets its new face."""

    reason: str


_DONE = "任务已经完成"
_CANCELLED = "任务已经取消"

TRANSITIONS: Mapping[TaskState, Mapping[TaskAction, TaskState | Stays | Refused]] = {
    # Who reports, or says what is in the way, has answered (4.2): nothing is to be accepted besides.
    TaskState.ASSIGNED: {
        TaskAction.ACCEPT: TaskState.ACCEPTED,
        TaskAction.PROGRESS: TaskState.ACCEPTED,
        TaskAction.BLOCK: TaskState.BLOCKED,
        TaskAction.COMPLETE: TaskState.DONE,
        TaskAction.CANCEL: TaskState.CANCELLED,
    },
    TaskState.ACCEPTED: {
        TaskAction.ACCEPT: Stays("任务已经接受"),
        TaskAction.PROGRESS: TaskState.ACCEPTED,
        TaskAction.BLOCK: TaskState.BLOCKED,
        TaskAction.COMPLETE: TaskState.DONE,
        TaskAction.CANCEL: TaskState.CANCELLED,
    },
    # Accepting, or reporting progress, means that the work goes on.
    TaskState.BLOCKED: {
        TaskAction.ACCEPT: TaskState.ACCEPTED,
        TaskAction.PROGRESS: TaskState.ACCEPTED,
        TaskAction.BLOCK: TaskState.BLOCKED,
        TaskAction.COMPLETE: TaskState.DONE,
        TaskAction.CANCEL: TaskState.CANCELLED,
    },
    TaskState.DONE: {
        TaskAction.ACCEPT: Stays(_DONE),
        TaskAction.PROGRESS: Refused(_DONE),
        TaskAction.BLOCK: Refused(_DONE),
        TaskAction.COMPLETE: Stays(_DONE),
        TaskAction.CANCEL: Refused(_DONE),
    },
    TaskState.CANCELLED: {
        TaskAction.ACCEPT: Refused(_CANCELLED),
        TaskAction.PROGRESS: Refused(_CANCELLED),
        TaskAction.BLOCK: Refused(_CANCELLED),
        TaskAction.COMPLETE: Refused(_CANCELLED),
        TaskAction.CANCEL: Stays(_CANCELLED),
    },
}


@dataclass(frozen=True)
class Told:
    """What somebody says about a task."""

    action: TaskAction
    by_owner: bool
    progress: int | None = None
    note: str = ""
    by_card: bool = False


@dataclass(frozen=True)
class Moved:
    """How a task stands after what was told."""

    state: TaskState
    progress: int


def move(task: Task, told: Told) -> Moved | None:
    """Where the task goes; None when nothing is to happen. Raises `TaskFinished`."""
    target = TRANSITIONS[task.state][told.action]
    if isinstance(target, Refused) and not told.by_card:
        raise TaskFinished(target.reason, f"The task is {task.state.value}")
    if not isinstance(target, TaskState):
        return None
    moved = Moved(_state(task, told, target), _progress(task, told))
    if moved == Moved(task.state, task.progress) and not told.note:
        return None  # a repeat: the same word again, and nothing new in it
    return moved


def _state(task: Task, told: Told, target: TaskState) -> TaskState:
    """A collaborator's progress is written down; it neither accepts for the owner nor ends the owner's difficulty."""
    return task.state if told.action is TaskAction.PROGRESS and not told.by_owner else target


def _progress(task: Task, told: Told) -> int:
    if told.action is TaskAction.COMPLETE:
        return FINISHED
    if told.progress is None:
        return task.progress
    # A card can only say "half": it never takes back what was reported in numbers.
    return max(task.progress, told.progress) if told.by_card else told.progress


def offered(task: Task) -> list[TaskAction]:
    """What the owner's card still has buttons for. A finished task's card has none."""
    if not is_open(task):
        return []
    accept = [] if task.state is TaskState.ACCEPTED else [TaskAction.ACCEPT]
    progress = [TaskAction.PROGRESS] if task.progress < HALF else []
    block = [] if task.state is TaskState.BLOCKED else [TaskAction.BLOCK]
    return [*accept, *progress, TaskAction.COMPLETE, *block]


ENDED = frozenset({TaskState.DONE, TaskState.CANCELLED})


def is_open(task: Task) -> bool:
    return task.state not in ENDED


def is_late(task: Task) -> bool:
    return task.done_at is not None and task.done_at > task.due_at


def check_may(
    task: Task,
    action: TaskAction,
    *,
    person_id: UUID,
    collaborators: Collection[UUID],
    assigns_everywhere: bool = False,
) -> None:
    """Policy 4.1, 4.3: the responsible person accepts and completes; collaborators report, too. Whoever may assign in
    the whole company (`assigns_everywhere`) takes back everybody's tasks, others what they have assigned.
    """
    if action is TaskAction.CANCEL:
        if person_id != task.assigner_id and not assigns_everywhere:
            raise NotYourTask(
                "只有布置人和可以在全公司布置任务的人可以取消任务",
                "Only the assigner, and whoever may assign tasks in the whole company, can cancel a task",
            )
    elif action in {TaskAction.PROGRESS, TaskAction.BLOCK}:
        if person_id != task.owner_id and person_id not in collaborators:
            raise NotYourTask(
                "只有责任人和协作人可以报告这个任务", "Only the owner and the collaborators can report about this task"
            )
    elif person_id != task.owner_id:
        raise NotYourTask("只有责任人可以接受和完成任务", "Only the owner can accept and complete a task")


def check_due(due_at: datetime, now: datetime) -> None:
    if due_at <= now:
        raise DueInThePast("任务期限要晚于现在", "The due time has to be in the future")


def check_owner(owner: Person) -> None:
    if not may_act(owner):
        raise OwnerNotEmployed(
            f"{owner.name} 的账号{why_not(owner)}，不能负责任务",
            f"The account of {owner.name} is {owner.status.value}: they cannot own a task",
        )


def check_group(document: PolicyDocument, group: Group) -> None:
    """Policy 4.1: published in its group; 3.2: as work, where the type of group takes work."""
    if group.state is not GroupState.ACTIVE:
        raise TaskGroupNotActive(
            f"群{quoted(group.desired_name)}现在不能发消息，任务不能布置到这个群",
            f"The group {quoted(group.desired_name)} takes no tasks: it is {group.state.value}",
            state=group.state.value,
        )
    group_type = document.groups.types.get(group.group_type)
    if group_type is not None and WORK not in group_type.allowed_classes:
        raise GroupTakesNoTasks(
            f"{group_type.title}{quoted(group.desired_name)}不发布工作信息",
            f"The group {quoted(group.desired_name)} ({group_type.title}) takes no work",
        )
