"""Calendars, schedules and to-dos, and on which days a repeating schedule takes place (doc path/93648, path/101524)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.approval import Who

DAILY, WEEKLY, MONTHLY, YEARLY, WEEKDAYS = 0, 1, 2, 5, 7
NOT_ANSWERED, TENTATIVE, ACCEPTED, ACCEPTED_ONCE, DECLINED = 0, 1, 2, 3, 4
LIVING, CANCELLED = 0, 1
IN_PROGRESS, DONE = 1, 0
"""Of a to-do and of each participant: 0 is done."""

WEEK = 7
FRIDAY = 5
DAYS_MOST = 366 * 30


@dataclass(slots=True)
class Calendar:
    """`agent_id` is the app that made it; None when a person did."""

    cal_id: str
    agent_id: int | None
    values: dict[str, Any]
    admins: list[Who]
    shares: list[tuple[Who, int]]
    deleted: bool = False
    is_default: bool = False


@dataclass(slots=True)
class Attendee:
    who: Who
    answer: int = NOT_ANSWERED
    deleted: bool = False
    """The person has taken it off their own calendar."""


@dataclass(slots=True)
class Schedule:
    schedule_id: str
    agent_id: int | None
    cal_id: str
    start: int
    end: int
    values: dict[str, Any]
    """summary, description, location, is_whole_day."""
    reminders: dict[str, Any]
    attendees: list[Attendee]
    admins: list[Who]
    creator: Who | None = None
    organizer: Who | None = None
    """Only in the older form of the API."""
    status: int = LIVING
    excluded: list[int] = field(default_factory=list)
    room_booked: bool = False

    @property
    def repeats(self) -> bool:
        return bool(self.reminders.get("is_repeat"))

    def attendee(self, serial: int) -> Attendee | None:
        return next((a for a in self.attendees if a.who.serial == serial), None)

    def takes_place(self, at: int) -> bool:
        """Whether one of the series begins at this moment."""
        if not self.repeats:
            return at == self.start
        return any(start == at for start in self.starts(until=at))

    def starts(self, *, until: int) -> Iterator[int]:
        """The beginnings of the series up to and including `until`, without those taken out of it."""
        zone = timedelta(hours=int(self.reminders.get("timezone", 8)))
        first = datetime.fromtimestamp(self.start, UTC) + zone
        last = int(self.reminders.get("repeat_until") or 0) or until
        for days in range(DAYS_MOST):
            day = first + timedelta(days=days)
            at = self.start + days * 86_400
            if at > min(until, last):
                return
            if _falls_on(self.reminders, first, day) and at not in self.excluded:
                yield at


def _falls_on(reminders: dict[str, Any], first: datetime, day: datetime) -> bool:
    """Whether a series that begins on `first` takes place on `day` too."""
    kind, step = int(reminders.get("repeat_type") or DAILY), 1
    weekdays, month_days = [first.isoweekday()], [first.day]
    if reminders.get("is_custom_repeat"):
        step = int(reminders.get("repeat_interval") or 1)
        weekdays = reminders.get("repeat_day_of_week") or weekdays
        month_days = reminders.get("repeat_day_of_month") or month_days
    passed = (day.date() - first.date()).days
    monday = first.date() - timedelta(days=first.weekday())
    weeks = (day.date() - monday).days // WEEK
    month_count = (day.year - first.year) * 12 + day.month - first.month
    return {
        DAILY: passed % step == 0,
        WEEKLY: weeks % step == 0 and day.isoweekday() in weekdays,
        MONTHLY: month_count % step == 0 and day.day in month_days,
        YEARLY: (day.year - first.year) % step == 0 and (day.month, day.day) == (first.month, first.day),
        WEEKDAYS: day.isoweekday() <= FRIDAY,
    }[kind]


@dataclass(slots=True)
class Todo:
    """待办: people create it through the native form, an app reads and updates its own."""

    todo_id: str
    agent_id: int
    creator: Who
    content: str
    create_time: int
    end_time: int
    participants: list[tuple[Who, int]]
    status: int = IN_PROGRESS
    reminders: list[int] = field(default_factory=list)
    deleted: bool = False


@dataclass(slots=True)
class Meeting:
    meeting_id: str
    agent_id: int
    admin: Who
    values: dict[str, Any]
    invitees: list[Who]
    cancelled: bool = False

    def concerns(self, serial: int) -> bool:
        return serial in {self.admin.serial, *(who.serial for who in self.invitees)}


class ScheduleDesk:
    def __init__(self) -> None:
        self.calendars: dict[str, Calendar] = {}
        self.schedules: dict[str, Schedule] = {}
        self.todos: dict[str, Todo] = {}
        self.meetings: dict[str, Meeting] = {}

    def default_calendar(self, agent_id: int) -> str:
        """The app's own default calendar, made when it is first needed."""
        cal_id = f"wcDefault{agent_id}"
        if cal_id not in self.calendars:
            values = {"summary": "应用日历", "color": "#3F6FFF", "description": ""}
            self.calendars[cal_id] = Calendar(cal_id, agent_id, values, [], [], is_default=True)
        return cal_id

    def of_person(self, serial: int) -> list[Schedule]:
        """What stands in a person's own calendar, by its beginning."""
        mine = [s for s in self.schedules.values() if s.status == LIVING and _concerns(s, serial)]
        return sorted(mine, key=lambda schedule: schedule.start)


def _concerns(schedule: Schedule, serial: int) -> bool:
    attendee = schedule.attendee(serial)
    if attendee is not None:
        return not attendee.deleted
    return any(who is not None and who.serial == serial for who in (schedule.creator, schedule.organizer))
