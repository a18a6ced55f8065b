"""The working calendar, for the domains: `from app.calendar import service as calendars`."""

from __future__ import annotations

from app.calendar.company_days import days_between, fill_calendar, set_day, would_move
from app.calendar.deadlines import calendar, deadline, reminder, timezone_of
from app.calendar.move_timers import MovedTimer
from app.calendar.published_days import COMPANY, PROVISIONAL, Day
from app.calendar.rules import Basis

__all__ = [
    "COMPANY",
    "PROVISIONAL",
    "Basis",
    "Day",
    "MovedTimer",
    "calendar",
    "days_between",
    "deadline",
    "fill_calendar",
    "reminder",
    "set_day",
    "timezone_of",
    "would_move",
]
