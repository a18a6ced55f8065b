"""Sends again, at once, what a person has selected: recipients of messages, posts in groups, card updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.actor import Actor
from app.delivery import queries
from app.delivery.again.resend import retry_delivery
from app.delivery.errors import NothingToRetry, RecipientGone
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.queries import Ended, Selection
from models.delivery import CallKind

__all__ = ["Ended", "Found", "Selection", "preview", "retry_selected"]

MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Found:
    """What a selection holds, at most `MOST_AT_ONCE` of each, and what was done about it."""

    deliveries: int
    calls: int
    reasons: dict[str, int]
    retried: int = 0
    passed_over: int = 0
    """They have gone meanwhile, or their recipient has no account any more."""


async def preview(session: AsyncSession, selection: Selection) -> Found:
    """What `retry_selected` would send again. Changes nothing."""
    deliveries, calls = await _selected(session, selection)
    return _found(deliveries, calls)


async def retry_selected(session: AsyncSession, selection: Selection, *, actor: Actor, now: datetime) -> Found:
    """Send again what the selection holds, the oldest first. An unknown one may then arrive twice."""
    deliveries, calls = await _selected(session, selection)
    found, retried = _found(deliveries, calls), 0
    for delivery_id, _ in deliveries:
        again = _delivery_again(session, delivery_id, actor, now)
        retried += await _unless_gone(session, again)
    for call_id, _ in calls:
        retried += await _unless_gone(session, _call_again(session, call_id, actor, now))
    passed_over = found.deliveries + found.calls - retried
    return Found(found.deliveries, found.calls, found.reasons, retried, passed_over)


Chosen = list[tuple[Any, str]]
"""Ids, and why each ended."""


async def _selected(session: AsyncSession, selection: Selection) -> tuple[Chosen, Chosen]:
    deliveries: Chosen = []
    if selection.kind in {None, CallKind.MESSAGE_SEND}:
        deliveries = await queries.ended_deliveries(session, selection, most=MOST_AT_ONCE)
    kinds = ledger.RETRIED_BY_PERSONS if selection.kind is None else ledger.RETRIED_BY_PERSONS & {selection.kind}
    calls = await ledger_queries.ended_calls(session, selection, kinds=kinds, most=MOST_AT_ONCE)
    return deliveries, calls


def _found(deliveries: Chosen, calls: Chosen) -> Found:
    reasons = Counter(reason for _, reason in [*deliveries, *calls])
    return Found(len(deliveries), len(calls), dict(sorted(reasons.items())))


def _delivery_again(
    session: AsyncSession, delivery_id: int, actor: Actor, now: datetime
) -> Callable[[], Awaitable[object]]:
    return lambda: retry_delivery(session, delivery_id=delivery_id, actor=actor, now=now)


def _call_again(session: AsyncSession, call_id: UUID, actor: Actor, now: datetime) -> Callable[[], Awaitable[object]]:
    return lambda: ledger.retry_call(session, call_id=call_id, actor=actor, now=now)


async def _unless_gone(session: AsyncSession, again: Callable[[], Awaitable[object]]) -> bool:
    try:
        async with session.begin_nested():
            await again()
    except (NothingToRetry, ledger.NotRetried, RecipientGone):
        return False
    return True
