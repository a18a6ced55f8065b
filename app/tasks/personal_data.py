"""What the tasks keep about one person (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import case, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kept_data import Kept, KeptRow, Kind
from models.tasks import Task, TaskCollaborator, TaskEntry, TaskState


class TaskRow(KeptRow):
    number: int = Field(title="编号", description="Number")
    title: str = Field(title="任务", description="Task")
    part: str = Field(title="身份", description="Their part")
    state: TaskState = Field(title="状态", description="State")
    progress: int = Field(title="进度", description="Progress in percent")
    due_at: datetime = Field(title="期限", description="Deadline")
    assigned_at: datetime = Field(title="布置", description="Assigned")
    done_at: datetime | None = Field(title="完成", description="Done")


class EntryRow(KeptRow):
    number: int = Field(title="编号", description="Number")
    title: str = Field(title="任务", description="Task")
    kind: str = Field(title="事项", description="What was said")
    progress: int | None = Field(title="进度", description="Progress in percent")
    note: str = Field(title="说明", description="Note")
    via: str = Field(title="途径", description="Channel")
    at: datetime = Field(title="时间", description="When")


TASKS: Final = Kind("tasks", "任务", "Tasks", TaskRow)
ENTRIES: Final = Kind("task_entries", "任务报告", "Reports about tasks", EntryRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    part = case(
        (col(Task.owner_id) == person_id, "owner"),
        (col(Task.assigner_id) == person_id, "assigner"),
        else_="collaborator",
    )
    ids = select(col(Task.id))
    # Each by an index of its own: with OR it would be none.
    theirs = union(
        ids.where(col(Task.owner_id) == person_id),
        ids.where(col(Task.assigner_id) == person_id),
        select(col(TaskCollaborator.task_id)).where(col(TaskCollaborator.person_id) == person_id),
    )
    tasks = (
        select(
            part.label("part"),
            *(getattr(Task, name) for name in TaskRow.model_fields if name != "part"),
        )
        .where(col(Task.id).in_(theirs))
        .order_by(col(Task.number).desc())
    )
    entries = (
        select(
            col(Task.number),
            col(Task.title),
            *(getattr(TaskEntry, name) for name in ("kind", "progress", "note", "via", "at")),
        )
        .join(Task, col(Task.id) == col(TaskEntry.task_id))
        .where(col(TaskEntry.person_id) == person_id)
        .order_by(col(TaskEntry.id).desc())
    )
    return [await TASKS.read(session, tasks), await ENTRIES.read(session, entries)]
