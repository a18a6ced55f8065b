"""A clock that moves when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONDAY_9AM = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Monday 2 March 2026, 09:00 in Shanghai: an ordinary working day."""


class FakeClock:
    def __init__(self, now: datetime = MONDAY_9AM) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        self._now += by
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now
