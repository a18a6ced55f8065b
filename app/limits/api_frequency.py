"""What the client asks before each call: may this path be called now? And tells it afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from app.clock import Clock
from app.database import Sessions
from app.limits.breaker import BLOCKING, NO_ANSWER, Breaker, Exhausted
from app.limits.usage.leases import Leases, Unit

__all__ = ["BLOCKING", "NO_ANSWER", "Admission", "Exhausted", "Ticket"]

PATIENCE = timedelta(seconds=65)
"""A read waits out a minute; what takes longer is told to whoever asked for it."""
LOOK_EVERY_SECONDS = 0.25

UNBROKEN = frozenset({"gettoken"})
"""Blocked for wrong secrets: the refusal is remembered with the secret, so that a corrected one is tried at once."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The permission to make one call."""

    path: str
    app_id: str
    unit: Unit | None
    is_probe: bool


class Admission:
    """One per process; what is used, leased and blocked is shared by all through the database."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._clock = clock
        self._leases = Leases(sessions, clock)
        self._breaker = Breaker(sessions, clock)

    async def admit(self, path: str, app_id: str, *, waits: bool) -> Ticket:
        """Before the call, with no transaction open. `waits`: a read waits for its turn, for a minute at the most.

        Raises `Exhausted`, with the moment from which it is worth trying again. It may be cancelled while it waits.
        """
        gives_up = monotonic() + PATIENCE.total_seconds()
        while True:
            try:
                return await self._admit(path, app_id)
            except Exhausted as exhausted:
                left = exhausted.until - self._clock.now()
                if not waits or left > PATIENCE or monotonic() > gives_up:
                    raise
            await asyncio.sleep(min(max(left.total_seconds(), 0.0), LOOK_EVERY_SECONDS))

    async def passed(self, ticket: Ticket) -> None:
        """The call was answered, or refused for a reason of its own."""
        if ticket.is_probe:
            await self._breaker.passed(ticket.path, ticket.app_id)
        if ticket.unit is not None:
            await self._leases.finish(ticket.unit)

    async def lost(self, ticket: Ticket) -> None:
        """It was sent, and nothing came back."""
        if ticket.is_probe:
            await self._breaker.not_tried(ticket.path, ticket.app_id)
        if ticket.unit is not None:
            await self._leases.finish(ticket.unit)

    async def not_reached(self, ticket: Ticket) -> None:
        """Nothing of the call arrived."""
        if ticket.is_probe:
            await self._breaker.not_tried(ticket.path, ticket.app_id)
        if ticket.unit is not None:
            self._leases.hand_back(ticket.unit)

    async def refused(self, ticket: Ticket, errcode: int) -> Exhausted | None:
        """The platform has blocked the path (45009, 45033): since when nobody calls it, and until when."""
        if ticket.unit is not None:
            await self._leases.finish(ticket.unit)
        if ticket.path in UNBROKEN:
            return None
        until = await self._breaker.refused(ticket.path, ticket.app_id, errcode=errcode, was_probe=ticket.is_probe)
        return Exhausted("blocked", until)

    async def trouble(self, ticket: Ticket, errcode: int) -> datetime | None:
        """A write failed for a reason that is not its own: since when nobody writes to the path, and until when."""
        if ticket.unit is not None:
            if errcode == NO_ANSWER:
                self._leases.hand_back(ticket.unit)
            else:
                await self._leases.finish(ticket.unit)
        if ticket.path in UNBROKEN:
            return None
        return await self._breaker.refused(ticket.path, ticket.app_id, errcode=errcode, was_probe=ticket.is_probe)

    async def _admit(self, path: str, app_id: str) -> Ticket:
        is_probe = path not in UNBROKEN and await self._breaker.pass_by(path, app_id)
        try:
            unit = await self._leases.take(path, app_id)
        except BaseException:
            if is_probe:
                await self._breaker.not_tried(path, app_id)
            raise
        return Ticket(path, app_id, unit, is_probe)
