"""The use cases of the ledger, for the domains: `from app.delivery import service as delivery`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery import queries
from app.delivery.cards import CardAction, ClickedCard, record_click, update_cards
from app.delivery.clicks import CardAbsorb, Click, Face, KnownClick, identify_clicks, record_clicks, whole_subjects
from app.delivery.errors import CallNotFound, DeliveryNotFound
from app.delivery.outcomes import OutcomeHandler, register_outcomes
from app.delivery.recovery import Resolution, resolve_call, retry_delivery
from app.delivery.send import post_to_group, request_call, send_card, send_text
from models.delivery import DeliveryState, OutgoingCall

__all__ = [
    "CardAbsorb",
    "CardAction",
    "Click",
    "ClickedCard",
    "Face",
    "KnownClick",
    "OutcomeHandler",
    "Resolution",
    "identify_clicks",
    "post_to_group",
    "read_call",
    "record_click",
    "record_clicks",
    "register_outcomes",
    "request_call",
    "resolve_call",
    "retry_delivery",
    "send_card",
    "send_text",
    "summarize",
    "update_cards",
    "whole_subjects",
]


async def read_call(session: AsyncSession, *, call_id: UUID) -> OutgoingCall:
    call = await queries.get_call(session, call_id)
    if call is None:
        raise CallNotFound("没有这次调用")
    return call


async def summarize(session: AsyncSession, *, message_id: UUID) -> tuple[int, dict[DeliveryState, int]]:
    """The audience of a message and how many of it stand where; the counts add up to it (P3)."""
    message = await queries.get_message(session, message_id)
    if message is None:
        raise DeliveryNotFound("没有这条消息")
    return message.audience, await queries.counts_of(session, message_id)
