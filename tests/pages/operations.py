"""What operators and auditors find on their pages: messages, calls, callbacks, runs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from app.access import service as access
from app.audit.actor import SYSTEM
from app.audit.why import About, Why
from app.bootstrap import Services
from app.database import transaction
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.sync.changes.report import Held, HeldLosses, Loss, NamedChange, ReleaseEffect, SyncReport
from models.audit import ObjectKind
from models.delivery import CallState, Delivery, DeliveryState, Message, OutgoingCall
from models.ids import PersonId, new_id
from models.inbox import EventState, ReceivedEvent
from models.org import SyncRun, SyncState
from tests.builders.callbacks import payload
from tests.company import Company


async def let(services: Services, company: Company, userid: str, bundle: str) -> None:
    """Give somebody a bundle in the whole company."""
    async with transaction(services.sessions) as session:
        wanted = access.Wanted(company.people[userid], bundle, "测试")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=services.clock.now())


async def message_to(services: Services, company: Company, userids: Sequence[str], said: str = "请查收周报") -> UUID:
    """A text that waits to be sent."""
    header = MessageHeader("task.card", About(ObjectKind.TASK, "1"), Why(SYSTEM, "delivery.hours", company.policy.id))
    people = [PersonId(company.people[userid].id) for userid in userids]
    async with transaction(services.sessions) as session:
        message = await delivery.send_text(session, header, to=people, text=said, now=services.clock.now())
        return message.id


async def ended(services: Services, message_id: UUID, state: DeliveryState, reason: str, errcode: int = 0) -> UUID:
    """The call of the message ends so, for all of its recipients. Returns its id."""
    now = services.clock.now()
    of_it = col(OutgoingCall.message_id) == message_id
    call_state = {DeliveryState.FAILED: CallState.FAILED, DeliveryState.UNKNOWN: CallState.UNKNOWN}[state]
    async with transaction(services.sessions) as session:
        await session.execute(
            update(OutgoingCall)
            .where(of_it)
            .values(
                state=call_state, hold_reason=reason, errcode=errcode or None, sent_at=now, attempts=1, finished_at=now
            )
        )
        await session.execute(
            update(Delivery).where(col(Delivery.message_id) == message_id).values(state=state, reason=reason)
        )
        return (await session.scalars(select(col(OutgoingCall.id)).where(of_it))).one()


async def deliveries_of(services: Services, message_id: UUID) -> list[Delivery]:
    async with services.sessions() as session:
        statement = select(Delivery).where(col(Delivery.message_id) == message_id).order_by(col(Delivery.id))
        return list(await session.scalars(statement))


async def messages_stored(services: Services) -> list[Message]:
    async with services.sessions() as session:
        return list(await session.scalars(select(Message)))


async def parked_event(services: Services, *, has_body: bool = True) -> int:
    now = services.clock.now()
    async with transaction(services.sessions) as session:
        event = ReceivedEvent(
            app_id="app",
            dedup_key=new_id().bytes,
            event_type="change_contact.update_user",
            subject="user:zhangsan",
            occurred_at=now,
            received_at=now,
            body=payload("change_contact__update_user") if has_body else None,
            body_digest=b"digest",
            state=EventState.PARKED,
            attempts=8,
            last_error="ValueError: 处理时出错",
            correlation_id="trace-of-a-callback",
        )
        session.add(event)
        await session.flush()
        assert event.id is not None
        return event.id


async def held_run(services: Services) -> UUID:
    now = services.clock.now()
    gone = [NamedChange(id="li", name="李军", change="missing")]
    held = Held(
        people=gone,
        losses=HeldLosses(people=Loss(lost=1, of=6), departments=Loss(lost=0, of=3), group_places=Loss(lost=2, of=9)),
        on_release=ReleaseEffect(departures=gone, missing=1, group_places=2),
    )
    async with transaction(services.sessions) as session:
        run = SyncRun(
            state=SyncState.HELD,
            reason="schedule",
            report=SyncReport(explanations=["1 人没有读到，超出限额"], held=held).dump(),
            correlation_id="trace-of-a-sync",
            heartbeat_at=now,
            started_at=now,
            finished_at=now,
        )
        session.add(run)
        await session.flush()
        return run.id
