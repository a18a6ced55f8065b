"""A task with everything that is needed to act on it and to speak about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.audit.actor import SYSTEM, Actor, person_actor
from app.audit.why import About, Why
from app.calendar import service as calendars
from app.cards import service as cards
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.events.service import catalogue, publish
from app.observability import current_correlation_id
from app.org import queries as org
from app.policy import service as policies
from app.policy.service import Policy
from app.tasks import messages, queries, rules
from app.tasks.rules import TaskPurpose
from app.wecom.message_bodies.card import Card
from models.audit import ObjectKind
from models.delivery import CardClick, DeliveryState, MessageClass
from models.ids import PersonId, PolicyVersionId
from models.org import Person
from models.tasks import Task, TaskEntry


@dataclass(frozen=True)
class TaskContext:
    task: Task
    assigner: Person
    owner: Person
    collaborators: Sequence[Person]
    policy: Policy
    """The version the task was assigned under: its ladder and its clauses stay the task's own."""

    def why(self, rule_key: str, actor: Actor) -> Why:
        return Why(actor, rule_key, self.policy.id)

    @property
    def about(self) -> About:
        return About(ObjectKind.TASK, self.task.id)

    def header(self, purpose: TaskPurpose, why: Why, message_class: str = MessageClass.WORK) -> MessageHeader:
        return MessageHeader(purpose, self.about, why, message_class)

    def timed_header(self, purpose: TaskPurpose, why: Why) -> MessageHeader:
        """Of what a deadline causes: it goes when it falls due, outside of the rest period (policy 3.4)."""
        return self.header(purpose, why, MessageClass.NOTICE)


async def load(session: AsyncSession, task: Task) -> TaskContext:
    people = await org.people_by_id(session, {task.assigner_id, task.owner_id})
    return TaskContext(
        task=task,
        assigner=people[task.assigner_id],
        owner=people[task.owner_id],
        collaborators=await queries.collaborators_of(session, task.id),
        policy=await policies.get(session, PolicyVersionId(task.policy_version_id)),
    )


def face(session: AsyncSession, context: TaskContext) -> Card:
    return messages.face(
        context.task,
        assigner=context.assigner.name,
        collaborators=[person.name for person in context.collaborators],
        citation=context.policy.cite("task.accept"),
        zone=calendars.timezone_of(session),
    ).leading_to(addresses.link(session, addresses.me_task(context.task.id)))


@dataclass(frozen=True)
class NewEntry:
    """What happens to a task: an entry of its history, and an event."""

    event: type[catalogue.TaskEvent]
    rule_key: str
    via: str
    person: Person | None = None
    actor: Actor | None = None
    """When it is not the person: an API key, a timer."""
    note: str = ""
    event_id: int | None = None
    details: rules.EntryDetails | None = None
    ids: Mapping[str, UUID] = field(default_factory=dict)
    """What the event says besides the task and its progress."""

    @property
    def kind(self) -> str:
        """What the entry is called: the verb of the event."""
        return self.event.type.partition(".")[2]

    @property
    def done_by(self) -> Actor:
        return self.actor or (person_actor(self.person.id) if self.person else SYSTEM)


async def write(session: AsyncSession, context: TaskContext, new: NewEntry, *, now: datetime) -> None:
    """The task's entry, and the event."""
    task = context.task
    kept = new.details.dump() if new.details else {}
    entry = TaskEntry(
        task_id=task.id,
        kind=new.kind,
        person_id=new.person.id if new.person else None,
        progress=task.progress,
        note=new.note,
        via=new.via,
        event_id=new.event_id,
        details=kept or None,
        correlation_id=current_correlation_id(),
        at=now,
    )
    session.add(entry)
    event = new.event.model_validate({"task_id": task.id, "progress": task.progress, **new.ids})
    details = {"via": new.via, "progress": task.progress, **kept}
    await publish(session, event, context.why(new.rule_key, new.done_by), now=now, details=details)


async def send_card(session: AsyncSession, context: TaskContext, *, why: Why, now: datetime) -> None:
    """A card of their own for who is responsible now. The task remembers it, so that it shows what becomes of it."""
    header, owner = context.header(TaskPurpose.CARD, why), PersonId(context.owner.id)
    message = await delivery.send_card(session, header, to=[owner], card=face(session, context), now=now)
    context.task.card_message_id = message.id


async def show(
    session: AsyncSession, context: TaskContext, *, click: CardClick | None, actor: Actor, now: datetime
) -> None:
    """The owner's card as the task stands now.

    A card that has not gone out yet stays as it is while the task is open: it would be taken back, and its buttons
    with it. It arrives with all of them, and the first click renews it.
    """
    message_id = context.task.card_message_id
    if message_id is None or (rules.is_open(context.task) and click is None and await _is_waiting(session, message_id)):
        return
    await cards.update_cards(
        session, message_id=message_id, card=face(session, context), now=now, click=click, actor=actor
    )


async def show_end(session: AsyncSession, context: TaskContext, *, actor: Actor, now: datetime) -> None:
    """The owner's card in grey, for an owner who is told of the end in words."""
    if context.task.card_message_id is not None:
        await cards.update_cards_only(
            session, message_id=context.task.card_message_id, card=face(session, context), actor=actor, now=now
        )


async def _is_waiting(session: AsyncSession, message_id: UUID) -> bool:
    _, counts = await delivery.summarize(session, message_id=message_id)
    return bool(counts.get(DeliveryState.HELD))
