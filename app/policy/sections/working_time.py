"""The hours of a working day (D14)."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import WithJsonSchema, model_validator

from app.policy.sections.values import Section
from app.working_time import WorkingHours

LocalTime = Annotated[
    time,
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$", "examples": ["09:00:00"]}),
]
"""A time of day where the company is. JSON Schema's own `time` would ask for an offset."""


class TimeSpan(Section):
    """Local times. `start` later than `end` means over midnight."""

    start: LocalTime
    end: LocalTime


def within(at: time, span: TimeSpan) -> bool:
    """Whether a local time lies in the span; its end does not."""
    if span.start <= span.end:
        return span.start <= at < span.end
    return at >= span.start or at < span.end


class WorkingTimeRule(Section):
    """D14: the hours of a working day; which days are working days is the calendar's matter."""

    work_start: LocalTime
    work_end: LocalTime
    lunch: TimeSpan | None = None

    @model_validator(mode="after")
    def _in_order(self) -> WorkingTimeRule:
        self.as_hours()
        return self

    def as_hours(self) -> WorkingHours:
        lunch = (self.lunch.start, self.lunch.end) if self.lunch else None
        return WorkingHours(self.work_start, self.work_end, lunch)
