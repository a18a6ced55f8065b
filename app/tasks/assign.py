"""Use case: a task is assigned; and what it would do before it does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.events.service import catalogue
from app.observability import current_correlation_id
from app.org import queries as org
from app.org import service as people
from app.org.service import NamedPerson
from app.policy import service as policies
from app.policy.service import Policy
from app.tasks import messages, queries, reminders, rules
from app.tasks.context import NewEntry, TaskContext, send_card, write
from app.tasks.errors import UnknownGroup
from app.tasks.rules import TaskPurpose
from models.groups import Group
from models.ids import PersonId
from models.org import Person
from models.tasks import Task, TaskCollaborator

RULE = "task.assign"


@dataclass(frozen=True)
class Assignment:
    """Policy 4.1: a task names the people, the deadline, and what counts as done."""

    title: str
    acceptance: str
    """What counts as done."""
    assigner: Person
    owner: Person
    due_at: datetime
    description: str = ""
    collaborators: Sequence[Person] = ()
    group_id: UUID | None = None
    """The registered group in which it is published."""
    via: str = "rest"

    @property
    def helpers(self) -> list[Person]:
        """Who collaborates, each once. The owner does not also help."""
        return list({person.id: person for person in self.collaborators if person.id != self.owner.id}.values())


@dataclass(frozen=True)
class AssignmentAhead:
    """Who would be told what."""

    owner: NamedPerson
    """Gets the card."""
    collaborators: Sequence[NamedPerson]
    """Get a text."""
    group: str
    """The name of the group in which it would be posted; "" for none."""


async def look_ahead(session: AsyncSession, wanted: Assignment, *, now: datetime) -> AssignmentAhead:
    """Nothing is written. Raises what `assign` would raise."""
    group = await _checked(session, await policies.in_force(session, now=now), wanted, now)
    named = await people.named_people(session, [one.id for one in (wanted.owner, *wanted.helpers)])
    return AssignmentAhead(
        owner=named[wanted.owner.id],
        collaborators=[named[one.id] for one in wanted.helpers],
        group=(group.observed_name or group.desired_name) if group else "",
    )


async def assign(session: AsyncSession, wanted: Assignment, *, actor: Actor, now: datetime) -> Task:
    """Tell the people, and publish the task in its group (policy 4.1).

    Raises `DueInThePast`, `OwnerNotEmployed`, `UnknownGroup`, `TaskGroupNotActive`, `GroupTakesNoTasks`.
    """
    policy = await policies.in_force(session, now=now)
    group = await _checked(session, policy, wanted, now)
    task = Task(
        number=await queries.next_number(session),
        title=wanted.title,
        description=wanted.description,
        acceptance=wanted.acceptance,
        assigner_id=wanted.assigner.id,
        owner_id=wanted.owner.id,
        group_id=wanted.group_id,
        due_at=wanted.due_at.astimezone(UTC),
        policy_version_id=policy.id,
        rule_key=RULE,
        correlation_id=current_correlation_id(),
        actor=str(actor),
        assigned_at=now,
        updated_at=now,
    )
    session.add(task)
    await session.flush()
    session.add_all([TaskCollaborator(task_id=task.id, person_id=person.id) for person in wanted.helpers])
    context = TaskContext(task, wanted.assigner, wanted.owner, wanted.helpers, policy)
    entry = NewEntry(
        catalogue.TaskAssigned,
        RULE,
        via=wanted.via,
        person=wanted.assigner,
        actor=actor,
        ids={"owner_id": task.owner_id},
    )
    await write(session, context, entry, now=now)
    await reminders.set_timers(session, context, now=now)
    await send_card(session, context, why=context.why(RULE, actor), now=now)
    await _tell_collaborators(session, context, actor=actor, now=now)
    if group is not None:
        await _publish(session, context, group, actor=actor, now=now)
    return task


async def _checked(session: AsyncSession, policy: Policy, wanted: Assignment, now: datetime) -> Group | None:
    """Its group, when everything about it can be."""
    rules.check_due(wanted.due_at, now)
    rules.check_owner(wanted.owner)
    return await _group(session, policy, wanted.group_id) if wanted.group_id else None


async def _group(session: AsyncSession, policy: Policy, group_id: UUID) -> Group:
    group = await queries.group(session, group_id)
    if group is None:
        raise UnknownGroup(f"没有登记 id 为 {group_id} 的群", f"There is no registered group with the id {group_id}")
    rules.check_group(policy.document, group)
    return group


async def _tell_collaborators(session: AsyncSession, context: TaskContext, *, actor: Actor, now: datetime) -> None:
    zone = calendars.timezone_of(session)
    text = messages.for_collaborators(context.task, assigner=context.assigner.name, owner=context.owner.name, zone=zone)
    people = [person.id for person in context.collaborators]
    await delivery.tell(
        session, context.header(TaskPurpose.COLLABORATION, context.why(RULE, actor)), people, text, now=now
    )


async def _publish(session: AsyncSession, context: TaskContext, group: Group, *, actor: Actor, now: datetime) -> None:
    """Policy 4.1, 3.5: in its group, mentioning the people concerned."""
    text = messages.group_text(
        context.task,
        assigner=context.assigner.name,
        owner=context.owner.name,
        collaborators=[person.name for person in context.collaborators],
        citation=context.policy.cite(RULE),
        zone=calendars.timezone_of(session),
    )
    concerned = [PersonId(person.id) for person in (context.owner, *context.collaborators)]
    userids = await org.userids_of(session, concerned)
    await delivery.post_to_group(
        session,
        context.header(TaskPurpose.GROUP_TEXT, context.why(RULE, actor)),
        group=group,
        text=text,
        mentioned_userids=[userids[person_id] for person_id in concerned if person_id in userids],
        now=now,
    )
