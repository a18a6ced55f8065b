"""What happens to a task by itself: a reminder to accept it, the ladder before it is due, who hears when it is late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.events.service import catalogue
from app.jobs.timers import cancel_timer, set_timer
from app.observability import get_logger
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind
from app.roles import service as roles
from app.roles.service import Subject
from app.tasks import messages, queries, rules
from app.tasks.context import NewEntry, TaskContext, load, write
from app.tasks.rules import TaskPurpose
from models.ids import TaskId
from models.org import Person

log = get_logger()

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


async def _open_context(session: AsyncSession, *, timer: str, subject: str, now: datetime) -> TaskContext | None:
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
    context = await _open_context(session, timer=ACCEPT_DUE, subject=subject, now=now)
    if context is None or context.task.accepted_at is not None or now >= context.task.due_at:
        return  # past the deadline, "overdue" says it
    text = messages.please_accept(context.task, citation=context.policy.cite("task.accept"))
    await _remind(session, context, text, rule_key="task.accept", now=now)


async def remind_of_deadline(session: AsyncSession, *, subject: str, now: datetime) -> None:
    """Policy 4.3, F77: one rung of the ladder."""
    context = await _open_context(session, timer=REMIND, subject=subject, now=now)
    if context is None or now >= context.task.due_at:
        return  # a sweep after a standstill: what is overdue is not announced as coming
    zone = calendars.timezone_of(session)
    text = messages.reminder(context.task, citation=context.policy.cite("task.progress"), zone=zone)
    await _remind(session, context, text, rule_key="task.progress", now=now)


async def _remind(session: AsyncSession, context: TaskContext, text: str, *, rule_key: str, now: datetime) -> None:
    message = await delivery.tell(
        session, context.header(TaskPurpose.REMINDER, context.why(rule_key, SYSTEM)), [context.owner.id], text, now=now
    )
    details = rules.EntryDetails(message_id=message.id) if message else None
    await write(session, context, NewEntry(catalogue.TaskReminded, rule_key, via="timer", details=details), now=now)


# ---------------------------------------------------------------- overdue


async def tell_overdue(session: AsyncSession, *, subject: str, now: datetime) -> None:
    """Policy 4.4, F80: the owner and the assigner hear it; then the escalation of the policy begins."""
    context = await _open_context(session, timer=OVERDUE, subject=subject, now=now)
    if context is None:
        return
    text, why = _overdue_text(session, context), context.why("task.overdue", SYSTEM)
    concerned = [context.owner.id, context.assigner.id]
    await delivery.tell(session, context.header(TaskPurpose.OVERDUE, why), concerned, text, now=now)
    await write(session, context, NewEntry(catalogue.TaskOverdue, "task.overdue", via="timer"), now=now)
    log.info("task.overdue", task_id=str(context.task.id))
    for index, rung in enumerate(context.policy.document.tasks.escalation):
        moment, basis = await calendars.deadline(
            session, start=context.task.due_at, duration=rung.after, policy=context.policy
        )
        if moment <= now:
            await _escalate(session, context, rung.to, now=now)
        else:
            await set_timer(session, ESCALATE, f"{context.task.id}:{index}", moment, basis=basis)


async def escalate(session: AsyncSession, *, subject: str, now: datetime) -> None:
    context = await _open_context(session, timer=ESCALATE, subject=subject, now=now)
    if context is None:
        return
    rung = context.policy.document.tasks.escalation[int(subject.partition(":")[2])]
    await _escalate(session, context, rung.to, now=now)


async def _escalate(session: AsyncSession, context: TaskContext, to: Expression, *, now: datetime) -> None:
    """Told, in a text. When nobody is above the owner, the entry says so."""
    people = _each_once(await _hearers(session, context, to), besides={context.owner.id})
    text = messages.escalated(
        context.task,
        owner=context.owner.name,
        assigner=context.assigner.name,
        citation=context.policy.cite("task.overdue"),
        zone=calendars.timezone_of(session),
    )
    ids, why = [person.id for person in people], context.why("task.overdue", SYSTEM)
    await delivery.tell(session, context.header(TaskPurpose.ESCALATION, why), ids, text, now=now)
    details = rules.EntryDetails(to=str(to), people=list(ids))
    entry = NewEntry(catalogue.TaskEscalated, "task.overdue", via="timer", details=details)
    await write(session, context, entry, now=now)
    log.info("task.escalated", task_id=str(context.task.id), to=str(to), people=len(ids))


def _overdue_text(session: AsyncSession, context: TaskContext) -> str:
    citation = context.policy.cite("task.overdue")
    return messages.overdue(
        context.task, owner=context.owner.name, citation=citation, zone=calendars.timezone_of(session)
    )


async def _hearers(session: AsyncSession, context: TaskContext, expression: Expression) -> list[Person]:
    """Whom the policy's expression names, seen from the owner.

    Who has no direct leader answers to the head: an overdue task is heard of by somebody above the owner even where
    the platform knows no leaders.
    """
    about = Subject(context.owner, administrators=await queries.administrators_of(session, context.task.group_id))
    people = await roles.resolve(session, expression, about, context.policy)
    if not people and expression.kind is ExpressionKind.DIRECT_LEADER:
        return await roles.nearest_heads_above(session, context.owner)
    return people


def _each_once(people: Collection[Person], *, besides: Collection[UUID]) -> list[Person]:
    unique = {person.id: person for person in people if person.id not in besides}
    return [person for person in unique.values() if may_act(person)]
