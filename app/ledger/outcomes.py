"""Calls the handler of an outcome: a domain's manifest names it by the purpose of the call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.manifest import registry_of
from models.delivery import CallState, OutgoingCall

OutcomeHandler = Callable[[AsyncSession, OutgoingCall, datetime], Awaitable[None]]
"""`(session, call, now)`, in the transaction that records a final state: done, failed or unknown. A call that was
unknown is heard of again when a person resolves it."""


@dataclass(frozen=True)
class OnFailure:
    """A handler that hears only of calls that did not end well. The savepoint of each hearing has its price, and
    thousands of cards are updated in a minute.
    """

    handler: OutcomeHandler

    async def __call__(self, session: AsyncSession, call: OutgoingCall, now: datetime) -> None:
        await self.handler(session, call, now)


def is_heard(session: AsyncSession, call: OutgoingCall) -> bool:
    """Whether a domain has a handler for this outcome."""
    handler = registry_of(session).outcomes.get(call.purpose)
    return handler is not None and not (isinstance(handler, OnFailure) and call.state is CallState.DONE)


async def tell_outcome(session: AsyncSession, *, call: OutgoingCall, now: datetime) -> None:
    """Call the handler that a domain has registered for the call's purpose."""
    handler = registry_of(session).outcomes.get(call.purpose)
    if handler is not None:
        await handler(session, call, now)
