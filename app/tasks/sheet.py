"""Tasks as a file: what a table of them shows, all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import service as calendars
from app.database import portions_of
from app.spreadsheets.columns import Column, Sheet, moment, number, person, words
from app.tasks.queries import TASKS_SORTED, TaskFilter, matching
from app.tasks.shown import TaskLine, lines_of
from models.tasks import TaskState

STATES: Final = {
    TaskState.ASSIGNED: ("待接受", "to be accepted"),
    TaskState.ACCEPTED: ("进行中", "under way"),
    TaskState.BLOCKED: ("遇到困难", "blocked"),
    TaskState.DONE: ("已完成", "done"),
    TaskState.CANCELLED: ("已取消", "cancelled"),
}
_YES_OR_NO: Final = {True: ("是", "yes"), False: ("否", "no")}


def task_sheet(session: AsyncSession, *, in_english: bool) -> Sheet[TaskLine]:
    columns: list[Column[TaskLine]] = [
        number("编号", "Number", lambda line: line.number),
        words("任务", "Task", lambda line: line.title, width=40),
        *person(lambda line: line.owner, role="负责人", english="Owner"),
        *person(lambda line: line.assigner, role="布置人", english="Assigner"),
        words("状态", "State", lambda line: STATES[line.state][in_english]),
        number("进度（%）", "Progress (%)", lambda line: line.progress),
        moment("截止", "Due", lambda line: line.due_at),
        words("逾期", "Late", lambda line: _YES_OR_NO[line.is_late][in_english], width=10),
    ]
    return Sheet("tasks" if in_english else "任务", columns, calendars.timezone_of(session), in_english)


async def task_lines(
    session: AsyncSession, wanted: TaskFilter, *, sort: str = "", now: datetime
) -> AsyncIterator[Sequence[TaskLine]]:
    """Everything that the list holds, in its order, a portion at a time."""
    async for part in portions_of(session, TASKS_SORTED.by(sort).apply(matching(wanted))):
        yield await lines_of(session, part, now=now)
