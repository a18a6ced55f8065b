"""A person presses a button of a card that was sent to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.cards import service as delivery
from app.cards.service import CardAction, Click
from models.delivery import Delivery, Message, OutgoingCall
from models.ids import APP, new_id
from models.inbox import ReceivedEvent
from models.org import Person, PersonUserid
from tests.fakes.clock import MONDAY_9AM


async def click_event(session: AsyncSession, key: str, *, now: datetime = MONDAY_9AM) -> ReceivedEvent:
    """A click as the inbox has it; given to `press` twice, it is a replay."""
    digest = new_id().bytes
    event = ReceivedEvent(
        app_id=APP,
        dedup_key=digest,
        body_digest=digest,
        event_type="template_card_event",
        subject=f"card:{key}",
        occurred_at=now,
        received_at=now,
        correlation_id=new_id().hex,
    )
    session.add(event)
    await session.flush()
    return event


async def press(
    session: AsyncSession,
    actions: Mapping[str, CardAction],
    person: Person,
    key: str,
    *,
    purpose: str,
    now: datetime = MONDAY_9AM,
    event: ReceivedEvent | None = None,
) -> None:
    """`key` as `task.done:<id>`, on the newest card of this purpose that the person was sent."""
    event = event or await click_event(session, key, now=now)
    statement = (
        select(col(OutgoingCall.task_id), col(PersonUserid.shown))
        .join(Delivery, col(Delivery.call_id) == col(OutgoingCall.id))
        .join(Message, col(Message.id) == col(Delivery.message_id))
        .join(PersonUserid, col(PersonUserid.person_id) == col(Delivery.person_id))
        .where(col(Delivery.person_id) == person.id, col(Message.purpose) == purpose)
        .order_by(col(OutgoingCall.id).desc())
        .limit(1)
    )
    task_id, userid = (await session.execute(statement)).one()
    assert task_id is not None
    clicked = await delivery.record_click(
        session,
        Click(
            app_id=APP,
            task_id=task_id,
            userid=userid,
            event_key=key,
            response_code=f"rc-click-{event.id}",
            event_id=event.id or 0,
        ),
        now=now,
    )
    assert clicked is not None
    name, _, argument = key.partition(":")
    await actions[name](session, clicked, argument, now)
