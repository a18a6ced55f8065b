"""Background entry points: the buttons of the card, the reminders, the deadline, a leaver's tasks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.cards.service import CardAction, ClickedCard
from app.database import transaction
from app.departures.service import Departure, DeparturePart, Stage
from app.jobs.job import JobContext, TimerHandler
from app.ladders.service import Speaker
from app.tasks import departures, messages, overdue, queries, reminders, service
from app.tasks.rules import HALF, TaskPurpose
from app.tasks.service import CARD, ProgressReport
from models.ids import TaskId


async def accept(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    task_id = TaskId(UUID(argument))
    await service.accept(session, task_id=task_id, person=clicked.person, via=CARD, now=now, click=clicked.click)


async def progress(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    await service.report_progress(
        session,
        ProgressReport(HALF),
        task_id=TaskId(UUID(argument)),
        person=clicked.person,
        via=CARD,
        now=now,
        click=clicked.click,
    )


async def block(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    task_id = TaskId(UUID(argument))
    await service.block(session, task_id=task_id, person=clicked.person, via=CARD, now=now, click=clicked.click)


async def complete(session: AsyncSession, clicked: ClickedCard, argument: str, now: datetime) -> None:
    task_id = TaskId(UUID(argument))
    await service.complete(session, task_id=task_id, person=clicked.person, via=CARD, now=now, click=clicked.click)


async def remind_to_accept(session: AsyncSession, subject: str, now: datetime) -> None:
    await reminders.remind_to_accept(session, subject=subject, now=now)


async def remind_of_deadline(session: AsyncSession, subject: str, now: datetime) -> None:
    await reminders.remind_of_deadline(session, subject=subject, now=now)


async def tell_overdue(session: AsyncSession, subject: str, now: datetime) -> None:
    await overdue.tell_overdue(session, subject=subject, now=now)


async def escalate(session: AsyncSession, subject: str, now: datetime) -> None:
    await overdue.escalate(session, subject=subject, now=now)


async def hand_over_tasks(ctx: JobContext, departure: Departure) -> None:
    """Give a leaver's open tasks to their leader, one transaction each."""
    async with transaction(ctx.sessions) as session:
        task_ids = await queries.open_tasks_of(session, departure.person_id)
    for task_id in task_ids:
        async with transaction(ctx.sessions) as session:
            await departures.hand_over(session, task_id=task_id, departure=departure, now=ctx.now())


CARD_ACTIONS: dict[str, CardAction] = {
    messages.ACCEPT: accept,
    messages.PROGRESS: progress,
    messages.BLOCKED: block,
    messages.DONE: complete,
}
TIMERS: dict[str, TimerHandler] = {
    reminders.ACCEPT_DUE: remind_to_accept,
    reminders.REMIND: remind_of_deadline,
    reminders.OVERDUE: tell_overdue,
    reminders.ESCALATE: escalate,
}
RUNGS: dict[str, Speaker] = {
    TaskPurpose.REMINDER: reminders.words,
    TaskPurpose.OVERDUE: overdue.overdue_words,
    TaskPurpose.ESCALATION: overdue.escalation_words,
    TaskPurpose.HANDED_OVER: departures.words,
}

DEPARTURE_PARTS = {"tasks": DeparturePart(Stage.WORK, hand_over_tasks)}
