"""agent/* and menu/* (doc path/90227, path/90228, path/90231)."""

from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity, whole
from sandbox.api.media import valid_media
from sandbox.errors import PlatformError, ok
from sandbox.state import App

TOP_ENTRIES = 3
SUB_ENTRIES = 5
TOP_NAME_BYTES = 16
SUB_NAME_BYTES = 40
KEY_BYTES = 128
URL_BYTES = 1_024
NAME_MAX = 32
ABOUT_SHORTEST, ABOUT_LONGEST = 4, 120
LOGO = "https://wework.qpic.cn/sandbox/app/0"
CLICK_LIKE = frozenset(
    [
        "click",
        "scancode_push",
        "scancode_waitmsg",
        "pic_sysphoto",
        "pic_photo_or_album",
        "pic_weixin",
        "location_select",
    ]
)


def own_app(call: Call, agent_id: Any) -> App:
    """The caller's app, if the agent id is its own: 41011, 40056, 301002."""
    app = call.require_app()
    if agent_id in (None, ""):
        raise PlatformError(41011)
    if whole(agent_id, 40056) not in call.state.apps:
        raise PlatformError(40056)
    if int(agent_id) != app.agent_id:
        raise PlatformError(301002)
    return app


def get(call: Call) -> dict[str, Any]:
    app = own_app(call, call.query.get("agentid"))
    users = call.state.company.userids(app.range.users)
    return ok(
        agentid=app.agent_id,
        name=app.name,
        square_logo_url=LOGO,
        description=app.description,
        allow_userinfos={"user": [{"userid": userid} for userid in users]},
        allow_partys={"partyid": list(app.range.parties)},
        allow_tags={"tagid": list(app.range.tags)},
        close=app.close,
        redirect_domain=app.redirect_domain,
        report_location_flag=app.reports_location,
        isreportenter=app.reports_enter,
        home_url=app.home_url,
        customized_publish_status=1,
    )


def listing(call: Call) -> dict[str, Any]:
    """The apps that this token may manage: its own."""
    app = call.require_app()
    return ok(agentlist=[{"agentid": app.agent_id, "name": app.name, "square_logo_url": LOGO}])


def set_app(call: Call) -> dict[str, Any]:
    """Only what is given changes; the caller's own app alone (doc path/90228)."""
    app, body = own_app(call, call.body.get("agentid")), call.body
    name, about = str(body.get("name", app.name)), str(body.get("description", ""))
    if not 1 <= len(name) <= NAME_MAX:
        raise PlatformError(40058, "name")
    if about and not ABOUT_SHORTEST <= len(about) <= ABOUT_LONGEST:
        raise PlatformError(40058, "description")
    home = str(body.get("home_url", app.home_url))
    if home and not home.startswith(("http://", "https://")):
        raise PlatformError(45034)
    if body.get("logo_mediaid"):
        valid_media(call, body["logo_mediaid"], kind="image")
    domain = str(body.get("redirect_domain", app.redirect_domain))
    if domain != app.redirect_domain:
        call.state.limits.charge("domain change")
    app.name, app.description, app.home_url, app.redirect_domain = name, about or app.description, home, domain
    app.reports_location = int(body.get("report_location_flag", app.reports_location))
    app.reports_enter = int(body.get("isreportenter", app.reports_enter))
    return ok()


def menu_create(call: Call) -> dict[str, Any]:
    app = own_app(call, call.query.get("agentid"))
    buttons = call.list_of("button")
    if not 1 <= len(buttons) <= TOP_ENTRIES:
        raise PlatformError(40016)
    for button in buttons:
        _check_top(button)
    app.menu = {"button": buttons}
    return ok()


def menu_get(call: Call) -> dict[str, Any]:
    app = own_app(call, call.query.get("agentid"))
    if app.menu is None:
        raise PlatformError(46003)
    return ok(**app.menu)


def menu_delete(call: Call) -> dict[str, Any]:
    own_app(call, call.query.get("agentid")).menu = None
    return ok()


def _check_top(button: Any) -> None:
    if not isinstance(button, dict):
        raise PlatformError(40016)
    _check_name(button, most=TOP_NAME_BYTES, errcode=40018)
    children = button.get("sub_button")
    if not children:
        _check_entry(button)
        return
    if not isinstance(children, list) or len(children) > SUB_ENTRIES:
        raise PlatformError(40023)
    for child in children:
        if not isinstance(child, dict) or child.get("sub_button"):
            raise PlatformError(40022)
        _check_name(child, most=SUB_NAME_BYTES, errcode=40025)
        _check_entry(child)


def _check_name(button: dict[str, Any], *, most: int, errcode: int) -> None:
    name = button.get("name")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= most:
        raise PlatformError(errcode)


def _check_entry(button: dict[str, Any]) -> None:
    kind = button.get("type")
    if kind in CLICK_LIKE:
        if not 1 <= len(str(button.get("key", "")).encode()) <= KEY_BYTES:
            raise PlatformError(40019)
    elif kind == "view":
        if not 1 <= len(str(button.get("url", "")).encode()) <= URL_BYTES:
            raise PlatformError(40020)
    elif kind != "view_miniprogram":
        raise PlatformError(40017)


ENDPOINTS = {
    "agent/get": Endpoint(
        "GET",
        get,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90227",
        note="图标地址打不开",
        note_en="the logo addresses lead nowhere",
    ),
    "agent/list": Endpoint(
        "GET",
        listing,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90227",
        note="应答字段取自常见 SDK，未能与文档核对",
        note_en="fields are those of common SDKs, not checked against the page",
    ),
    "agent/set": Endpoint(
        "POST",
        set_app,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90228",
        note="不检查可信域名的归属；图标不显示",
        note_en="does not check who owns the domain; the logo is not shown",
    ),
    "menu/create": Endpoint(
        "POST",
        menu_create,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90231",
        note="扫码、拍照、位置类型只触发点击",
        note_en="scan, photo and location entries only raise a click",
    ),
    "menu/get": Endpoint(
        "GET",
        menu_get,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90232",
        note="应答与创建时的请求同形，未能与文档核对",
        note_en="answers what menu/create was given; not checked against the page",
    ),
    "menu/delete": Endpoint("GET", menu_delete, fidelity=Fidelity.EXACT, source="path/90233"),
}
