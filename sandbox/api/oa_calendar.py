"""oa/calendar/*: the calendars in which an app keeps its schedules (doc path/93647).

The newer form names `admins`, the older an `organizer`; both are taken.
"""

import re
import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.approval import Who
from sandbox.errors import TEXTS, PlatformError, ok
from sandbox.schedules import Calendar
from sandbox.state import App

SUMMARY = 128
DESCRIPTION = 512
SHARES_MOST = 2_000
ADMINS_MOST = 3
IDS_MOST = 1_000
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
VIEW, FREE_BUSY = 1, 3
ID_BYTES = 64


def allowed_app(call: Call) -> App:
    """An app under 日程 → 可调用接口的应用: 48002."""
    if call.app is None or not call.state.is_allowed(call.app, call.state.config.schedule_apps):
        raise PlatformError(48002)
    return call.app


def own_calendar(call: Call, cal_id: Any) -> Calendar:
    """90457 for an unknown one, 90459 once deleted, 90466 for another app's or a person's."""
    if not isinstance(cal_id, str) or not 1 <= len(cal_id.encode()) <= ID_BYTES:
        raise PlatformError(90457)
    calendar = call.state.schedules.calendars.get(cal_id)
    if calendar is None:
        raise PlatformError(90457, cal_id)
    if calendar.agent_id != allowed_app(call).agent_id:
        raise PlatformError(90466)
    if calendar.deleted:
        raise PlatformError(90459)
    return calendar


def add(call: Call) -> dict[str, Any]:
    app = allowed_app(call)
    given = call.body.get("calendar") or {}
    values, (shares, failed) = _values(given), _shares(call, given)
    admins = _admins(call, given, shares)
    call.state.limits.charge("calendar", str(app.agent_id))
    calendar = Calendar("wc" + secrets.token_urlsafe(24), app.agent_id, values, admins, shares)
    call.state.schedules.calendars[calendar.cal_id] = calendar
    return ok(cal_id=calendar.cal_id) | failed


def update(call: Call) -> dict[str, Any]:
    """Overwrites: what is not given is lost."""
    allowed_app(call)
    given = call.body.get("calendar") or {}
    calendar = own_calendar(call, given.get("cal_id"))
    organizer = given.get("organizer")
    if organizer and calendar.admins and str(organizer).lower() != _userid(call, calendar.admins[0]).lower():
        raise PlatformError(90463)
    values, (shares, failed) = _values(given), _shares(call, given)
    admins = _admins(call, given, shares)
    calendar.values, calendar.shares = values, shares
    calendar.admins = admins or calendar.admins
    return ok(cal_id=calendar.cal_id) | failed


def get(call: Call) -> dict[str, Any]:
    allowed_app(call)
    wanted = call.list_of("cal_id_list")
    if not wanted:
        raise PlatformError(90458)
    if len(wanted) > IDS_MOST:
        raise PlatformError(40058, "cal_id_list takes 1000")
    return ok(calendar_list=[_json(call, own_calendar(call, cal_id)) for cal_id in wanted])


def delete(call: Call) -> dict[str, Any]:
    """Its schedules go with it."""
    allowed_app(call)
    calendar = own_calendar(call, call.body.get("cal_id"))
    calendar.deleted = True
    for schedule in call.state.schedules.schedules.values():
        if schedule.cal_id == calendar.cal_id:
            schedule.status = 1
    return ok()


def _values(given: dict[str, Any]) -> dict[str, Any]:
    summary, colour = given.get("summary"), str(given.get("color", ""))
    if not isinstance(summary, str) or not 1 <= len(summary) <= SUMMARY:
        raise PlatformError(40058, "summary takes 1 to 128 characters")
    if not COLOUR.fullmatch(colour):
        raise PlatformError(90473)
    description = str(given.get("description") or "")
    if len(description) > DESCRIPTION:
        raise PlatformError(40058, "description takes 512 characters")
    return {"summary": summary, "color": colour, "description": description}


def _shares(call: Call, given: dict[str, Any]) -> tuple[list[tuple[Who, int]], dict[str, Any]]:
    """Those who cannot be shared with come back in `fail_result`; the calendar is made nevertheless."""
    rows = given.get("shares") or []
    if len(rows) > SHARES_MOST:
        raise PlatformError(90464)
    shares, failed = [], []
    for row in rows:
        person = call.state.company.find(str(row.get("userid")))
        permission = int(row.get("permission") or VIEW)
        if person is None or not call.sight.sees_person(person) or permission not in {VIEW, FREE_BUSY}:
            failed.append({"errcode": 60111, "errmsg": TEXTS[60111], "userid": row.get("userid")})
        else:
            shares.append((Who.of(person), permission))
    return shares, {"fail_result": {"shares": failed}} if failed else {}


def _admins(call: Call, given: dict[str, Any], shares: list[tuple[Who, int]]) -> list[Who]:
    """90492 unless they are among the sharing members; an organizer of the older form need not be."""
    if given.get("organizer"):
        return [Who.of(call.state.company.person(str(given["organizer"])))]
    admins = [Who.of(call.state.company.person(str(userid))) for userid in given.get("admins") or []]
    members = {who.serial for who, _permission in shares}
    if len(admins) > ADMINS_MOST:
        raise PlatformError(40058, "three admins at most")
    if any(who.serial not in members for who in admins):
        raise PlatformError(90492)
    return admins


def _userid(call: Call, who: Who) -> str:
    return who.userid(call.state.company)


def _json(call: Call, calendar: Calendar) -> dict[str, Any]:
    shares = [{"userid": _userid(call, who), "permission": permission} for who, permission in calendar.shares]
    admins = [_userid(call, who) for who in calendar.admins]
    return {"cal_id": calendar.cal_id, "admins": admins} | calendar.values | {"shares": shares}


def _endpoint(handle: Any) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/93647",
        note="没有公共日历与全员日历",
        note_en="no public calendars and none of the whole company",
    )


ENDPOINTS = {
    "oa/calendar/add": _endpoint(add),
    "oa/calendar/update": _endpoint(update),
    "oa/calendar/get": _endpoint(get),
    "oa/calendar/del": _endpoint(delete),
}
