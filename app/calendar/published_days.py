"""The working days that the state has published, and what counts while a year is not published yet (D14). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import chinese_calendar

from app.working_time import SATURDAY

LIBRARY = "library"
PROVISIONAL = "provisional"
COMPANY = "company"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the company calendar, stored or presumed."""

    day: date
    is_working: bool
    note: str
    source: str
    """`library`, `provisional` (the year's holidays are not published yet), `company` (set by a person)."""


def published_day(day: date) -> Day:
    """What the holiday library says of a day. A year that is not published counts Monday to Friday, provisionally."""
    try:
        is_working = chinese_calendar.is_workday(day)
        is_holiday, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return Day(day, day.weekday() < SATURDAY, "", PROVISIONAL)
    occasion = chinese_calendar.Holiday(name).chinese if name else ""
    return Day(day, is_working, occasion if is_holiday or not occasion else f"{occasion}调休上班", LIBRARY)
