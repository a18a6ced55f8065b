"""meeting/create, cancel, get_info and get_user_meetingid (doc path/99104): enough to book one and to see it booked."""

import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.approval import Who
from sandbox.company import Person
from sandbox.errors import PlatformError, ok
from sandbox.schedules import Meeting

TITLE_CHARACTERS = 20
TITLE_BYTES = 40
SHORTEST, LONGEST = 300, 86_399
DESCRIPTION = 500
LOCATION = 128
BOOKED, CANCELLED = 1, 4


@dataclass
class MeetingFields:
    admin: Person
    values: dict[str, Any]
    invitees: list[Who]


def _allowed(call: Call) -> int:
    """An app under 会议 → 可调用接口的应用: 48002."""
    if call.app is None or not call.state.is_allowed(call.app, call.state.config.meeting_apps):
        raise PlatformError(48002)
    return call.app.agent_id


def create(call: Call) -> dict[str, Any]:
    """One invitee who does not exist fails the whole call. Nobody exceeds a quota here: `excess_users` is empty."""
    agent_id = _allowed(call)
    fields = _fields(call)
    meeting = Meeting(
        "hyXG0RCQ" + secrets.token_hex(10), agent_id, Who.of(fields.admin), fields.values, fields.invitees
    )
    call.state.schedules.meetings[meeting.meeting_id] = meeting
    return ok(meetingid=meeting.meeting_id, excess_users=[])


def _fields(call: Call) -> MeetingFields:
    body = call.body
    admin = _member(call, body.get("admin_userid"))
    title = body.get("title")
    if not isinstance(title, str) or not title:
        raise PlatformError(40058, "title is missing")
    if len(title.encode()) > TITLE_BYTES and len(title) > TITLE_CHARACTERS:
        raise PlatformError(40058, "title takes 40 bytes or 20 characters")
    start, duration = int(body.get("meeting_start") or 0), int(body.get("meeting_duration") or 0)
    if start <= call.state.now() or not SHORTEST <= duration <= LONGEST:
        raise PlatformError(40058, "meeting_start is to come, meeting_duration is 300 to 86399")
    texts = {name: str(body.get(name) or "") for name in ("description", "location")}
    if len(texts["description"]) > DESCRIPTION or len(texts["location"]) > LOCATION:
        raise PlatformError(40058, "description takes 500 characters, location 128")
    userids = (body.get("invitees") or {}).get("userid") or []
    if len(userids) > call.state.config.meeting_invitees_most:
        raise PlatformError(40058, "too many invitees")
    invitees = {person.serial: Who.of(person) for person in (_member(call, userid) for userid in userids)}
    values = {"title": title, "meeting_start": start, "meeting_duration": duration} | texts
    return MeetingFields(admin, values, list(invitees.values()))


def _member(call: Call, userid: Any) -> Person:
    person = call.state.company.person(str(userid or ""))
    if not call.sight.sees_person(person):
        raise PlatformError(60111, str(userid))
    return person


def _own(call: Call) -> Meeting:
    """90602 for what is not there, or another app's."""
    agent_id = _allowed(call)
    meeting = call.state.schedules.meetings.get(str(call.body.get("meetingid") or ""))
    if meeting is None or meeting.agent_id != agent_id:
        raise PlatformError(90602)
    return meeting


def cancel(call: Call) -> dict[str, Any]:
    _own(call).cancelled = True
    return ok()


def get_info(call: Call) -> dict[str, Any]:
    meeting, company = _own(call), call.state.company
    members = [{"userid": who.userid(company)} for who in meeting.invitees]
    status = CANCELLED if meeting.cancelled else BOOKED
    return ok(
        admin_userid=meeting.admin.userid(company), status=status, attendees={"member": members}, **meeting.values
    )


def get_user_meetingid(call: Call) -> dict[str, Any]:
    """The app's own meetings to which this member is invited, or which they lead."""
    agent_id, person = _allowed(call), _member(call, call.body.get("userid"))
    found = [
        meeting.meeting_id
        for meeting in call.state.schedules.meetings.values()
        if meeting.agent_id == agent_id and meeting.concerns(person.serial)
    ]
    return ok(next_cursor="", meetingid_list=found)


def _endpoint(handle: Any) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/99104",
        note="只有预约、取消与查询：没有设置、提醒、周期会议、入会记录与事件",
        note_en="booked, cancelled and read only: no settings, reminders, series, attendance or events",
    )


ENDPOINTS = {
    "meeting/create": _endpoint(create),
    "meeting/cancel": _endpoint(cancel),
    "meeting/get_info": _endpoint(get_info),
    "meeting/get_user_meetingid": _endpoint(get_user_meetingid),
}
