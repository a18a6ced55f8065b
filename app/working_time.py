"""The company calendar and local time: working days with 调休 swaps, working hours, durations of the policy (D14).

Pure: no database, no clock. Moments come in aware and go out in UTC; local time exists in here only. A day that the
calendar does not name counts Monday to Friday, so the mapping holds the exceptions: holidays, worked Saturdays.

The one convention to know: working time is a line of closed intervals. Adding a positive amount lands inside an
interval or on its end (18:00, never 09:00 of the next day), so adding a + b is adding a, then b.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
ONE_DAY = timedelta(days=1)
SATURDAY = 5
# Ten years without a working day is a calendar gone wrong, not a long holiday.
HORIZON_DAYS = 3660


class NoWorkingTime(ValueError):
    """The calendar has no working day within ten years: a deadline in working time cannot be computed."""


class DurationUnit(StrEnum):
    SECOND = "s"
    MINUTE = "m"
    HOUR = "h"
    DAY = "d"


_SECONDS = {DurationUnit.SECOND: 1, DurationUnit.MINUTE: 60, DurationUnit.HOUR: 3600, DurationUnit.DAY: 86400}
_CHINESE = {
    DurationUnit.SECOND: ("秒", "个工作秒"),
    DurationUnit.MINUTE: ("分钟", "个工作分钟"),
    DurationUnit.HOUR: ("小时", "个工作小时"),
    DurationUnit.DAY: ("天", "个工作日"),
}
_ENGLISH = {
    DurationUnit.SECOND: "second",
    DurationUnit.MINUTE: "minute",
    DurationUnit.HOUR: "hour",
    DurationUnit.DAY: "day",
}
_WRITTEN = re.compile(r"(\d{1,5})(w?)([smhd])")


@dataclass(frozen=True, slots=True)
class PolicyDuration:
    """A length of time as the policy writes it: `30m`, `2h`, `3d` on the clock; `30wm`, `4wh`, `1wd` in working time.

    `1wd` reaches to the end of work on the next working day, as people mean it when they say 下一个工作日内.
    """

    amount: int
    unit: DurationUnit
    working: bool

    @classmethod
    def parse(cls, text: str) -> PolicyDuration:
        found = _WRITTEN.fullmatch(text.strip())
        if not found:
            raise ValueError("时长写作 30m、2h、3d（自然时间）或 30wm、4wh、1wd（工作时间）")
        return cls(int(found[1]), DurationUnit(found[3]), working=bool(found[2]))

    @property
    def is_working_days(self) -> bool:
        return self.working and self.unit is DurationUnit.DAY

    @property
    def length(self) -> timedelta:
        """The clock length. Working days have none: their length depends on the calendar."""
        if self.is_working_days:
            raise ValueError("a number of working days has no fixed length")
        return timedelta(seconds=self.amount * _SECONDS[self.unit])

    @property
    def chinese(self) -> str:
        """For people: `30 个工作分钟`."""
        plain, working = _CHINESE[self.unit]
        return f"{self.amount} {working if self.working else plain}"

    @property
    def english(self) -> str:
        """`30 working minutes`."""
        plural = "" if self.amount == 1 else "s"
        return f"{self.amount} {'working ' if self.working else ''}{_ENGLISH[self.unit]}{plural}"

    def __str__(self) -> str:
        return f"{self.amount}{'w' if self.working else ''}{self.unit.value}"


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Local times of one working day; the lunch break is not working time."""

    start: time
    end: time
    lunch: tuple[time, time] | None = None

    def __post_init__(self) -> None:
        marks = [self.start, *(self.lunch or ()), self.end]
        if any(earlier >= later for earlier, later in itertools.pairwise(marks)):
            raise ValueError("上班、午休、下班时间要先后有序，且在同一天内")

    def spans(self) -> list[tuple[time, time]]:
        if self.lunch is None:
            return [(self.start, self.end)]
        return [(self.start, self.lunch[0]), (self.lunch[1], self.end)]


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days and hours count as working time."""

    days: Mapping[date, bool]
    """Exceptions to Monday–Friday: a holiday is False, a worked Saturday is True."""
    hours: WorkingHours
    timezone: ZoneInfo = SHANGHAI

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", MappingProxyType(dict(self.days)))

    def is_working_day(self, day: date) -> bool:
        return self.days.get(day, day.weekday() < SATURDAY)

    def is_working_time(self, moment: datetime) -> bool:
        return any(start <= moment <= end for start, end in self._spans_of(self.local(moment).date()))

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.timezone)

    def add_working(self, start: datetime, amount: timedelta) -> datetime:
        """The moment when `amount` of working time has passed since `start`. Nothing added: the next working moment."""
        if amount < timedelta(0):
            return self._subtract_working(start, -amount)
        # In UTC, because adding to a local time ignores a change of the clocks on the way.
        start = _utc(start)
        for span_start, span_end in self._spans_from(start):
            begin = max(span_start, start)
            if amount <= span_end - begin:
                return begin + amount
            amount -= span_end - begin
        raise NoWorkingTime(f"no working time within {HORIZON_DAYS} days after {start.isoformat()}")

    def _subtract_working(self, end: datetime, amount: timedelta) -> datetime:
        end = _utc(end)
        for span_start, span_end in self._spans_before(end):
            finish = min(span_end, end)
            if amount <= finish - span_start:
                return finish - amount
            amount -= finish - span_start
        raise NoWorkingTime(f"no working time within {HORIZON_DAYS} days before {end.isoformat()}")

    def add_working_days(self, start: datetime, count: int) -> datetime:
        """The end of work on the `count`-th working day after the day of `start` (0: of that day itself).

        A negative count goes back, to the beginning of work: what is due on Monday is called up on Friday morning.
        """
        day = self.local(start).date()
        for _ in range(abs(count)):
            day = self._neighbour(day, ONE_DAY if count > 0 else -ONE_DAY)
        return _utc(self._at(day, self.hours.start if count < 0 else self.hours.end))

    def deadline(self, start: datetime, duration: PolicyDuration) -> datetime:
        """When `duration`, counted from `start`, is over."""
        if duration.is_working_days:
            return self.add_working_days(start, duration.amount)
        if duration.working:
            return self.add_working(start, duration.length)
        return _utc(start) + duration.length

    def before(self, due: datetime, duration: PolicyDuration) -> datetime:
        """The moment that lies `duration` before `due`: when to remind of it."""
        if duration.is_working_days:
            return self.add_working_days(due, -duration.amount)
        if duration.working and duration.amount:
            return self.add_working(due, -duration.length)
        return _utc(due) - duration.length

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two moments (zero when they are reversed)."""
        total = timedelta(0)
        start, end = _utc(start), _utc(end)
        if end <= start:
            return total
        for span_start, span_end in self._spans_from(start):
            if span_start >= end:
                break
            total += min(span_end, end) - max(span_start, start)
        return total

    def next_allowed(self, moment: datetime) -> datetime:
        """The moment itself when it is working time, else the beginning of the next working hours."""
        return self.add_working(moment, timedelta(0))

    def _neighbour(self, day: date, step: timedelta) -> date:
        for _ in range(HORIZON_DAYS):
            day += step
            if self.is_working_day(day):
                return day
        raise NoWorkingTime(f"no working day within {HORIZON_DAYS} days of {day.isoformat()}")

    def _at(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.timezone)

    def _spans_of(self, day: date) -> list[tuple[datetime, datetime]]:
        if not self.is_working_day(day):
            return []
        return [(_utc(self._at(day, start)), _utc(self._at(day, end))) for start, end in self.hours.spans()]

    def _spans_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans of working time that end at the moment or later, in order."""
        day = self.local(moment).date()
        for _ in range(HORIZON_DAYS):
            yield from ((start, end) for start, end in self._spans_of(day) if end >= moment)
            day += ONE_DAY

    def _spans_before(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans of working time that start at the moment or earlier, backwards."""
        day = self.local(moment).date()
        for _ in range(HORIZON_DAYS):
            yield from ((start, end) for start, end in reversed(self._spans_of(day)) if start <= moment)
            day -= ONE_DAY


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
