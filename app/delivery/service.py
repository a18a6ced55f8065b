"""Messages to people and groups, for the domains: `from app.delivery import service as delivery`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import queries
from app.delivery.again.resend import retry_delivery, take_back
from app.delivery.again.selected import Ended, Found, Selection, preview, retry_selected
from app.delivery.compose import MessageHeader, header_of
from app.delivery.errors import DeliveryNotFound
from app.delivery.examine import CallContent, ExaminedCall, Meaning, content_of_call, examine_call, meaning_of
from app.delivery.recipients_per_call import RECIPIENTS_PER_CALL
from app.delivery.send import Sender, post_to_group, send_card, send_text, sender, tell
from app.delivery.shown.lists import DeliveryLine, DeliveryPage, deliveries_listed, delivery_line
from app.ledger import queries as ledger
from models.delivery import DeliveryState

__all__ = [
    "RECIPIENTS_PER_CALL",
    "CallContent",
    "DeliveryLine",
    "DeliveryPage",
    "Ended",
    "ExaminedCall",
    "Found",
    "Meaning",
    "MessageHeader",
    "Selection",
    "Sender",
    "content_of_call",
    "counts_by_state",
    "deliveries_listed",
    "delivery_line",
    "examine_call",
    "header_of",
    "meaning_of",
    "post_to_group",
    "preview",
    "retry_delivery",
    "retry_selected",
    "send_card",
    "send_text",
    "sender",
    "summarize",
    "take_back",
    "tell",
]


async def summarize(session: AsyncSession, *, message_id: UUID) -> tuple[int, dict[DeliveryState, int]]:
    """The audience of a message and the number of recipients in each state. The counts add up to the audience (P3)."""
    message = await ledger.get_message(session, message_id)
    if message is None:
        raise DeliveryNotFound("没有这条消息", "There is no such message")
    return message.audience, await queries.counts_of(session, message)


async def counts_by_state(session: AsyncSession, *, message_id: UUID | None) -> dict[str, int]:
    """How many recipients of a message stand where; empty without a message."""
    if message_id is None:
        return {}
    _, counts = await summarize(session, message_id=message_id)
    return {state.value: count for state, count in counts.items()}
