"""Recipients as people read of them: by name, with what the message was for. No content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.delivery import queries
from app.delivery.errors import DeliveryNotFound
from app.org import service as org
from app.org.service import NamedPerson
from app.web.pagination import PageQuery, paginate
from models.delivery import Delivery, DeliveryState, Message


@dataclass(frozen=True)
class DeliveryLine:
    """One recipient of one part of a message."""

    id: int
    message_id: UUID
    part: int
    recipient: NamedPerson | None
    state: DeliveryState
    reason: str
    until: datetime | None
    call_id: UUID | None
    purpose: str
    message_class: str
    origin_kind: str
    origin_id: str
    correlation_id: str
    updated_at: datetime


@dataclass(frozen=True)
class DeliveryPage:
    items: Sequence[DeliveryLine]
    next_cursor: str | None


async def deliveries_listed(
    session: AsyncSession,
    *,
    state: DeliveryState | None = None,
    message_id: UUID | None = None,
    userid: str | None = None,
    page: PageQuery,
) -> DeliveryPage:
    """Recipients, the newest first."""
    statement = queries.listed_deliveries(state=state, message_id=message_id, userid=userid)
    rows, cursor = await paginate(session, statement, col(Delivery.id), page=page)
    return DeliveryPage(await _lines(session, rows), cursor)


async def delivery_line(session: AsyncSession, delivery_id: int) -> DeliveryLine:
    """Raises `DeliveryNotFound`."""
    row = await queries.get_delivery(session, delivery_id)
    if row is None:
        raise DeliveryNotFound(
            f"没有编号为 {delivery_id} 的投递记录", f"There is no delivery with the id {delivery_id}"
        )
    return (await _lines(session, [row]))[0]


async def _lines(session: AsyncSession, rows: Sequence[Delivery]) -> list[DeliveryLine]:
    people = await org.named_people(session, [row.person_id for row in rows])
    messages = await queries.messages_of(session, [row.message_id for row in rows])
    return [_line(row, people.get(row.person_id), messages[row.message_id]) for row in rows]


def _line(row: Delivery, recipient: NamedPerson | None, message: Message) -> DeliveryLine:
    return DeliveryLine(
        id=row.id or 0,
        message_id=row.message_id,
        part=row.part,
        recipient=recipient,
        state=row.state,
        reason=row.reason,
        until=row.until,
        call_id=row.call_id,
        purpose=message.purpose,
        message_class=message.message_class,
        origin_kind=message.origin_kind,
        origin_id=message.origin_id,
        correlation_id=row.correlation_id,
        updated_at=row.updated_at,
    )
