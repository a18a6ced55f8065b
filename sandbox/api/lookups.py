"""Who has this number, this address, this openid (doc path/95402, path/95895, path/90202)."""

import hashlib
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.company import ACTIVE, Person
from sandbox.errors import PlatformError, ok

PERSONAL_EMAIL = 2


def getuserid(call: Call) -> dict[str, Any]:
    return _found_by(call, "mobile", call.body.get("mobile"))


def get_userid_by_email(call: Call) -> dict[str, Any]:
    field = "email" if call.body.get("email_type") == PERSONAL_EMAIL else "biz_mail"
    return _found_by(call, field, call.body.get("email"))


def _found_by(call: Call, field: str, value: Any) -> dict[str, Any]:
    """Misses beyond a fifth of the company's size block the lookup for a day."""
    if not value:
        raise PlatformError(40058, field)
    subject = f"{call.identity} {call.endpoint}"
    call.state.limits.refuse_if_blocked("lookup miss", subject)
    sight = call.sight
    for person in call.state.company.people.values():
        if getattr(person, field) == value and sight.sees_person(person):
            return ok(userid=person.userid)
    call.state.limits.charge("lookup miss", subject)
    raise PlatformError(46004)


def openid_of(call: Call, person: Person) -> str:
    """The same for the same person and company, and telling nothing about either."""
    digest = hashlib.sha256(f"{call.state.config.corp_id} {person.serial}".encode()).hexdigest()
    return f"o{digest[:27]}"


def convert_to_openid(call: Call) -> dict[str, Any]:
    """43004 for who has never logged in."""
    userid = call.body.get("userid")
    if not userid:
        raise PlatformError(41009)
    person = call.state.company.person(str(userid))
    if not call.sight.sees_person(person):
        raise PlatformError(60111)
    if person.status != ACTIVE:
        raise PlatformError(43004)
    return ok(openid=openid_of(call, person))


def convert_to_userid(call: Call) -> dict[str, Any]:
    openid = call.body.get("openid")
    for person in call.state.company.people.values():
        if openid and openid_of(call, person) == openid and call.sight.sees_person(person):
            return ok(userid=person.userid)
    raise PlatformError(40073)


def _exact(handle: Any, source: str) -> Endpoint:
    return Endpoint("POST", handle, fidelity=Fidelity.EXACT, source=source)


ENDPOINTS = {
    "user/getuserid": _exact(getuserid, "path/95402"),
    "user/get_userid_by_email": _exact(get_userid_by_email, "path/95895"),
    "user/convert_to_openid": _exact(convert_to_openid, "path/90202"),
    "user/convert_to_userid": _exact(convert_to_userid, "path/90202"),
}
