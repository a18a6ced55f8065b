"""Days of the working calendar as REST shows them."""

from __future__ import annotations

from collections.abc import Sequence

from app.calendar.published_days import Day
from app.calendar.schemas import CalendarOut, DayOut


def calendar(rows: Sequence[Day]) -> CalendarOut:
    return CalendarOut(items=[day(row) for row in rows])


def day(row: Day) -> DayOut:
    return DayOut.model_validate(row, from_attributes=True)
