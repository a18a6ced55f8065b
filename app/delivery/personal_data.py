"""What was sent to one person (F198)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kept_data import Kept, KeptRow, Kind
from models.delivery import Delivery, DeliveryState, Message


class DeliveryRow(KeptRow):
    purpose: str = Field(title="用途", description="What it was for")
    message_class: str = Field(title="类别", description="Class")
    state: DeliveryState = Field(title="状态", description="State")
    reason: str = Field(title="原因", description="Why it is held or has failed")
    created_at: datetime = Field(title="时间", description="When")


DELIVERIES: Final = Kind("deliveries", "发给本人的消息", "Messages sent to the person", DeliveryRow)


async def personal_data(session: AsyncSession, person_id: UUID) -> Sequence[Kept]:
    deliveries = (
        select(
            col(Message.purpose),
            col(Message.message_class),
            col(Delivery.state),
            col(Delivery.reason),
            col(Message.created_at),
        )
        .join(Message, col(Message.id) == col(Delivery.message_id))
        .where(col(Delivery.person_id) == person_id)
        .order_by(col(Delivery.id).desc())
    )
    return [await DELIVERIES.read(session, deliveries)]
