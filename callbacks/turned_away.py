"""Callers that were refused, remembered in bounded memory until the next flush: a flood costs a counter (F2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.inbox.refusals import Attempts
from callbacks.crypto import Signed
from callbacks.errors import Refused

LOGGED: Final = 20
"""Lines of the log between two flushes; the rest is counted."""

_CALLERS: Final = 50  # told apart between two flushes, per channel; the rest are "others"
_CALLER_LENGTH: Final = 64


@dataclass(slots=True)
class _Caller:
    times: int
    first_at: datetime
    last_at: datetime
    correlation_id: str
    signed: Signed | None


class TurnedAway:
    """Notes refusals; `take` gives and forgets them."""

    def __init__(self) -> None:
        self._callers: dict[str, dict[tuple[str, str, str, bool], _Caller]] = {}
        self._noted = 0

    def note(
        self,
        channel: str,
        refusal: Refused,
        *,
        caller: str,
        now: datetime,
        correlation_id: str,
        signed: Signed | None = None,
        is_own: bool = False,
    ) -> bool:
        """Returns whether this one is worth a line in the log. `signed` is examined later, when the flush has time.

        `is_own`: our own doctor asked, not the platform.
        """
        callers = self._callers.setdefault(channel, {})
        # What is examined gets its `disagrees` then.
        key = (refusal.reason.value, "" if signed else refusal.disagrees or "", caller[:_CALLER_LENGTH], is_own)
        if key not in callers and len(callers) >= _CALLERS:
            key = (*key[:2], "", is_own)
        if known := callers.get(key):
            known.times, known.last_at, known.correlation_id = known.times + 1, now, correlation_id
        else:
            callers[key] = _Caller(1, now, now, correlation_id, signed)
        self._noted += 1
        return self._noted <= LOGGED

    def take(self, examine: Callable[[str, Signed], str]) -> tuple[list[Attempts], int]:
        """What was noted since the last time, and how many of them had no line in the log."""
        taken, self._callers = self._callers, {}
        silent, self._noted = max(0, self._noted - LOGGED), 0
        attempts = [
            Attempts(
                channel,
                reason,
                examine(channel, found.signed) if found.signed else disagrees,
                caller,
                found.times,
                found.first_at,
                found.last_at,
                found.correlation_id,
                is_own,
            )
            for channel, callers in taken.items()
            for (reason, disagrees, caller, is_own), found in callers.items()
        ]
        return attempts, silent
