"""What happens to announcements and to tasks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.events.event import AnnouncementRef, Event, PersonRef, TaskRef
from models.audit import ObjectKind


class AnnouncementEvent(Event):
    """Something that happened to an announcement."""

    about_kind = ObjectKind.ANNOUNCEMENT
    about_field = "announcement_id"

    announcement_id: AnnouncementRef


class TaskEvent(Event):
    """Something that happened to a task."""

    about_kind = ObjectKind.TASK
    about_field = "task_id"

    task_id: TaskRef
    progress: Annotated[int, Field(examples=[40], description="In percent, after this")]


class AnnouncementPublished(AnnouncementEvent):
    """An announcement was published, and its audience is fixed."""

    type = "announcement.published"

    audience: Annotated[int, Field(examples=[120], description="How many people it is for")]
    message_class: Annotated[str, Field(examples=["work"], description="A class of the policy")]


class ReceiptConfirmed(AnnouncementEvent):
    """Somebody confirmed an announcement."""

    type = "announcement.confirmed"

    person_id: PersonRef
    late: Annotated[bool, Field(examples=[False], description="After the deadline")]


class ReceiptEscalated(AnnouncementEvent):
    """Somebody had not confirmed long after their deadline: their superior was told, or nobody stands above them."""

    type = "announcement.escalated"

    person_id: PersonRef
    told: Annotated[int, Field(examples=[1], description="How many superiors were told")]


class AnnouncementClosed(AnnouncementEvent):
    """The deadline has passed and the list of receipts is final."""

    type = "announcement.closed"

    audience: Annotated[int, Field(examples=[120])]
    confirmed: Annotated[int, Field(examples=[118])]


class TaskAssigned(TaskEvent):
    """Somebody was made responsible for a task."""

    type = "task.assigned"

    owner_id: PersonRef


class TaskAccepted(TaskEvent):
    """The responsible person accepted the task."""

    type = "task.accepted"


class TaskProgressed(TaskEvent):
    """Somebody reported progress."""

    type = "task.progressed"


class TaskBlocked(TaskEvent):
    """Somebody reported that the task cannot go on."""

    type = "task.blocked"


class TaskResumed(TaskEvent):
    """A blocked task goes on."""

    type = "task.resumed"


class TaskReminded(TaskEvent):
    """The responsible person was reminded."""

    type = "task.reminded"


class TaskOverdue(TaskEvent):
    """The deadline has passed and the task is not done."""

    type = "task.overdue"


class TaskEscalated(TaskEvent):
    """An overdue task was brought before a superior."""

    type = "task.escalated"


class TaskDone(TaskEvent):
    """The task is done."""

    type = "task.done"


class TaskCancelled(TaskEvent):
    """The task is needed no more."""

    type = "task.cancelled"


class TaskHandedOver(TaskEvent):
    """The responsible person left, and somebody else has the task now."""

    type = "task.handed_over"

    former_owner_id: Annotated[PersonRef, Field(examples=["019a0000-0000-7000-8000-000000000002"])]
    owner_id: PersonRef


__all__ = [
    "AnnouncementClosed",
    "AnnouncementPublished",
    "ReceiptConfirmed",
    "ReceiptEscalated",
    "TaskAccepted",
    "TaskAssigned",
    "TaskBlocked",
    "TaskCancelled",
    "TaskDone",
    "TaskEscalated",
    "TaskEvent",
    "TaskHandedOver",
    "TaskOverdue",
    "TaskProgressed",
    "TaskReminded",
    "TaskResumed",
]
