"""externalcontact/groupchat/list, get, transfer and onjob_transfer, and opengid_to_chatid (doc path/92120, path/92122,
path/92127, path/95703, path/94822).

Everything here is read or inherited: no server API creates, changes or dissolves a customer group.
"""

from typing import Any

from sandbox import customer_acts
from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.company import Person
from sandbox.customers import INHERITED, NORMAL, OWNER_LEFT, CustomerGroup, group_json
from sandbox.errors import TEXTS, PlatformError, ok
from sandbox.state import App

OWNERS_MOST = 100
PAGE_MOST = 1_000
VISIBLE_WITHOUT_FILTER = 1_000
TRANSFERS_MOST = 100


def allowed_app(call: Call) -> App:
    """客户联系 itself, or an app under its 可调用接口的应用; 48002 for everybody else."""
    app = call.app
    if app is None or not (app.is_system or call.state.is_allowed(app, call.state.config.customer_contact_apps)):
        raise PlatformError(48002)
    return app


def sees_owner(call: Call, group: CustomerGroup) -> bool:
    """An owner who has left was in sight; their groups are there to be inherited."""
    owner = call.state.company.people.get(group.owner.serial)
    return owner is None or call.sight.sees_person(owner)


def known_group(call: Call, chat_id: Any) -> CustomerGroup:
    """40050 for an unknown one, 90501 for an app's or an internal group, 49008 once dissolved, 60011 out of sight."""
    if not chat_id:
        raise PlatformError(40058, "chat_id is missing")
    group = call.state.customers.groups.get(str(chat_id))
    if group is None:
        raise PlatformError(90501 if str(chat_id) in call.state.groups else 40050, str(chat_id))
    if group.is_dismissed:
        raise PlatformError(49008)
    if not sees_owner(call, group):
        raise PlatformError(60011)
    return group


def owner_filter(call: Call) -> set[str] | None:
    """The userids asked for, in lower case; None is no filter, which more than 1,000 visible members forbid (81017)."""
    wanted = (call.body.get("owner_filter") or {}).get("userid_list")
    if wanted is None:
        if _visible_members(call) > VISIBLE_WITHOUT_FILTER:
            raise PlatformError(81017)
        return None
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= OWNERS_MOST:
        raise PlatformError(40058, "owner_filter takes 1 to 100 members")
    return {str(userid).lower() for userid in wanted}


def _visible_members(call: Call) -> int:
    sight = call.sight
    return len(call.state.company.people) if sight.everything else len(sight.people)


def page_limit(call: Call, most: int, *, missing: int | None = None) -> int:
    limit = call.body.get("limit", missing)
    if not isinstance(limit, int) or not 1 <= limit <= most:
        raise PlatformError(40058, f"limit is 1 to {most}")
    return limit


def listing(call: Call) -> dict[str, Any]:
    """Those of members who have left only when the filter names them."""
    allowed_app(call)
    limit, cursor = page_limit(call, PAGE_MOST), str(call.body.get("cursor") or "0")
    status = int(call.body.get("status_filter") or 0)
    if not cursor.isdigit():
        raise PlatformError(50100)
    if status not in {0, 1, 2, 3}:
        raise PlatformError(40058, "status_filter is 0 to 3")
    owners, company = owner_filter(call), call.state.company
    found = [group for group in call.state.customers.living() if sees_owner(call, group)]
    if owners is None:
        found = [group for group in found if group.owner.serial in company.people]
    else:
        found = [group for group in found if group.owner.userid(company).lower() in owners]
    found = [group for group in found if status in {0, group.status}]
    begin = int(cursor)
    rows = [{"chat_id": group.chat_id, "status": group.status} for group in found[begin : begin + limit]]
    following = str(begin + limit) if begin + limit < len(found) else ""
    return ok(group_chat_list=rows, next_cursor=following)


def get(call: Call) -> dict[str, Any]:
    """With a lag set, an answer as it was before the last change (doc path/92122: it may be behind the event)."""
    allowed_app(call)
    group, state = known_group(call, call.body.get("chat_id")), call.state
    need_name = int(call.body.get("need_name") or 0) == 1
    lags = state.now() - group.changed_at < state.config.customer_group_lag_seconds
    if lags and group.before is not None:
        members = [_nameless(m, need_name=need_name) for m in group.before["member_list"]]
        return ok(group_chat=group.before | {"member_list": members})
    return ok(group_chat=group_json(group, state.company, need_name=need_name))


def _nameless(member: dict[str, Any], *, need_name: bool) -> dict[str, Any]:
    return {name: value for name, value in member.items() if need_name or name != "name"}


def opengid_to_chatid(call: Call) -> dict[str, Any]:
    allowed_app(call)
    wanted = call.body.get("opengid")
    group = next((g for g in call.state.customers.living() if g.opengid == wanted), None)
    if group is None or not sees_owner(call, group):
        raise PlatformError(90511)
    return ok(chat_id=group.chat_id)


# Inheriting


def transfer(call: Call) -> dict[str, Any]:
    """Groups of those who have left (90500 otherwise); 300 a day of one of them to one new owner."""
    return _transferred(call, departed=True)


def onjob_transfer(call: Call) -> dict[str, Any]:
    """Groups of those who are still here (90502 otherwise). Its daily limit is not confirmed, so there is none."""
    return _transferred(call, departed=False)


def _transferred(call: Call, *, departed: bool) -> dict[str, Any]:
    allowed_app(call)
    chat_ids, new_owner = call.list_of("chat_id_list"), call.body.get("new_owner")
    if not 1 <= len(chat_ids) <= TRANSFERS_MOST:
        raise PlatformError(40058, f"chat_id_list takes 1 to {TRANSFERS_MOST}")
    person = call.state.company.person(str(new_owner or ""), errcode=40003)
    if not call.sight.sees_person(person):
        raise PlatformError(60011)
    failed = []
    for chat_id in chat_ids:
        try:
            group = _inheritable(call, chat_id, person, departed=departed)
            if departed:
                call.state.limits.charge("customer group transfer", f"{group.owner.serial} {person.serial}")
        except PlatformError as error:
            failed.append({"chat_id": chat_id, "errcode": error.errcode, "errmsg": TEXTS.get(error.errcode, "error")})
        else:
            customer_acts.transfer(call.state, group, person)
            group.status = INHERITED if departed else NORMAL
    return ok(failed_chat_list=failed)


def _inheritable(call: Call, chat_id: Any, new_owner: Person, *, departed: bool) -> CustomerGroup:
    group = known_group(call, chat_id)
    if group.owner.serial == new_owner.serial:
        raise PlatformError(90504)
    has_left = group.owner.serial not in call.state.company.people or group.status == OWNER_LEFT
    if departed and not has_left:
        raise PlatformError(90500)
    if not departed and has_left:
        raise PlatformError(90502)
    return group


ENDPOINTS = {
    "externalcontact/groupchat/list": Endpoint("POST", listing, fidelity=Fidelity.EXACT, source="path/92120"),
    "externalcontact/groupchat/get": Endpoint(
        "POST",
        get,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92122",
        note="群不存在、已解散、群主不可见时的错误码未见于文档，取 40050、49008、60011",
        note_en="codes for an unknown, dissolved or invisible group are not documented: 40050, 49008, 60011",
    ),
    "externalcontact/opengid_to_chatid": Endpoint(
        "POST", opengid_to_chatid, fidelity=Fidelity.EXACT, source="path/94822"
    ),
    "externalcontact/groupchat/transfer": Endpoint(
        "POST",
        transfer,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92127",
        note="立即完成，不经过「继承中」",
        note_en="done at once, without the state 2 in between",
    ),
    "externalcontact/groupchat/onjob_transfer": Endpoint(
        "POST",
        onjob_transfer,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/95703",
        note="立即完成；每日上限未经确认，不限制",
        note_en="done at once; the daily limit is not confirmed, so there is none",
    ),
}
