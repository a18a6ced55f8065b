"""The fields of a schedule, checked (doc path/93648). Codes: doc path/90313, 90456 to 90494, 90704."""

from dataclasses import dataclass
from typing import Any

from sandbox.api.call import Call
from sandbox.approval import Who
from sandbox.company import Person
from sandbox.errors import PlatformError

ATTENDEES_MOST = 1_000
ADMINS_MOST = 3
SUMMARY = 128
DESCRIPTION = 1_000
LOCATION = 128
NEW_SUMMARY = "新建事件"
BEFORE = frozenset([0, 300, 900, 3_600, 86_400])
DIFFS = frozenset([0, -300, -900, -3_600, -86_400])
WHOLE_DAY_DIFFS = DIFFS | {32_400, -172_800, -604_800}
REPEATS = frozenset([0, 1, 2, 5, 7])
ZONES = range(-12, 13)
WEEKLY, MONTHLY = 1, 2


@dataclass
class ScheduleFields:
    start: int
    end: int
    values: dict[str, Any]
    reminders: dict[str, Any]
    attendees: list[Who]
    admins: list[Who]
    organizer: Who | None


def checked_schedule(call: Call, given: dict[str, Any]) -> ScheduleFields:
    start, end = given.get("start_time"), given.get("end_time")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 < start <= end:
        raise PlatformError(40058, "start_time and end_time are needed, in this order")
    whole_day = _flag(given, "is_whole_day")
    attendees = people_of(call, given.get("attendees"))
    admins = [Who.of(_member(call, userid)) for userid in given.get("admins") or []]
    if len(admins) > ADMINS_MOST:
        raise PlatformError(40058, "three admins at most")
    organizer = Who.of(_member(call, given["organizer"])) if given.get("organizer") else None
    return ScheduleFields(
        start=start,
        end=end,
        values={
            "summary": _text(given, "summary", SUMMARY) or NEW_SUMMARY,
            "description": _text(given, "description", DESCRIPTION),
            "location": _text(given, "location", LOCATION),
            "is_whole_day": whole_day,
        },
        reminders=checked_reminders(given.get("reminders") or {}, whole_day=bool(whole_day)),
        attendees=attendees,
        admins=admins,
        organizer=organizer,
    )


def people_of(call: Call, rows: Any) -> list[Who]:
    """`[{"userid": …}]`; 90464 beyond 1,000, 60111 for somebody unknown or out of sight."""
    rows = rows or []
    if not isinstance(rows, list):
        raise PlatformError(40058, "attendees is not a list")
    if len(rows) > ATTENDEES_MOST:
        raise PlatformError(90464)
    people = {person.serial: person for person in (_member(call, row.get("userid")) for row in rows)}
    return [Who.of(person) for person in people.values()]


def _member(call: Call, userid: Any) -> Person:
    person = call.state.company.person(str(userid))
    if not call.sight.sees_person(person):
        raise PlatformError(60111, str(userid))
    return person


def _text(given: dict[str, Any], name: str, most: int) -> str:
    text = str(given.get(name) or "")
    if len(text) > most:
        raise PlatformError(40058, f"{name} takes {most} characters")
    return text


def _flag(given: dict[str, Any], name: str) -> int:
    value = given.get(name, 0)
    if value not in {0, 1}:
        raise PlatformError(40058, f"{name} is 0 or 1")
    return int(value)


def checked_reminders(given: dict[str, Any], *, whole_day: bool) -> dict[str, Any]:
    checked: dict[str, Any] = {name: _flag(given, name) for name in ("is_remind", "is_repeat", "is_custom_repeat")}
    before = given.get("remind_before_event_secs", 0)
    diffs = given.get("remind_time_diffs")
    zone = given.get("timezone", 8)
    if before not in BEFORE:
        raise PlatformError(90471)
    if diffs is not None and not set(diffs) <= (WHOLE_DAY_DIFFS if whole_day else DIFFS):
        raise PlatformError(90704)
    if zone not in ZONES:
        raise PlatformError(90480)
    if checked["is_remind"]:
        checked |= {"remind_time_diffs": diffs} if diffs else {"remind_before_event_secs": before}
    if checked["is_repeat"]:
        checked |= _repeating(given, custom=bool(checked["is_custom_repeat"]))
    return checked | {"timezone": zone}


def _repeating(given: dict[str, Any], *, custom: bool) -> dict[str, Any]:
    kind = given.get("repeat_type", 0)
    if kind not in REPEATS:
        raise PlatformError(90465)
    repeating = {"repeat_type": kind, "repeat_until": int(given.get("repeat_until") or 0)}
    if not custom:
        return repeating
    interval = given.get("repeat_interval")
    if not isinstance(interval, int) or interval < 1:
        raise PlatformError(90486)
    repeating["repeat_interval"] = interval
    if kind == WEEKLY:
        repeating["repeat_day_of_week"] = _days(given.get("repeat_day_of_week"), 7, 90467)
    if kind == MONTHLY:
        repeating["repeat_day_of_month"] = _days(given.get("repeat_day_of_month"), 31, 90487)
    return repeating


def _days(days: Any, most: int, errcode: int) -> Any:
    if days is None:
        return []
    if not isinstance(days, list) or not all(isinstance(day, int) and 1 <= day <= most for day in days):
        raise PlatformError(errcode)
    return days
