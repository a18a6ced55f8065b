"""What happens to a task by itself: a reminder to accept it, the ladder before it is due, who hears when it is late."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.calendar import service as calendars
from app.events.service import catalogue
from app.jobs.timers import cancel_timer, set_timer
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.tasks import messages, queries, rules
from app.tasks.context import NewEntry, TaskContext, load, write
from app.tasks.rules import TaskPurpose
from models.delivery import Message
from models.ids import TaskId

ACCEPT_DUE = "task.accept_due"
REMIND = "task.remind"
OVERDUE = "task.overdue"
ESCALATE = "task.escalate"
TO_ACCEPT = "accept"
OF_DEADLINE = "deadline"
"""Which reminder a rung is."""
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
    await _remind(session, context, TO_ACCEPT, now=now)


async def remind_of_deadline(session: AsyncSession, *, subject: str, now: datetime) -> None:
    """Policy 4.3, F77: one rung of the ladder."""
    context = await open_context(session, timer=REMIND, subject=subject, now=now)
    if context is None or now >= context.task.due_at:
        return  # a sweep after a standstill: what is overdue is not announced as coming
    await _remind(session, context, OF_DEADLINE, now=now)


async def _remind(session: AsyncSession, context: TaskContext, detail: str, *, now: datetime) -> None:
    await ladders.reach(session, TaskPurpose.REMINDER, context.about, [context.owner.id], detail=detail, now=now)


async def words(session: AsyncSession, rung: DueRung) -> list[Words]:
    """For the owner, while the task is open and not due. Of two reminders at once that of the deadline is said."""
    context = await load(session, await queries.task(session, TaskId(UUID(rung.about))))
    task, now = context.task, rung.now
    accepting = rung.detail == TO_ACCEPT
    has_ended = not rules.is_open(task) or now >= task.due_at or (accepting and task.accepted_at is not None)
    if has_ended or context.owner.id not in rung.people:
        return []
    rule_key = "task.accept" if accepting else "task.progress"
    citation, zone = context.policy.cite(rule_key), calendars.timezone_of(session)
    text = messages.please_accept(task, citation=citation)
    if not accepting:
        text = messages.reminder(task, citation=citation, zone=zone)

    async def enter(message: Message) -> None:
        entry = NewEntry(
            catalogue.TaskReminded, rule_key, via="timer", details=rules.EntryDetails(message_id=message.id)
        )
        await write(session, context, entry, now=now)

    header = context.timed_header(TaskPurpose.REMINDER, context.why(rule_key, SYSTEM))
    rank = rules.RANKS[TaskPurpose.REMINDER] + (0 if accepting else 1)
    return [Words(header, [context.owner.id], text=text, line=text, rank=rank, on_told=enter)]
