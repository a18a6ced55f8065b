"""工作台自定义展示: what an app shows on people's workbench (doc path/92535)."""

from typing import Any

from sandbox.api.agents import own_app
from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.company import Person
from sandbox.errors import PlatformError, ok
from sandbox.state import App

KINDS = frozenset(["keydata", "image", "list", "webview"])
NORMAL = "normal"
KEYDATA_ITEMS = 4
LIST_ITEMS = 3
PEOPLE_MOST = 1_000
NAME_BYTES = 64
TITLE_BYTES = 128

Data = dict[str, Any]


def set_template(call: Call) -> dict[str, Any]:
    """One template per app; `replace_user_data` makes everybody see the default again."""
    app = own_app(call, call.body.get("agentid"))
    kind = call.body.get("type")
    if kind not in KINDS | {NORMAL}:
        raise PlatformError(40058, "type")
    data = _checked(kind, call.body.get(kind)) if call.body.get(kind) else {}
    app.workbench = {"type": kind, kind: data} if data else {"type": kind}
    if kind == NORMAL or call.body.get("replace_user_data"):
        app.workbench_data.clear()
    return ok()


def get_template(call: Call) -> dict[str, Any]:
    return ok(**own_app(call, call.body.get("agentid")).workbench)


def set_data(call: Call) -> dict[str, Any]:
    app = own_app(call, call.body.get("agentid"))
    person = _member(call, app, call.body.get("userid"))
    data = _of_its_kind(app, call.body)
    call.state.limits.charge("workbench member", f"{app.agent_id} {person.serial}")
    call.state.limits.charge("workbench people", str(app.agent_id))
    app.workbench_data[person.serial] = data
    return ok()


def batch_set_data(call: Call) -> dict[str, Any]:
    app = own_app(call, call.body.get("agentid"))
    userids, given = call.list_of("userid_list"), call.body.get("data")
    if not userids or not isinstance(given, dict):
        raise PlatformError(40058, "userid_list and data are needed")
    if len(userids) > PEOPLE_MOST:
        raise PlatformError(40032)
    people = [_member(call, app, userid) for userid in userids]
    data = _of_its_kind(app, given)
    call.state.limits.charge("workbench people", str(app.agent_id), amount=len(people))
    for person in people:
        app.workbench_data[person.serial] = data
    return ok()


def get_data(call: Call) -> dict[str, Any]:
    """What this person sees: their own data, or else the app's default."""
    app = own_app(call, call.body.get("agentid"))
    person = _member(call, app, call.body.get("userid"))
    return ok(**app.workbench_data.get(person.serial, app.workbench))


def _member(call: Call, app: App, userid: Any) -> Person:
    if not userid:
        raise PlatformError(41009)
    person = call.state.company.person(str(userid))
    if not call.state.can_be_reached(app, person):
        raise PlatformError(60011)
    return person


def _of_its_kind(app: App, given: Data) -> Data:
    """Data of the kind that the app's template has chosen."""
    kind = given.get("type")
    if kind not in KINDS or app.workbench.get("type") != kind:
        raise PlatformError(40058, "type does not match the template")
    return {"type": kind, kind: _checked(kind, given.get(kind))}


def _checked(kind: Any, data: Any) -> Data:
    if not isinstance(data, dict):
        raise PlatformError(40058, str(kind))
    match kind:
        case "keydata":
            for item in _items(data, KEYDATA_ITEMS):
                if not item.get("data") or len(str(item["data"]).encode()) > NAME_BYTES:
                    raise PlatformError(40058, "data")
        case "list":
            for item in _items(data, LIST_ITEMS):
                if not item.get("title") or len(str(item["title"]).encode()) > TITLE_BYTES:
                    raise PlatformError(40058, "title")
        case "image" | "webview" if not data.get("url"):
            raise PlatformError(41010)
    return data


def _items(data: Data, most: int) -> list[Data]:
    items = data.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= most or not all(isinstance(i, dict) for i in items):
        raise PlatformError(40058, "items")
    return items


def _endpoint(handle: Any) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92535",
        note="数据被保存和校验，但手机页面不显示",
        note_en="checked and kept, but not drawn on the phones",
    )


ENDPOINTS = {
    "agent/set_workbench_template": _endpoint(set_template),
    "agent/get_workbench_template": _endpoint(get_template),
    "agent/set_workbench_data": _endpoint(set_data),
    "agent/batch_set_workbench_data": _endpoint(batch_set_data),
    "agent/get_workbench_data": _endpoint(get_data),
}
