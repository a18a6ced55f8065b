"""A callback is refused when its timestamp is too far from now: nobody may send an old one again (callbacks §1.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from callbacks.errors import Reason, Refused

_SECONDS: Final = re.compile(r"[0-9]{1,11}")


def check_window(timestamp: str, *, now: datetime, window: timedelta) -> None:
    """The replay window, on both sides of the clock."""
    if not _SECONDS.fullmatch(timestamp):
        raise Refused(Reason.BAD_TIMESTAMP)
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    if now - sent_at > window:
        raise Refused(Reason.STALE_TIMESTAMP)
    if sent_at - now > window:
        raise Refused(Reason.FUTURE_TIMESTAMP)
