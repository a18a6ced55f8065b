"""Policy 4.4, F80: an overdue task goes to the owner and the assigner, then to the superiors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.calendar import service as calendars
from app.events.service import catalogue
from app.jobs.timers import set_timer
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.observability import get_logger
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind
from app.roles import service as roles
from app.roles.service import Subject
from app.tasks import messages, queries, rules
from app.tasks.context import NewEntry, TaskContext, load, write
from app.tasks.reminders import ESCALATE, OVERDUE, open_context
from app.tasks.rules import TaskPurpose
from models.ids import TaskId
from models.org import Person

log = get_logger()


async def tell_overdue(session: AsyncSession, *, subject: str, now: datetime) -> None:
    """Policy 4.4, F80: the owner and the assigner hear it; then the escalation of the policy begins."""
    context = await open_context(session, timer=OVERDUE, subject=subject, now=now)
    if context is None:
        return
    concerned = [context.owner.id, context.assigner.id]
    await ladders.reach(session, TaskPurpose.OVERDUE, context.about, concerned, now=now)
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
    context = await open_context(session, timer=ESCALATE, subject=subject, now=now)
    if context is None:
        return
    rung = context.policy.document.tasks.escalation[int(subject.partition(":")[2])]
    await _escalate(session, context, rung.to, now=now)


async def _escalate(session: AsyncSession, context: TaskContext, to: Expression, *, now: datetime) -> None:
    """Told, in a text. When nobody is above the owner, the entry says so."""
    people = _each_once(await _hearers(session, context, to), besides={context.owner.id})
    ids = [person.id for person in people]
    await ladders.reach(session, TaskPurpose.ESCALATION, context.about, ids, now=now)
    details = rules.EntryDetails(to=str(to), people=list(ids))
    entry = NewEntry(catalogue.TaskEscalated, "task.overdue", via="timer", details=details)
    await write(session, context, entry, now=now)
    log.info("task.escalated", task_id=str(context.task.id), to=str(to), people=len(ids))


async def overdue_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    return await _words(session, rung, TaskPurpose.OVERDUE)


async def escalation_words(session: AsyncSession, rung: DueRung) -> list[Words]:
    return await _words(session, rung, TaskPurpose.ESCALATION)


async def _words(session: AsyncSession, rung: DueRung, purpose: TaskPurpose) -> list[Words]:
    """While the task is open, as it stands now. An assigner who is the superior hears the escalation: it says both."""
    context = await load(session, await queries.task(session, TaskId(UUID(rung.about))))
    if not rules.is_open(context.task):
        return []
    owner, citation = context.owner.name, context.policy.cite("task.overdue")
    text = messages.overdue(context.task, owner=owner, citation=citation, zone=calendars.timezone_of(session))
    if purpose is TaskPurpose.ESCALATION:
        text = messages.escalated(text, assigner=context.assigner.name)
    header = context.timed_header(purpose, context.why("task.overdue", SYSTEM))
    return [Words(header, rung.people, text=text, line=text, rank=rules.RANKS[purpose])]


async def _hearers(session: AsyncSession, context: TaskContext, expression: Expression) -> list[Person]:
    """Whom the policy's expression names, seen from the owner.

    Who has no direct leader answers to the head: an overdue task is heard of by somebody above the owner even where
    the platform knows no leaders.
    """
    if expression.kind is ExpressionKind.DIRECT_LEADER:
        return (await roles.superiors_of(session, [context.owner]))[context.owner.id]
    about = Subject(context.owner, administrators=await queries.administrators_of(session, context.task.group_id))
    return await roles.resolve(session, expression, about, context.policy)


def _each_once(people: Collection[Person], *, besides: Collection[UUID]) -> list[Person]:
    unique = {person.id: person for person in people if person.id not in besides}
    return [person for person in unique.values() if may_act(person)]
