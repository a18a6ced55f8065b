"""Moments as people in Shanghai write them: `monday(23, 40)`. The Monday is that of `MONDAY_9AM`."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.fakes.clock import MONDAY_9AM

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


def monday(hour: int, minute: int = 0) -> datetime:
    return MONDAY_9AM.astimezone(SHANGHAI).replace(hour=hour, minute=minute)


def tuesday(hour: int, minute: int = 0) -> datetime:
    return monday(hour, minute) + DAY


def wednesday(hour: int, minute: int = 0) -> datetime:
    return monday(hour, minute) + 2 * DAY


def moment(text: str) -> datetime:
    """Of the wire, as a clock in Shanghai shows it."""
    return datetime.fromisoformat(text).astimezone(SHANGHAI)
