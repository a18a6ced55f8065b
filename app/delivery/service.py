"""The use cases of the ledger, for the domains: `from app.delivery import service as delivery`."""

from __future__ import annotations

from app.delivery.cards import ClickedCard, record_click, update_cards
from app.delivery.outcomes import OutcomeHandler, register_outcomes
from app.delivery.recovery import Resolution, resolve_call, retry_delivery
from app.delivery.send import post_to_group, request_call, send_card, send_text

__all__ = [
    "ClickedCard",
    "OutcomeHandler",
    "Resolution",
    "post_to_group",
    "record_click",
    "register_outcomes",
    "request_call",
    "resolve_call",
    "retry_delivery",
    "send_card",
    "send_text",
    "update_cards",
]
