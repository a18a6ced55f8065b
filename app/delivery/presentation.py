"""Recipients, messages and calls as REST shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery.schemas import (
    CallContentOut,
    CallDetail,
    CallOut,
    DeliveryOut,
    MeaningOut,
    MessageSummary,
    RecipientsOut,
)
from app.delivery.service import CallContent, ExaminedCall
from app.org import queries as org
from models.delivery import Delivery, DeliveryState, OutgoingCall


async def deliveries(session: AsyncSession, rows: Sequence[Delivery]) -> list[DeliveryOut]:
    userids = await org.userids_of(session, [row.person_id for row in rows])
    return [DeliveryOut(**row.model_dump(), userid=userids.get(row.person_id)) for row in rows]


async def delivery(session: AsyncSession, row: Delivery) -> DeliveryOut:
    return (await deliveries(session, [row]))[0]


def message(message_id: UUID, audience: int, counts: Mapping[DeliveryState, int]) -> MessageSummary:
    named = {state.value: count for state, count in counts.items()}
    return MessageSummary(message_id=message_id, audience=audience, **named)


def calls(rows: Sequence[OutgoingCall]) -> list[CallOut]:
    return [call(row) for row in rows]


def examined(found: ExaminedCall) -> CallDetail:
    return CallDetail(
        **call(found.call).model_dump(),
        meaning=MeaningOut(**asdict(found.meaning)) if found.meaning else None,
        attempts_made=calls(found.attempts),
        recipients=RecipientsOut(**{state.value: count for state, count in found.recipients.items()}),
    )


def content(found: CallContent) -> CallContentOut:
    return CallContentOut(**asdict(found))


def call(row: OutgoingCall) -> CallOut:
    return CallOut.model_validate(row, from_attributes=True)
