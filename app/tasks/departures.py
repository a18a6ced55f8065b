"""Policy 4.5, F82: who leaves the company leaves no task behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import SYSTEM
from app.calendar import service as calendars
from app.departures.service import SAID, Departure, DepartureReason
from app.events.service import catalogue
from app.ladders import service as ladders
from app.ladders.service import DueRung, Words
from app.observability import get_logger
from app.org import queries as org
from app.org.rules import may_act
from app.policy.sections.people import Expression, ExpressionKind
from app.policy.service import Citation, Policy
from app.roles import service as roles
from app.roles.service import Subject
from app.tasks import messages, queries, reminders, rules
from app.tasks.context import NewEntry, TaskContext, load, send_card, write
from app.tasks.messages import HandOver
from app.tasks.rules import TaskPurpose
from models.ids import TaskId
from models.org import Person
from models.tasks import TaskState

log = get_logger()

RULE = "task.hand_over"
LEADER = Expression(ExpressionKind.DIRECT_LEADER)


async def hand_over(session: AsyncSession, *, task_id: TaskId, departure: Departure, now: datetime) -> None:
    """Give a leaver's open task to their leader. The leader has to accept it; deadline and progress stay.

    A second run finds another owner, and does nothing.
    """
    task = await queries.task_for_update(session, task_id)
    if task.owner_id != departure.person_id or not rules.is_open(task):
        return
    former = await load(session, task)
    owner = await _successor(session, former)
    if owner is None:
        log.warning("task.nobody_to_hand_over", task_id=str(task_id))
        return
    await queries.end_collaboration(session, task.id, owner.id, now=now)
    task.owner_id, task.state, task.accepted_at, task.updated_at = owner.id, TaskState.ASSIGNED, None, now
    helpers = [person for person in former.collaborators if person.id != owner.id]
    context = replace(former, owner=owner, collaborators=helpers)
    ids = {"former_owner_id": former.owner.id, "owner_id": owner.id}
    entry = NewEntry(catalogue.TaskHandedOver, RULE, via="departure", details=rules.EntryDetails(**ids), ids=ids)
    await write(session, context, entry, now=now)
    await reminders.ask_to_accept(session, context, now=now)
    await send_card(session, context, why=context.why(RULE, SYSTEM), now=now)
    await _tell(session, context, former.owner, departure, now=now)
    log.info("task.handed_over", task_id=str(task_id))


async def _successor(session: AsyncSession, context: TaskContext) -> Person | None:
    """The direct leader, else the nearest head above; where there is neither, who assigned it, then who supervises."""
    subject = Subject(context.owner)
    supervisors = context.policy.document.groups.supervised_by
    for found in (
        await roles.resolve(session, LEADER, subject, context.policy),
        await roles.nearest_heads_above(session, context.owner),
        [context.assigner],
        await roles.resolve(session, supervisors, subject, context.policy),
    ):
        able = [person for person in found if may_act(person) and person.id != context.owner.id]
        if able:
            return able[0]
    return None


class HandedOver(BaseModel):
    """Who had it, and why no longer: kept with the rung until it is said."""

    former_id: UUID
    reason: DepartureReason


async def _tell(
    session: AsyncSession, context: TaskContext, former: Person, departure: Departure, *, now: datetime
) -> None:
    """The new owner, and everybody else who has to do with the task: of all that a leaver had in one message."""
    everybody = (context.owner, context.assigner, *context.collaborators)
    people = [one.id for one in everybody if may_act(one) or one.id == context.owner.id]
    said = HandedOver(former_id=former.id, reason=departure.reason)
    await ladders.reach(
        session,
        TaskPurpose.HANDED_OVER,
        context.about,
        people,
        now=now,
        detail=said.model_dump_json(),
        message_class=rules.WORK,
    )


async def words(session: AsyncSession, rung: DueRung) -> list[Words]:
    """While the task is open, with who has it then."""
    context = await load(session, await queries.task(session, TaskId(UUID(rung.about))))
    if not rules.is_open(context.task):
        return []
    said = HandedOver.model_validate_json(rung.detail)
    former = (await org.people_by_id(session, [said.former_id]))[said.former_id].name
    owner, header = context.owner, context.header(TaskPurpose.HANDED_OVER, context.why(RULE, SYSTEM))
    found: list[Words] = []
    for people, named in (([owner.id], None), ([one for one in rung.people if one != owner.id], owner.name)):
        is_overdue = rung.now >= context.task.due_at
        handed = HandOver(context.task, former, SAID[said.reason], named, _citation(context.policy), is_overdue)
        zone = calendars.timezone_of(session)
        text, line = messages.handed_over(handed, zone=zone), messages.handed_over_in_short(handed, zone=zone)
        hearing = [one for one in people if one in rung.people]
        found.append(Words(header, hearing, text=text, line=line, rank=rules.RANKS[TaskPurpose.HANDED_OVER]))
    return [one for one in found if one.people]


def _citation(policy: Policy) -> Citation | None:
    """None under a version of the policy that is older than the rule."""
    return policy.cite(RULE) if RULE in policy.document.rules else None
