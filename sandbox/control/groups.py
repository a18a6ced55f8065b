"""What people do to groups in the client. None of it raises an event (doc path/90240)."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sandbox.control.wiring import Body, StateDep
from sandbox.conversations import Group, Message
from sandbox.phone_acts import NotPossible, group_view, require_group
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox/groups", tags=["groups"])


class NewGroup(Body):
    """A group that people make themselves; the app's API cannot reach it (86008)."""

    owner: str
    userids: list[str] = Field(default_factory=list)
    name: str = ""
    chatid: str | None = None


class Name(Body):
    name: str


class Userid(Body):
    userid: str


class Line(Body):
    userid: str
    text: str


@router.get("")
async def groups(state: StateDep) -> list[dict[str, Any]]:
    return [group_view(state, group) for group in state.groups.values()]


@router.post("")
async def create(body: NewGroup, state: StateDep) -> dict[str, Any]:
    serial = state.next_id()
    chatid = body.chatid or f"wrhuman{serial:08d}"
    owner = state.company.person(body.owner).serial
    group = Group(chatid, body.name, owner, {}, state.now())
    state.groups[chatid] = group
    for userid in [body.owner, *body.userids]:
        state.join_group(group, state.company.person(userid).serial)
    return group_view(state, group)


@router.get("/{chatid}")
async def one_group(chatid: str, state: StateDep) -> dict[str, Any]:
    group = require_group(state, chatid)
    lines = [
        {"msgtype": m.msgtype, "body": m.body, "at": m.at, "mentioned": m.mentioned, "notice": m.notice}
        for m in group.messages
    ]
    return group_view(state, group) | {"messages": lines}


@router.post("/{chatid}/add")
async def add(chatid: str, body: Userid, state: StateDep) -> dict[str, Any]:
    group = _living(state, chatid)
    person = state.company.person(body.userid)
    state.join_group(group, person.serial)
    _note(state, group, f"{person.name} 加入了群聊")
    return group_view(state, group)


@router.post("/{chatid}/remove")
async def remove(chatid: str, body: Userid, state: StateDep) -> dict[str, Any]:
    return _take_out(state, chatid, body.userid, "{} 被移出群聊")


@router.post("/{chatid}/leave")
async def leave(chatid: str, body: Userid, state: StateDep) -> dict[str, Any]:
    return _take_out(state, chatid, body.userid, "{} 退出了群聊")


@router.post("/{chatid}/rename")
async def rename(chatid: str, body: Name, state: StateDep) -> dict[str, Any]:
    group = _living(state, chatid)
    group.name = body.name
    _note(state, group, f"群名修改为「{body.name}」")
    return group_view(state, group)


@router.post("/{chatid}/transfer")
async def transfer(chatid: str, body: Userid, state: StateDep) -> dict[str, Any]:
    group = _living(state, chatid)
    person = state.company.person(body.userid)
    _require_member(group, person.serial, body.userid)
    group.owner = person.serial
    _note(state, group, f"{person.name} 成为新的群主")
    return group_view(state, group)


@router.post("/{chatid}/dismiss")
async def dismiss(chatid: str, state: StateDep) -> dict[str, Any]:
    group = _living(state, chatid)
    group.dismissed = True
    for serial in list(group.members):
        state.groups_of.get(serial, {}).pop(chatid, None)
    return group_view(state, group)


@router.post("/{chatid}/say")
async def say(chatid: str, body: Line, state: StateDep) -> None:
    """A person types in the group. The app never hears of it."""
    group = _living(state, chatid)
    person = state.company.person(body.userid)
    _require_member(group, person.serial, body.userid)
    agent_id = group.agent_id or 0
    content = {"content": body.text}
    group.messages.append(Message(state.next_id(), state.now(), agent_id, "text", content, person.serial))


def _living(state: SandboxState, chatid: str) -> Group:
    group = require_group(state, chatid)
    if group.dismissed:
        raise NotPossible("the group was dissolved")
    return group


def _require_member(group: Group, serial: int, userid: str) -> None:
    if serial not in group.members:
        raise NotPossible(f"{userid} is not in the group")


def _take_out(state: SandboxState, chatid: str, userid: str, notice: str) -> dict[str, Any]:
    group = _living(state, chatid)
    person = state.company.person(userid)
    _require_member(group, person.serial, userid)
    state.quit_group(group, person.serial)
    _note(state, group, notice.format(person.name))
    return group_view(state, group)


def _note(state: SandboxState, group: Group, text: str) -> None:
    group.messages.append(Message(state.next_id(), state.now(), 0, "notice", {}, notice=text))
