"""user/* (doc path/90195 to 90201, path/96067, path/95402, path/95895)."""

import base64
import binascii
from bisect import bisect_right
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity, whole
from sandbox.company import Person
from sandbox.errors import PlatformError, ok
from sandbox.organisation import Organisation

LIST_ID_MOST = 10_000
BATCH_DELETE_MOST = 200


def get(call: Call) -> dict[str, Any]:
    call.require_details()
    userid = call.query.get("userid")
    if not userid:
        raise PlatformError(41009)
    person = call.state.company.person(userid)
    if not call.sight.sees_person(person):
        raise PlatformError(60111, userid)
    return ok(**details(call, person))


def listing(call: Call) -> dict[str, Any]:
    return ok(userlist=[details(call, person) for person in _direct_members(call)])


def simplelist(call: Call) -> dict[str, Any]:
    people = _direct_members(call)
    return ok(userlist=[simple_row(person) for person in people])


def simple_row(person: Person) -> dict[str, Any]:
    return {"userid": person.userid, "name": person.name, "department": person.departments}


def _direct_members(call: Call) -> list[Person]:
    """Direct members only: `fetch_child` was taken out of the documentation in 2022."""
    call.require_details()
    department_id = call.query_number("department_id", missing=60123)
    call.state.company.department(department_id)
    sight = call.sight
    if not sight.sees_department(department_id):
        raise PlatformError(60011)
    return [p for p in call.state.company.direct_members(department_id) if sight.sees_person(p)]


def details(call: Call, person: Person) -> dict[str, Any]:
    """A member as `user/get` answers; personal fields only for those who may have them."""
    sight, company = call.sight, call.state.company
    places = list(zip(person.departments, person.order, person.leads, strict=True))
    if not sight.everything:
        places = [place for place in places if sight.sees_department(place[0])]
    fields: dict[str, Any] = {
        "userid": person.userid,
        "name": person.name,
        "department": [place[0] for place in places],
        "order": [place[1] for place in places],
        "position": person.position,
        "is_leader_in_dept": [place[2] for place in places],
        "direct_leader": company.userids(person.direct_leaders),
        "telephone": person.telephone,
        "alias": person.alias,
        "extattr": person.extattr or {"attrs": []},
        "status": person.status,
        "enable": int(person.is_enabled),
        "isleader": int(any(place[2] for place in places)),
        "hide_mobile": 0,
        "external_position": person.external_position,
        "main_department": person.main_department,
    }
    if call.app is None or not call.state.withholds_personal(call.app):
        fields |= personal_fields(person)
    return fields


def personal_fields(person: Person) -> dict[str, Any]:
    """The fields withheld from apps created after 2022-06-20 (doc path/90196)."""
    picture = f"https://wework.qpic.cn/sandbox/{person.serial}"
    return {
        "gender": person.gender,
        "mobile": person.mobile,
        "email": person.email,
        "biz_mail": person.biz_mail,
        "address": person.address,
        "avatar": f"{picture}/0",
        "thumb_avatar": f"{picture}/100",
        "qr_code": f"https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=sandbox{person.serial}",
    }


def list_id(call: Call) -> dict[str, Any]:
    """One row per person and department; an empty `next_cursor` ends the list (doc path/96067)."""
    call.require_contacts()
    limit = whole(call.body.get("limit", LIST_ID_MOST), 40058)
    if not 1 <= limit <= LIST_ID_MOST:
        raise PlatformError(40058, "limit")
    rows = call.state.department_rows()
    start = _row_after(rows, call.body.get("cursor") or "")
    page = rows[start : start + limit]
    people = call.state.company.people
    dept_user = [{"userid": people[serial].userid, "department": department} for serial, department in page]
    more = start + limit < len(rows)
    return ok(next_cursor=_cursor(page[-1]) if more else "", dept_user=dept_user)


def _cursor(row: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(f"{row[0]}:{row[1]}".encode()).decode()


def _row_after(rows: list[tuple[int, int]], cursor: Any) -> int:
    """Where the row after the cursor is now, also when people came and went between two pages."""
    if not cursor:
        return 0
    try:
        serial, department = base64.urlsafe_b64decode(str(cursor)).decode().split(":")
        last = (int(serial), int(department))
    except (ValueError, binascii.Error) as error:
        raise PlatformError(50100) from error
    index = bisect_right(rows, last[0], key=lambda row: row[0])
    while index and rows[index - 1][0] == last[0] and rows[index - 1] != last:
        index -= 1
    return index


def create(call: Call) -> dict[str, Any]:
    call.require_writing()
    call.state.limits.charge("account creation")
    Organisation(call.state, echo=False).hire(call.body)
    return ok("created")


def update(call: Call) -> dict[str, Any]:
    call.require_writing()
    person = _named(call, call.body.get("userid"))
    before = person.userid
    if person.was_renamed and call.body.get("new_userid") not in (None, "", before):
        raise PlatformError(301036)
    Organisation(call.state, echo=False).change(person, call.body)
    person.was_renamed = person.was_renamed or person.userid != before
    return ok("updated")


def delete(call: Call) -> dict[str, Any]:
    call.require_writing()
    Organisation(call.state, echo=False).remove(_named(call, call.query.get("userid")))
    return ok("deleted")


def batchdelete(call: Call) -> dict[str, Any]:
    """All or none: any unknown id fails the whole call."""
    call.require_writing()
    userids = call.list_of("useridlist")
    if not userids:
        raise PlatformError(40058, "useridlist")
    if len(userids) > BATCH_DELETE_MOST:
        raise PlatformError(40032)
    people = {p.serial: p for p in (call.state.company.person(str(u), errcode=40031) for u in userids)}
    organisation = Organisation(call.state, echo=False)
    for person in people.values():
        organisation.remove(person)
    return ok("deleted")


def _named(call: Call, userid: Any) -> Person:
    if not userid:
        raise PlatformError(41009)
    return call.state.company.person(str(userid))


ENDPOINTS = {
    "user/get": Endpoint("GET", get, fidelity=Fidelity.EXACT, source="path/90196"),
    "user/list": Endpoint(
        "GET",
        listing,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90201",
        note="不会因部门太大而拒绝（45029）",
        note_en="never refuses a large department (45029)",
    ),
    "user/simplelist": Endpoint(
        "GET",
        simplelist,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90200",
        note="没有 open_userid",
        note_en="no open_userid",
    ),
    "user/list_id": Endpoint("POST", list_id, fidelity=Fidelity.EXACT, source="path/96067"),
    "user/create": Endpoint(
        "POST",
        create,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90195",
        note="不发送邀请；不自动新建部门",
        note_en="invites nobody; makes no departments of its own",
    ),
    "user/update": Endpoint(
        "POST",
        update,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90197",
        note="userid 可以更改一次，不论当初由谁确定",
        note_en="a userid may be changed once, whoever chose the first",
    ),
    "user/delete": Endpoint(
        "GET",
        delete,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90198",
        note="创建者也可以删除（301005）",
        note_en="the creator can be deleted too (301005)",
    ),
    "user/batchdelete": Endpoint("POST", batchdelete, fidelity=Fidelity.EXACT, source="path/90199"),
}
