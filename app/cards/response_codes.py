"""The code that an update of a card needs: which one is taken, that it is spent once, when it is of no more use (D7).

A card without a code that can be used gets a text instead (`text_instead.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.cards import queries
from app.wecom.codes import CODE_EXPIRED, CODE_SPENT
from models.delivery import CardClick, OutgoingCall

CODE_MARGIN = timedelta(minutes=10)
"""A code that expires within this time is not used any more."""

NO_EFFECT_ON_CARD = frozenset({CODE_SPENT, CODE_EXPIRED})


@dataclass(frozen=True)
class Code:
    value: str
    click: CardClick | None = None
    """The click that brought the code. None: the answer to the send brought it."""


async def spend_code(session: AsyncSession, call: OutgoingCall, click: CardClick | None, now: datetime) -> Code | None:
    """A code of this card. It is marked as spent in the transaction that creates the update."""
    valid_after = now + CODE_MARGIN
    own = None
    if click is not None and click.id is not None and click.call_id == call.id:
        own = await queries.click_for_update(session, click.id)
    if own is None or own.spent_at is not None or own.expires_at <= valid_after:
        own = await queries.newest_unspent_click(session, call.id, valid_after)
    if own is not None:
        own.spent_at = now
        return Code(own.response_code, own)
    expires_at = call.response_code_expires_at
    if call.response_code_spent_at is not None or expires_at is None or expires_at <= valid_after:
        return None
    if call.response_code is None:
        return None
    call.response_code_spent_at = now
    return Code(call.response_code)
