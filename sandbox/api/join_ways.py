"""externalcontact/groupchat/add_join_way and its kin: how customers come into groups (doc path/92229)."""

import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.customer_groups import allowed_app, known_group
from sandbox.customers import JoinWay
from sandbox.errors import PlatformError, ok

REMARK_CHARACTERS = 30
NAME_CHARACTERS = 40
STATE_CHARACTERS = 30
CHATS_MOST = 5
MINI_PROGRAM, QR = 1, 2


def add_join_way(call: Call) -> dict[str, Any]:
    allowed_app(call)
    way = JoinWay(secrets.token_hex(16), call.identity, _values(call))
    call.state.customers.join_ways[way.config_id] = way
    return ok(config_id=way.config_id)


def get_join_way(call: Call) -> dict[str, Any]:
    allowed_app(call)
    way = _own(call)
    shown: dict[str, Any] = {"config_id": way.config_id} | way.values
    if way.values["scene"] == QR:
        shown["qr_code"] = f"https://p.qpic.cn/sandbox/join/{way.config_id}/0"
    return ok(join_way=shown)


def update_join_way(call: Call) -> dict[str, Any]:
    """Overwrites: what is not given is lost."""
    allowed_app(call)
    way = _own(call)
    way.values = _values(call)
    return ok()


def del_join_way(call: Call) -> dict[str, Any]:
    allowed_app(call)
    del call.state.customers.join_ways[_own(call).config_id]
    return ok()


def _own(call: Call) -> JoinWay:
    """41043, 41044; also for another app's."""
    config_id = call.body.get("config_id")
    if not config_id:
        raise PlatformError(41043)
    way = call.state.customers.join_ways.get(str(config_id))
    if way is None or way.agent != call.identity:
        raise PlatformError(41044)
    return way


def _values(call: Call) -> dict[str, Any]:
    body, chat_ids = call.body, call.list_of("chat_id_list")
    if body.get("scene") is None:
        raise PlatformError(41038)
    if body["scene"] not in {MINI_PROGRAM, QR}:
        raise PlatformError(41040)
    if len(chat_ids) > CHATS_MOST:
        raise PlatformError(41091)
    if not chat_ids:
        raise PlatformError(40058, "chat_id_list is empty")
    for chat_id in chat_ids:
        known_group(call, chat_id)
    for name, most in (("room_base_name", NAME_CHARACTERS), ("state", STATE_CHARACTERS)):
        if len(str(body.get(name) or "")) > most:
            raise PlatformError(40058, f"{name} takes {most} characters")
    auto = body.get("auto_create_room", 1)
    if auto not in {0, 1}:
        raise PlatformError(40058, "auto_create_room is 0 or 1")
    return {
        "scene": body["scene"],
        "remark": str(body.get("remark") or "")[:REMARK_CHARACTERS],
        "auto_create_room": auto,
        "room_base_name": str(body.get("room_base_name") or ""),
        "room_base_id": int(body.get("room_base_id") or 0),
        "chat_id_list": [str(chat_id) for chat_id in chat_ids],
        "state": str(body.get("state") or ""),
        "mark_source": bool(body.get("mark_source", True)),
    }


def _endpoint(handle: Any) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/92229",
        note="50 万个的总数上限不检查；二维码图片地址不可下载",
        note_en="the total of 500,000 is not checked; the address of the QR code leads nowhere",
    )


ENDPOINTS = {
    "externalcontact/groupchat/add_join_way": _endpoint(add_join_way),
    "externalcontact/groupchat/get_join_way": _endpoint(get_join_way),
    "externalcontact/groupchat/update_join_way": _endpoint(update_join_way),
    "externalcontact/groupchat/del_join_way": _endpoint(del_join_way),
}
