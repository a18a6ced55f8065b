"""Every SELECT of cards, clicks and their codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.ledger.queries import uuid_array
from models.delivery import CardClick, Delivery, DeliveryState, OutgoingCall


async def call_of_card(session: AsyncSession, *, app_id: str, task_id: str) -> OutgoingCall | None:
    statement = select(OutgoingCall).where(col(OutgoingCall.app_id) == app_id, col(OutgoingCall.task_id) == task_id)
    return (await session.scalars(statement)).one_or_none()


async def calls_carrying(
    session: AsyncSession, *, message_id: UUID, people: Sequence[UUID] | None
) -> dict[UUID, list[UUID]]:
    """Call → the people it carried this message to, without those whom it failed to reach."""
    statement = (
        select(col(Delivery.call_id), col(Delivery.person_id))
        .where(col(Delivery.message_id) == message_id, col(Delivery.call_id).is_not(None))
        .where(col(Delivery.state) != DeliveryState.FAILED)
        .order_by(col(Delivery.id))
    )
    if people is not None:
        statement = statement.where(col(Delivery.person_id) == func.any(uuid_array(people)))
    carried: dict[UUID, list[UUID]] = {}
    for call_id, person_id in (await session.execute(statement)).all():
        if call_id is not None:
            carried.setdefault(call_id, []).append(person_id)
    return carried


async def store_click(session: AsyncSession, click: CardClick) -> CardClick:
    """The click of this event: stored now, or found as it was stored when the event was handled before."""
    values = click.model_dump(exclude={"id"})
    await session.execute(insert(CardClick).values(values).on_conflict_do_nothing(index_elements=["event_id"]))
    statement = select(CardClick).where(col(CardClick.event_id) == click.event_id)
    return (await session.scalars(statement)).one()


async def newest_unspent_click(session: AsyncSession, call_id: UUID, valid_after: datetime) -> CardClick | None:
    """The newest click whose code may still be used, locked."""
    statement = (
        select(CardClick)
        .where(col(CardClick.call_id) == call_id, col(CardClick.spent_at).is_(None))
        .where(col(CardClick.expires_at) > valid_after)
        .order_by(col(CardClick.received_at).desc(), col(CardClick.id).desc())
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def click_for_update(session: AsyncSession, click_id: int) -> CardClick | None:
    return await session.get(CardClick, click_id, with_for_update={"key_share": True}, populate_existing=True)
