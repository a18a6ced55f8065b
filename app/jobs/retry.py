"""Retry is a value. Pure."""

from __future__ import annotations

from datetime import timedelta

MAX_ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)


def retry_delay(attempts: int) -> timedelta | None:
    """How long to wait after the failed attempt number `attempts` (1 is the first); None: give up and hold."""
    if attempts >= MAX_ATTEMPTS:
        return None
    delay: timedelta = min(FIRST_DELAY * 2 ** (attempts - 1), LONGEST_DELAY)
    return delay
