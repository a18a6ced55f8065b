"""externalcontact/get_follow_user_list, list, get: as much of external people as customer groups need."""

from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.customer_groups import allowed_app
from sandbox.customers import WECOM, External
from sandbox.errors import PlatformError, ok


def get_follow_user_list(call: Call) -> dict[str, Any]:
    """Members who have customers or own a customer group."""
    allowed_app(call)
    desk, company = call.state.customers, call.state.company
    serials = dict.fromkeys(serial for external in desk.externals.values() for serial in external.follows)
    serials |= dict.fromkeys(group.owner.serial for group in desk.living())
    people = (company.people[serial] for serial in serials if serial in company.people)
    return ok(follow_user=[person.userid for person in people if call.sight.sees_person(person)])


def listing(call: Call) -> dict[str, Any]:
    """84061 for a member without customers."""
    allowed_app(call)
    person = call.state.company.person(call.query.get("userid", ""), errcode=40003)
    if not call.sight.sees_person(person):
        raise PlatformError(60011)
    found = [e.id for e in call.state.customers.externals.values() if person.serial in e.follows]
    if not found:
        raise PlatformError(84061)
    return ok(external_userid=found)


def get(call: Call) -> dict[str, Any]:
    """40096 for somebody unknown, 84061 when nobody in sight follows them."""
    allowed_app(call)
    external = call.state.customers.externals.get(call.query.get("external_userid", ""))
    if external is None:
        raise PlatformError(40096)
    follows = _follows(call, external)
    if not follows:
        raise PlatformError(84061)
    return ok(external_contact=_contact(external), follow_user=follows)


def _contact(external: External) -> dict[str, Any]:
    contact: dict[str, Any] = {
        "external_userid": external.id,
        "name": external.name,
        "type": external.kind,
        "avatar": "https://wework.qpic.cn/sandbox/external/0",
        "gender": 0,
    }
    if external.unionid:
        contact["unionid"] = external.unionid
    return contact | ({"corp_name": external.corp_name} if external.kind == WECOM else {})


def _follows(call: Call, external: External) -> list[dict[str, Any]]:
    company, rows = call.state.company, []
    for serial, follow in external.follows.items():
        person = company.people.get(serial)
        if person is not None and call.sight.sees_person(person):
            row = {
                "userid": person.userid,
                "remark": follow.remark,
                "description": "",
                "createtime": follow.at,
                "tags": [],
            }
            rows.append(row | ({"state": follow.state} if follow.state else {}))
    return rows


_LIMITED = "只有客户群用得到的字段：没有标签、视频号与自定义信息"
_LIMITED_EN = "only the fields that customer groups need: no tags, channels or custom profile"

ENDPOINTS = {
    "externalcontact/get_follow_user_list": Endpoint(
        "GET",
        get_follow_user_list,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92130",
        note="凡有客户或客户群的成员都算已配置客户联系",
        note_en="whoever has a customer or owns a customer group counts as configured",
    ),
    "externalcontact/list": Endpoint(
        "GET", listing, fidelity=Fidelity.SIMPLIFIED, source="path/92130", note=_LIMITED, note_en=_LIMITED_EN
    ),
    "externalcontact/get": Endpoint(
        "GET", get, fidelity=Fidelity.SIMPLIFIED, source="path/92130", note=_LIMITED, note_en=_LIMITED_EN
    ),
}
