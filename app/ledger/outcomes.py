"""Who hears the outcome of a call: purpose → handler of the domain that caused it.

The domains stand above this package, so they hand their handlers down: each exports `OUTCOMES` in its jobs.py and the
composition root registers all of them once, in every process that can end a call (workers, and the API for `resolve`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

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


_HANDLERS: dict[str, OutcomeHandler | OnFailure] = {}


class PurposeTaken(Exception):
    """Two domains want to hear of the same purpose."""


def register_outcomes(handlers: Mapping[str, OutcomeHandler | OnFailure]) -> None:
    """Add a domain's table. The same table may be registered again; another handler for a purpose may not."""
    for purpose, handler in handlers.items():
        if _HANDLERS.setdefault(purpose, handler) is not handler:
            raise PurposeTaken(purpose)


def is_heard(call: OutgoingCall) -> bool:
    """Whether anybody wants to know how it ended."""
    handler = _HANDLERS.get(call.purpose)
    return handler is not None and not (isinstance(handler, OnFailure) and call.state is CallState.DONE)


async def tell_outcome(session: AsyncSession, *, call: OutgoingCall, now: datetime) -> None:
    handler = _HANDLERS.get(call.purpose)
    if isinstance(handler, OnFailure):
        handler = handler.handler
    if handler is not None:
        await handler(session, call, now)
