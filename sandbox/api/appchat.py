"""appchat/*: internal groups of a self-built app that sees the whole company (doc path/90244 to 90248).

No change of a group raises an event, whoever makes it.
"""

import re
import secrets
from typing import Any

from sandbox.api.bodies import checked_body
from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.conversations import Group, Message
from sandbox.errors import PlatformError, ok
from sandbox.state import App

CHATID = re.compile(r"[0-9A-Za-z]+")
CHATID_MAX = 32
NAME_MAX = 50
FEWEST = 2
TYPES = frozenset(["text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown"])


def _app_with_root(call: Call) -> App:
    """48002 before anything else, unless the visible range holds the root department."""
    app = call.require_app()
    if not app.range.has_root:
        raise PlatformError(48002)
    return app


def create(call: Call) -> dict[str, Any]:
    """Refused as a whole when one member is unknown: a choice, the platform does not say."""
    app = _app_with_root(call)
    chatid = _new_chatid(call)
    members = _members(call, call.list_of("userlist"))
    if not members:
        raise PlatformError(86204)
    _check_size(call, members)
    owner = _owner(call, members) if call.body.get("owner") else secrets.choice(list(members))
    call.state.limits.charge("group create")
    name = str(call.body.get("name") or "")[:NAME_MAX]
    group = Group(chatid, name, owner, {}, call.state.now(), app.agent_id)
    for serial in members:
        call.state.join_group(group, serial)
    call.state.groups[chatid] = group
    return ok(chatid=chatid)


def update(call: Call) -> dict[str, Any]:
    """Everything is checked before anything changes. Removals come before additions."""
    group = _own_group(call, call.body.get("chatid"))
    adding = _members(call, call.list_of("add_user_list"))
    leaving = _leaving(call, group)
    members = {s: None for s in group.members if s not in leaving} | adding
    owner = _owner(call, members) if call.body.get("owner") else group.owner
    if owner not in members:
        raise PlatformError(86207)
    _check_size(call, members)
    call.state.limits.charge("group update")
    for serial in leaving:
        call.state.quit_group(group, serial)
    for serial in adding:
        call.state.join_group(group, serial)
    group.owner = owner
    if call.body.get("name"):
        group.name = str(call.body["name"])[:NAME_MAX]
    return ok()


def get(call: Call) -> dict[str, Any]:
    group = _own_group(call, call.query.get("chatid"))
    company = call.state.company
    owner = company.people.get(group.owner)
    info = {
        "chatid": group.chatid,
        "name": group.name,
        "owner": owner.userid if owner else "",
        "userlist": company.userids(group.members),
        "chat_type": 0,
    }
    return ok(chat_info=info)


def send(call: Call) -> dict[str, Any]:
    """No msgid and no invalid lists. A template card is not a type here."""
    group = _own_group(call, call.body.get("chatid"))
    app = call.require_app()
    msgtype = call.body.get("msgtype")
    if msgtype not in TYPES:
        raise PlatformError(40008)
    body = checked_body(call, msgtype, in_group=True)
    call.state.limits.charge("group send", amount=len(group.members))
    state = call.state
    message = Message(state.next_id(), state.now(), app.agent_id, msgtype, body)
    message.safe = int(call.body.get("safe") or 0)
    message.mentioned = [str(u) for u in body.get("mentioned_list") or []] if msgtype == "text" else []
    message.missed_by = {serial for serial in group.members if not _has_room(call, app, serial)}
    message.missed_by |= {s for s in group.members if call.is_lost(state.company.people[s].userid)}
    group.messages.append(message)
    for serial in group.members:
        state.last_active[serial] = message.at
    return ok()


def _new_chatid(call: Call) -> str:
    chatid = call.body.get("chatid")
    if chatid in (None, ""):
        return "wr" + secrets.token_hex(12)
    if not isinstance(chatid, str) or not CHATID.fullmatch(chatid):
        raise PlatformError(86001)
    if len(chatid) > CHATID_MAX:
        raise PlatformError(86205)
    if chatid in call.state.groups:
        raise PlatformError(86215)
    return chatid


def _own_group(call: Call, chatid: Any) -> Group:
    app = _app_with_root(call)
    if not chatid:
        raise PlatformError(86201)
    group = call.state.groups.get(str(chatid))
    if group is None:
        raise PlatformError(86003)
    if group.agent_id != app.agent_id:
        raise PlatformError(86008)
    if group.dismissed:
        raise PlatformError(call.state.config.dismissed_group_errcode)
    return group


def _members(call: Call, userids: list[Any]) -> dict[int, None]:
    people = (call.state.company.person(str(userid), errcode=86216) for userid in userids)
    return dict.fromkeys(person.serial for person in people)


def _leaving(call: Call, group: Group) -> dict[int, None]:
    leaving = _members(call, call.list_of("del_user_list"))
    if any(serial not in group.members for serial in leaving):
        raise PlatformError(86216)
    if group.owner in leaving and not call.body.get("owner"):
        raise PlatformError(86005, "a new owner is needed")
    return leaving


def _owner(call: Call, members: dict[int, None]) -> int:
    owner = call.state.company.person(str(call.body["owner"]), errcode=86005)
    if owner.serial not in members:
        raise PlatformError(86207)
    return owner.serial


def _check_size(call: Call, members: dict[int, None]) -> None:
    """The maximum counts the app itself (doc path/90245)."""
    if not FEWEST <= len(members) <= call.state.config.group_member_max - 1:
        raise PlatformError(86006)


def _has_room(call: Call, app: App, serial: int) -> bool:
    """200 a minute and 10,000 a day to one member over all groups; the excess vanishes."""
    return call.state.limits.take("group member", f"{app.agent_id} {serial}")


ENDPOINTS = {
    "appchat/create": Endpoint("POST", create, fidelity=Fidelity.EXACT, source="path/90245"),
    "appchat/update": Endpoint("POST", update, fidelity=Fidelity.EXACT, source="path/90246"),
    "appchat/get": Endpoint("GET", get, fidelity=Fidelity.EXACT, source="path/90247"),
    "appchat/send": Endpoint("POST", send, fidelity=Fidelity.EXACT, source="path/90248"),
}
