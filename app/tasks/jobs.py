"""Background entry points: the buttons of the card, the reminders, the deadline."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.cards.service import CardAction, ClickedCard
from app.jobs.job import TimerHandler
from app.tasks import messages, service
from app.tasks import reminders as follow_up
from app.tasks.rules import HALF
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
    await follow_up.remind_to_accept(session, subject=subject, now=now)


async def remind_of_deadline(session: AsyncSession, subject: str, now: datetime) -> None:
    await follow_up.remind_of_deadline(session, subject=subject, now=now)


async def tell_overdue(session: AsyncSession, subject: str, now: datetime) -> None:
    await follow_up.tell_overdue(session, subject=subject, now=now)


async def escalate(session: AsyncSession, subject: str, now: datetime) -> None:
    await follow_up.escalate(session, subject=subject, now=now)


CARD_ACTIONS: dict[str, CardAction] = {
    messages.ACCEPT: accept,
    messages.PROGRESS: progress,
    messages.BLOCKED: block,
    messages.DONE: complete,
}
TIMERS: dict[str, TimerHandler] = {
    follow_up.ACCEPT_DUE: remind_to_accept,
    follow_up.REMIND: remind_of_deadline,
    follow_up.OVERDUE: tell_overdue,
    follow_up.ESCALATE: escalate,
}
