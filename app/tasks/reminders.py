"""What happens to a task by itself: a reminder to accept it, the ladder before it is due, who hears when it is late."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.events.service import catalogue
from app.jobs.timers import cancel_timer, set_timer
from app.tasks import messages, queries, rules
from app.tasks.context import NewEntry, TaskContext, load, write
from app.tasks.rules import TaskPurpose
from models.ids import TaskId

ACCEPT_DUE = "task.accept_due"
REMIND = "task.remind"
OVERDUE = "task.overdue"
ESCALATE = "task.escalate"
LOCKED_FOR = timedelta(seconds=10)
"""When to look again at a task that somebody is acting on at this very moment."""


# ---------------------------------------------------------------- timers


async def set_timers(session: AsyncSession, context: TaskContext, *, now: datetime) -> None:
    """Policy 4.2, 4.3, 4.4. A rung of the ladder that is past already is left out."""
    task, rule, subject = context.task, context.policy.document.tasks, str(context.task.id)
    await ask_to_accept(session, context, now=now)
    for index, before in enumerate(rule.remind_before):
        moment, basis = await calendars.reminder(session, due_at=task.due_at, before=before, policy=context.policy)
        if moment > now:
            await set_timer(session, REMIND, f"{subject}:{index}", moment, basis=basis)
    await set_timer(session, OVERDUE, subject, task.due_at)


async def ask_to_accept(session: AsyncSession, context: TaskContext, *, now: datetime) -> None:
    """Policy 4.2: who has just been made responsible is to accept in time."""
    within = context.policy.document.tasks.accept_within
    accept_at, basis = await calendars.deadline(session, start=now, duration=within, policy=context.policy)
    if accept_at < context.task.due_at:
        await set_timer(session, ACCEPT_DUE, str(context.task.id), accept_at, basis=basis)


async def cancel_acceptance(session: AsyncSession, context: TaskContext) -> None:
    await cancel_timer(session, ACCEPT_DUE, str(context.task.id))


async def cancel_timers(session: AsyncSession, context: TaskContext) -> None:
    """A finished task asks nothing of anybody."""
    rule, subject = context.policy.document.tasks, str(context.task.id)
    await cancel_timer(session, ACCEPT_DUE, subject)
    await cancel_timer(session, OVERDUE, subject)
    for index in range(len(rule.remind_before)):
        await cancel_timer(session, REMIND, f"{subject}:{index}")
    for index in range(len(rule.escalation)):
        await cancel_timer(session, ESCALATE, f"{subject}:{index}")


async def open_context(session: AsyncSession, *, timer: str, subject: str, now: datetime) -> TaskContext | None:
    """The task while it is open.

    The sweep holds the timer's row, and who ends the task holds the task and cancels the timer: waiting for the task
    here would be a deadlock, so a locked one is looked at again in a moment.
    """
    task_id = TaskId(UUID(subject.partition(":")[0]))
    task = await queries.task_for_update_unless_locked(session, task_id)
    if task is None:
        await set_timer(session, timer, subject, now + LOCKED_FOR)
        return None
    return await load(session, task) if rules.is_open(task) else None


# ---------------------------------------------------------------- reminders


async def remind_to_accept(session: AsyncSession, *, subject: str, now: datetime) -> None:
    """Policy 4.2: who has not accepted in time is reminded, once."""
    context = await open_context(session, timer=ACCEPT_DUE, subject=subject, now=now)
    if context is None or context.task.accepted_at is not None or now >= context.task.due_at:
        return  # past the deadline, "overdue" says it
    text = messages.please_accept(context.task, citation=context.policy.cite("task.accept"))
    await _remind(session, context, text, rule_key="task.accept", now=now)


async def remind_of_deadline(session: AsyncSession, *, subject: str, now: datetime) -> None:
    """Policy 4.3, F77: one rung of the ladder."""
    context = await open_context(session, timer=REMIND, subject=subject, now=now)
    if context is None or now >= context.task.due_at:
        return  # a sweep after a standstill: what is overdue is not announced as coming
    zone = calendars.timezone_of(session)
    text = messages.reminder(context.task, citation=context.policy.cite("task.progress"), zone=zone)
    await _remind(session, context, text, rule_key="task.progress", now=now)


async def _remind(session: AsyncSession, context: TaskContext, text: str, *, rule_key: str, now: datetime) -> None:
    message = await delivery.tell(
        session,
        context.timed_header(TaskPurpose.REMINDER, context.why(rule_key, SYSTEM)),
        [context.owner.id],
        text,
        now=now,
    )
    details = rules.EntryDetails(message_id=message.id) if message else None
    await write(session, context, NewEntry(catalogue.TaskReminded, rule_key, via="timer", details=details), now=now)
