"""When a morning's digest goes. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from app.working_time import WorkingCalendar

LATEST: Final = timedelta(hours=3)
"""So long after its time a digest still goes, as after an outage. Later it would be none of the morning."""
LOOK_AGAIN: Final = time(8)
"""Under a policy without a digest the timer looks at this hour whether one has come into force."""


def next_moment(now: datetime, at: time | None, working: WorkingCalendar) -> datetime:
    """The next time after `now`, on any day: whether the day is worked is asked on that day, by its own calendar."""
    local = working.local(now)
    due = datetime.combine(local.date(), at or LOOK_AGAIN, working.timezone)
    if due <= local:
        due = datetime.combine(local.date() + timedelta(days=1), at or LOOK_AGAIN, working.timezone)
    return working.local(due).astimezone(now.tzinfo)


def day_of(now: datetime, at: time | None, working: WorkingCalendar) -> date | None:
    """The day whose digest may go now. None: on a day off, before its time, and so long after it that noon is near."""
    local = working.local(now)
    if at is None or not working.is_working_day(local.date()):
        return None
    due = datetime.combine(local.date(), at, working.timezone)
    return local.date() if due <= local < due + LATEST else None
