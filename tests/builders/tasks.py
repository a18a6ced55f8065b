"""Tasks for tests, and the words people say about them on their cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import person_actor
from app.tasks import queries, service
from app.tasks.jobs import CARD_ACTIONS
from models.delivery import Delivery, DeliveryState
from models.inbox import ReceivedEvent
from models.org import Person
from models.tasks import Task, TaskState
from tests.builders.approvals import everything_arrives
from tests.builders.clicks import press
from tests.fakes.clock import MONDAY_9AM

FRIDAY_6PM = MONDAY_9AM + timedelta(days=4, hours=9)


async def task(
    session: AsyncSession,
    assigner: Person,
    owner: Person,
    *,
    title: str = "整理验收单",
    description: str = "",
    acceptance: str = "验收单全部勾选并上传",
    collaborators: Sequence[Person] = (),
    group_id: UUID | None = None,
    due_at: datetime = FRIDAY_6PM,
    now: datetime = MONDAY_9AM,
) -> Task:
    wanted = service.Assignment(title, acceptance, assigner, owner, due_at, description, collaborators, group_id)
    return await service.assign(session, wanted, actor=person_actor(assigner.id), now=now)


def a_task(state: TaskState = TaskState.ASSIGNED, *, progress: int = 0, **columns: Any) -> Task:
    """A row without a database, for the rules."""
    return Task(**{"state": state, "progress": progress, **columns})


async def everything_delivered(session: AsyncSession) -> None:
    """The platform has taken what waits, and everybody has it."""
    await everything_arrives(session)
    await session.execute(update(Delivery).values(state=DeliveryState.SENT, reason=""))


async def say(
    session: AsyncSession,
    person: Person,
    word: str,
    task: Task,
    *,
    now: datetime = MONDAY_9AM,
    event: ReceivedEvent | None = None,
) -> None:
    """Press `accept`, `progress`, `blocked` or `done` on the task's card."""
    await press(session, CARD_ACTIONS, person, f"task.{word}:{task.id}", purpose="task.card", now=now, event=event)


async def story_of(session: AsyncSession, task: Task) -> list[tuple[str, int | None]]:
    """What happened to it: kinds and percentages, in order."""
    return [(entry.kind, entry.progress) for entry in await queries.entries_of(session, task.id)]
