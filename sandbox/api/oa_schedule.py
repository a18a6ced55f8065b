"""oa/schedule/* (doc path/93648, path/97720 to 97725). An app touches only what it made itself (90466)."""

import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity, Handler
from sandbox.api.oa_calendar import allowed_app, own_calendar
from sandbox.api.schedule_fields import ScheduleFields, checked_schedule, people_of
from sandbox.approval import Who
from sandbox.errors import PlatformError, ok
from sandbox.schedules import CANCELLED, Attendee, Schedule

IDS_MOST = 1_000
PAGE_MOST = 1_000
PAGE_DEFAULT = 500
ALL, ONE, LATER = 0, 1, 2


def add(call: Call) -> dict[str, Any]:
    app = allowed_app(call)
    given = call.body.get("schedule") or {}
    fields = checked_schedule(call, given)
    cal_id = given.get("cal_id") or call.state.schedules.default_calendar(app.agent_id)
    calendar = own_calendar(call, cal_id)
    sharing = {who.serial for who, _permission in calendar.shares}
    if not calendar.is_default and any(who.serial not in sharing for who in fields.admins):
        raise PlatformError(90492)
    call.state.limits.charge("schedule", str(app.agent_id))
    made = _new(fields, app.agent_id, cal_id, {})
    call.state.schedules.schedules[made.schedule_id] = made
    return ok(schedule_id=made.schedule_id)


def _new(fields: ScheduleFields, agent_id: int | None, cal_id: str, answers: dict[int, Attendee]) -> Schedule:
    attendees = [answers.get(who.serial) or Attendee(who) for who in fields.attendees]
    made = Schedule(
        schedule_id="17c7" + secrets.token_hex(14),
        agent_id=agent_id,
        cal_id=cal_id,
        start=fields.start,
        end=fields.end,
        values=fields.values,
        reminders=fields.reminders,
        attendees=attendees,
        admins=fields.admins,
    )
    made.organizer = fields.organizer
    return made


def own_schedule(call: Call, schedule_id: Any) -> Schedule:
    """90461 for an unknown one, 90466 for another app's, 90479 for a person's."""
    schedule = call.state.schedules.schedules.get(str(schedule_id or ""))
    if schedule is None:
        raise PlatformError(90461)
    if schedule.agent_id is None:
        raise PlatformError(90479)
    if schedule.agent_id != allowed_app(call).agent_id:
        raise PlatformError(90466)
    return schedule


def _living(call: Call, schedule_id: Any) -> Schedule:
    schedule = own_schedule(call, schedule_id)
    if schedule.status == CANCELLED:
        raise PlatformError(90460)
    return schedule


def update(call: Call) -> dict[str, Any]:
    """Overwrites. `op_mode` 1 takes one out of the series, 2 cuts it; both answer the new schedule's id."""
    allowed_app(call)
    given = call.body.get("schedule") or {}
    schedule = _living(call, given.get("schedule_id"))
    if schedule.room_booked:
        raise PlatformError(90700)
    fields = checked_schedule(call, given)
    if given.get("cal_id") and given["cal_id"] != schedule.cal_id:
        raise PlatformError(90494)
    if fields.organizer and schedule.organizer and fields.organizer.serial != schedule.organizer.serial:
        raise PlatformError(90463)
    if int(call.body.get("skip_attendees") or 0) == 1:
        fields.attendees = [attendee.who for attendee in schedule.attendees]
    mode, at = _part(call, schedule)
    answers = {attendee.who.serial: attendee for attendee in schedule.attendees}
    if mode == ALL:
        _overwrite(schedule, fields, answers)
        return ok()
    fresh = {serial: Attendee(a.who, a.answer, a.deleted) for serial, a in answers.items()}
    split = _new(fields, schedule.agent_id, schedule.cal_id, fresh)
    _take_out(schedule, mode, at)
    if mode == ONE:
        split.reminders = split.reminders | {"is_repeat": 0}
    call.state.schedules.schedules[split.schedule_id] = split
    return ok(schedule_id=split.schedule_id)


def _overwrite(schedule: Schedule, fields: ScheduleFields, answers: dict[int, Attendee]) -> None:
    schedule.start, schedule.end = fields.start, fields.end
    schedule.values, schedule.reminders, schedule.admins = fields.values, fields.reminders, fields.admins
    schedule.attendees = [answers.get(who.serial) or Attendee(who) for who in fields.attendees]
    schedule.excluded = []


def _part(call: Call, schedule: Schedule) -> tuple[int, int]:
    """`op_mode` and `op_start_time`: 90485, 90484 for one that does not repeat, 90482 when nothing begins then."""
    mode, at = call.body.get("op_mode", ALL), int(call.body.get("op_start_time") or 0)
    if mode not in {ALL, ONE, LATER}:
        raise PlatformError(90485)
    if mode != ALL and not schedule.repeats:
        raise PlatformError(90484)
    if mode != ALL and not schedule.takes_place(at):
        raise PlatformError(90482)
    return int(mode), at


def _take_out(schedule: Schedule, mode: int, at: int) -> None:
    if mode == ONE:
        schedule.excluded.append(at)
    elif at == schedule.start:
        schedule.status = CANCELLED
    else:
        schedule.reminders = schedule.reminders | {"repeat_until": at - 1}


def delete(call: Call) -> dict[str, Any]:
    allowed_app(call)
    schedule = _living(call, call.body.get("schedule_id"))
    mode, at = _part(call, schedule)
    if mode == ALL:
        schedule.status = CANCELLED
    else:
        _take_out(schedule, mode, at)
    return ok()


def get(call: Call) -> dict[str, Any]:
    """Cancelled ones too, with status 1."""
    allowed_app(call)
    wanted = call.list_of("schedule_id_list")
    if not wanted:
        raise PlatformError(90462)
    if len(wanted) > IDS_MOST:
        raise PlatformError(40058, "schedule_id_list takes 1000")
    return ok(schedule_list=[schedule_json(call, _readable(call, one)) for one in wanted])


def _readable(call: Call, schedule_id: Any) -> Schedule:
    """What a person put into the app's own calendar can be read, though not changed."""
    schedule = call.state.schedules.schedules.get(str(schedule_id or ""))
    if schedule is not None and schedule.agent_id is None:
        own_calendar(call, schedule.cal_id)
        return schedule
    return own_schedule(call, schedule_id)


def get_by_calendar(call: Call) -> dict[str, Any]:
    """What people put into the app's calendar can be read here, though not changed; cancelled ones too."""
    allowed_app(call)
    calendar = own_calendar(call, call.body.get("cal_id"))
    offset, limit = call.body.get("offset", 0), call.body.get("limit", PAGE_DEFAULT)
    if not isinstance(limit, int) or not 1 <= limit <= PAGE_MOST:
        raise PlatformError(90469)
    if not isinstance(offset, int) or offset < 0:
        raise PlatformError(90470)
    found = [s for s in call.state.schedules.schedules.values() if s.cal_id == calendar.cal_id]
    return ok(schedule_list=[schedule_json(call, schedule) for schedule in found[offset : offset + limit]])


def add_attendees(call: Call) -> dict[str, Any]:
    allowed_app(call)
    schedule = _living(call, call.body.get("schedule_id"))
    coming = [who for who in people_of(call, call.body.get("attendees")) if schedule.attendee(who.serial) is None]
    if len(schedule.attendees) + len(coming) > IDS_MOST:
        raise PlatformError(90464)
    schedule.attendees += [Attendee(who) for who in coming]
    return ok()


def del_attendees(call: Call) -> dict[str, Any]:
    allowed_app(call)
    schedule = _living(call, call.body.get("schedule_id"))
    going = {who.serial for who in people_of(call, call.body.get("attendees"))}
    schedule.attendees = [attendee for attendee in schedule.attendees if attendee.who.serial not in going]
    return ok()


def schedule_json(call: Call, schedule: Schedule) -> dict[str, Any]:
    company = call.state.company

    def userid(who: Who) -> str:
        return who.userid(company)

    reminders = schedule.reminders | ({"exclude_time_list": _excluded(schedule)} if schedule.excluded else {})
    shown: dict[str, Any] = {
        "schedule_id": schedule.schedule_id,
        "cal_id": schedule.cal_id,
        "start_time": schedule.start,
        "end_time": schedule.end,
        "status": schedule.status,
        "admins": [userid(who) for who in schedule.admins],
        "attendees": [{"userid": userid(a.who), "response_status": a.answer} for a in schedule.attendees],
        "reminders": reminders,
    }
    if schedule.organizer is not None:
        shown["organizer"] = userid(schedule.organizer)
    return shown | schedule.values


def _excluded(schedule: Schedule) -> list[dict[str, int]]:
    return [{"start_time": at} for at in schedule.excluded]


def _reading(handle: Handler, source: str) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source=source,
        note="应答外层的字段名（schedule_list、exclude_time_list）未能与文档核对",
        note_en="the names schedule_list and exclude_time_list could not be checked",
    )


ENDPOINTS = {
    "oa/schedule/add": Endpoint("POST", add, fidelity=Fidelity.EXACT, source="path/93648"),
    "oa/schedule/update": Endpoint(
        "POST",
        update,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/97720",
        note="改变整个系列时，此前被单独取出的各次重新并入",
        note_en="changing the whole series puts back what was taken out of it",
    ),
    "oa/schedule/get": _reading(get, "path/97724"),
    "oa/schedule/del": Endpoint("POST", delete, fidelity=Fidelity.EXACT, source="path/97723"),
    "oa/schedule/get_by_calendar": _reading(get_by_calendar, "path/97725"),
    "oa/schedule/add_attendees": Endpoint("POST", add_attendees, fidelity=Fidelity.EXACT, source="path/97721"),
    "oa/schedule/del_attendees": Endpoint("POST", del_attendees, fidelity=Fidelity.EXACT, source="path/97722"),
}
