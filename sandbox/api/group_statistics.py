"""externalcontact/groupchat/statistic, by owner and by day, counted from what happened (doc path/92133)."""

from collections.abc import Iterable
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity, Handler
from sandbox.api.customer_groups import PAGE_MOST, allowed_app, owner_filter, page_limit, sees_owner
from sandbox.customers import CustomerGroup
from sandbox.errors import PlatformError, ok
from sandbox.limits import DAY, HOUR

BEIJING = 8 * HOUR
SPAN_DAYS = 30
BACK_DAYS = 180
DEFAULT_LIMIT = 500
ORDERS = {1: "new_chat_cnt", 2: "chat_total", 3: "new_member_cnt", 4: "member_total"}


def statistic(call: Call) -> dict[str, Any]:
    """One row per owner."""
    allowed_app(call)
    begin, end = _days(call)
    order, ascending = int(call.body.get("order_by") or 1), int(call.body.get("order_asc") or 0)
    offset = int(call.body.get("offset") or 0)
    limit = page_limit(call, PAGE_MOST, missing=DEFAULT_LIMIT)
    if order not in ORDERS or ascending not in {0, 1} or offset < 0:
        raise PlatformError(40058, "order_by is 1 to 4, order_asc 0 or 1")
    by_owner: dict[str, list[CustomerGroup]] = {}
    for group in (group for group in _groups(call) if group.create_time < end):
        by_owner.setdefault(group.owner.userid(call.state.company), []).append(group)
    rows = [(owner, _data(groups, begin, end)) for owner, groups in by_owner.items()]
    rows.sort(key=lambda row: row[1][ORDERS[order]], reverse=not ascending)
    page = [{"owner": owner, "data": data} for owner, data in rows[offset : offset + limit]]
    return ok(total=len(rows), next_offset=offset + len(page), items=page)


def statistic_group_by_day(call: Call) -> dict[str, Any]:
    """One row per day, of all groups that match."""
    allowed_app(call)
    begin, end = _days(call)
    groups = _groups(call)
    items = [{"stat_time": day, "data": _data(groups, day, day + DAY)} for day in range(begin, end, DAY)]
    return ok(items=items)


def _days(call: Call) -> tuple[int, int]:
    """From midnight of the first day to the end of the last: yesterday at the latest, 180 days back at most."""
    first = call.body.get("day_begin_time")
    if not isinstance(first, int):
        raise PlatformError(40058, "day_begin_time is missing")
    last = call.body.get("day_end_time") or first
    begin, end = _midnight(first), _midnight(int(last)) + DAY
    today = _midnight(int(call.state.now()))
    if not today - BACK_DAYS * DAY <= begin < end <= today or end - begin > SPAN_DAYS * DAY:
        raise PlatformError(40058, "between 180 days ago and yesterday, 30 days at most")
    return begin, end


def _midnight(at: int) -> int:
    return (at + BEIJING) // DAY * DAY - BEIJING


def _groups(call: Call) -> list[CustomerGroup]:
    owners, company = owner_filter(call), call.state.company
    groups = (group for group in call.state.customers.groups.values() if sees_owner(call, group))
    return [group for group in groups if owners is None or group.owner.userid(company).lower() in owners]


def _data(groups: Iterable[CustomerGroup], begin: int, end: int) -> dict[str, int]:
    data = dict.fromkeys(
        [
            "new_chat_cnt",
            "chat_total",
            "chat_has_msg",
            "new_member_cnt",
            "member_total",
            "member_has_msg",
            "msg_total",
            "migrate_trainee_chat_cnt",
        ],
        0,
    )
    for group in groups:
        if group.create_time >= end or (group.dismissed_at is not None and group.dismissed_at < begin):
            continue
        lines = [line for line in group.lines if begin <= line.at < end]
        data["new_chat_cnt"] += group.create_time >= begin
        data["chat_total"] += group.dismissed_at is None or group.dismissed_at >= end
        data["chat_has_msg"] += bool(lines)
        data["new_member_cnt"] += sum(m.change > 0 and begin <= m.at < end for m in group.moments)
        data["member_total"] += sum(m.change for m in group.moments if m.at < end)
        data["member_has_msg"] += len({line.sender for line in lines})
        data["msg_total"] += len(lines)
    return data


def _endpoint(handle: Handler) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92133",
        note="应答外层的字段名（items、total、next_offset、stat_time）未能与文档核对",
        note_en="names around the figures (items, total, next_offset, stat_time) could not be checked",
    )


ENDPOINTS = {
    "externalcontact/groupchat/statistic": _endpoint(statistic),
    "externalcontact/groupchat/statistic_group_by_day": _endpoint(statistic_group_by_day),
}
