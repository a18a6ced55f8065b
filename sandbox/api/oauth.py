"""auth/* and the older user/getuserinfo: who stands behind a code (doc path/91023, path/95833)."""

import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.members import personal_fields
from sandbox.company import Person
from sandbox.credentials import LoginCode, TfaCode
from sandbox.errors import PlatformError, ok
from sandbox.sign_in import TICKET_SECONDS, issue_ticket, redeem

TFA_SECONDS = 300


def _redeemed(call: Call) -> LoginCode:
    """A valid code is exempt from the rate limits, a bad one is not (doc path/90312)."""
    app = call.require_app()
    try:
        return redeem(call.state, app, call.query.get("code", ""))
    except PlatformError:
        call.state.limits.charge("api", call.endpoint)
        raise


def _member(call: Call, code: LoginCode) -> Person | None:
    return None if code.serial is None else call.state.company.people[code.serial]


def _outsider(code: LoginCode) -> dict[str, str]:
    found = {"openid": code.openid}
    return found | ({"external_userid": code.external_userid} if code.external_userid else {})


def getuserinfo(call: Call) -> dict[str, Any]:
    """Keys in lower case; a user_ticket only for `snsapi_privateinfo` and within the app's range."""
    code = _redeemed(call)
    person = _member(call, code)
    if person is None:
        return ok(**_outsider(code))
    return ok(userid=person.userid, **_ticket(call, code, person))


def _ticket(call: Call, code: LoginCode, person: Person) -> dict[str, Any]:
    app = call.require_app()
    if code.fields is None or not call.state.can_be_reached(app, person):
        return {}
    return {"user_ticket": issue_ticket(call.state, app, code), "expires_in": TICKET_SECONDS}


def legacy_getuserinfo(call: Call) -> dict[str, Any]:
    """The same with its older spelling: UserId, OpenId, DeviceId."""
    code = _redeemed(call)
    person = _member(call, code)
    device = secrets.token_hex(8)
    if person is None:
        outside = {"external_userid": code.external_userid} if code.external_userid else {}
        return ok(OpenId=code.openid, DeviceId=device, **outside)
    return ok(UserId=person.userid, DeviceId=device, **_ticket(call, code, person))


def getuserdetail(call: Call) -> dict[str, Any]:
    """The private fields that the administrator enabled and the member agreed to; others are absent."""
    app, value = call.require_app(), call.body.get("user_ticket")
    if not value:
        raise PlatformError(84090)
    ticket = call.state.sign_ins.tickets.get(str(value))
    if ticket is None or ticket.agent_id != app.agent_id:
        raise PlatformError(84015)
    if call.state.now() >= ticket.expires_at:
        raise PlatformError(84014)
    enabled = call.state.config.private_fields
    if not enabled:
        raise PlatformError(92001)
    person = call.state.company.people.get(ticket.serial)
    if person is None or not call.state.can_be_reached(app, person):
        raise PlatformError(60021)
    known = personal_fields(person)
    return ok(userid=person.userid, **{f: known[f] for f in ticket.fields if f in enabled and known[f]})


# 二次验证


def get_tfa_info(call: Call) -> dict[str, Any]:
    app = call.require_app()
    code = redeem(call.state, app, str(call.body.get("code") or ""))
    person = _member(call, code)
    if person is None:
        raise PlatformError(40029)
    value = secrets.token_urlsafe(24)
    call.state.sign_ins.tfa[value] = TfaCode(person.userid, call.state.now() + TFA_SECONDS)
    return ok(userid=person.userid, tfa_code=value)


def tfa_succ(call: Call) -> dict[str, Any]:
    call.require_app()
    found = call.state.sign_ins.tfa.get(str(call.body.get("tfa_code")))
    if found is None or found.userid != call.body.get("userid") or call.state.now() >= found.expires_at:
        raise PlatformError(40207)
    del call.state.sign_ins.tfa[str(call.body["tfa_code"])]
    return ok()


def authsucc(call: Call) -> dict[str, Any]:
    if not call.query.get("userid"):
        raise PlatformError(41009)
    call.state.company.person(call.query["userid"])
    return ok()


def _exact(method: str, handle: Any, source: str, **more: Any) -> Endpoint:
    return Endpoint(method, handle, fidelity=Fidelity.EXACT, source=source, **more)


def _answers(method: str, handle: Any, source: str, note: str, note_en: str) -> Endpoint:
    return Endpoint(method, handle, fidelity=Fidelity.ANSWERS_ONLY, source=source, note=note, note_en=note_en)


ENDPOINTS = {
    "auth/getuserinfo": _exact("GET", getuserinfo, "path/91023", is_metered=False),
    "user/getuserinfo": _exact("GET", legacy_getuserinfo, "path/91023", is_metered=False),
    "auth/getuserdetail": _exact("POST", getuserdetail, "path/95833"),
    "user/getuserdetail": _exact("POST", getuserdetail, "path/95833"),
    "auth/get_tfa_info": _answers("POST", get_tfa_info, "path/99499", "没有二次验证的页面", "no page of its own"),
    "user/tfa_succ": _answers("POST", tfa_succ, "path/99500", "登录不受影响", "nobody's login depends on it"),
    "user/authsucc": _answers("GET", authsucc, "path/90203", "登录不受影响", "nobody's login depends on it"),
}
