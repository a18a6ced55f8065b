"""todo/get and todo/update: only people create a to-do (doc path/101524, path/101534). 0 is done, 1 in progress."""

from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.errors import PlatformError, ok
from sandbox.schedules import DONE, IN_PROGRESS, Todo

ATTENDEES_MOST = 20


def get(call: Call) -> dict[str, Any]:
    todo, company = _own(call), call.state.company
    participants = [{"userid": who.userid(company), "status": status} for who, status in todo.participants]
    return ok(
        content=todo.content,
        creator=todo.creator.userid(company),
        status=todo.status,
        create_time=todo.create_time,
        end_time=todo.end_time,
        attendees=participants,
        reminders=[{"remind_time": at} for at in todo.reminders],
    )


def update(call: Call) -> dict[str, Any]:
    """The status, and that of the participants named; nobody named is nothing changed."""
    todo, rows = _own(call), call.list_of("attendees")
    if len(rows) > ATTENDEES_MOST:
        raise PlatformError(40058, "attendees takes 20")
    wanted = {call.state.company.person(str(row.get("userid"))).serial: _status(row["status"]) for row in rows}
    if not set(wanted) <= {who.serial for who, _status in todo.participants}:
        raise PlatformError(60111)
    status = _status(call.body["status"]) if "status" in call.body else todo.status
    todo.status = status
    todo.participants = [(who, wanted.get(who.serial, old)) for who, old in todo.participants]
    return ok()


def _status(value: Any) -> int:
    if value not in {DONE, IN_PROGRESS}:
        raise PlatformError(40058, "status is 0 or 1")
    return int(value)


def _own(call: Call) -> Todo:
    """48002 without the root department in the visible range; 40058 for what is not this app's, or deleted."""
    app = call.require_app()
    if not app.range.has_root:
        raise PlatformError(48002)
    todo = call.state.schedules.todos.get(str(call.body.get("todo_id") or ""))
    if todo is None or todo.deleted or todo.agent_id != app.agent_id:
        raise PlatformError(40058, "no such todo_id")
    return todo


def _endpoint(handle: Any, source: str) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source=source,
        note="待办不存在时的错误码未见于文档，取 40058",
        note_en="the code for an unknown to-do is not documented; 40058",
    )


ENDPOINTS = {
    "todo/get": _endpoint(get, "path/101524"),
    "todo/update": _endpoint(update, "path/101534"),
}
