# ruff: noqa: FAST003 - `PersonDep` takes the userid out of the path
"""Customers and customer groups, as people make and change them in the client."""

import time
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sandbox import customer_acts as acts
from sandbox import group_tasks
from sandbox.approval import Who
from sandbox.control.wiring import Body, PersonDep, StateDep
from sandbox.customers import BY_QR, INVITED, CustomerGroup, External, GroupTask, Key, group_json
from sandbox.limits import HOUR
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["customers"])


class NewExternal(Body):
    """Somebody outside. `kind` 1 a WeChat user (`wm…`), 2 somebody of another company (`wo…`)."""

    name: str
    kind: int = Field(default=1, ge=1, le=2)
    external_userid: str | None = None
    unionid: str | None = None
    corp_name: str | None = None
    followed_by: list[str] = Field(default_factory=list)


class Follower(Body):
    userid: str
    state: str = ""
    remark: str = ""


class Unfollow(Body):
    userid: str
    by_customer: bool = False


class NewCustomerGroup(Body):
    owner: str
    userids: list[str] = Field(default_factory=list)
    external_userids: list[str] = Field(default_factory=list)
    name: str = ""
    chat_id: str | None = None


class Joiners(Body):
    """`join_scene` 1 invited by a member, 2 by an invitation link, 3 by the group's QR code."""

    userids: list[str] = Field(default_factory=list)
    external_userids: list[str] = Field(default_factory=list)
    join_scene: int = Field(default=INVITED, ge=INVITED, le=BY_QR)
    invitor: str | None = None
    state: str = ""


class Members(Body):
    """Members of the company by userid, others by their external id."""

    ids: list[str]


class Text(Body):
    text: str


class Owner(Body):
    userid: str


class Spoken(Body):
    id: str
    text: str


class Nickname(Body):
    id: str
    nickname: str


class Admins(Body):
    userids: list[str]


class Scan(Body):
    external_userid: str


def external_view(state: SandboxState, external: External) -> dict[str, Any]:
    follows = {"".join(state.company.userids([serial])): follow.remark for serial, follow in external.follows.items()}
    return {
        "external_userid": external.id,
        "name": external.name,
        "kind": external.kind,
        "unionid": external.unionid,
        "corp_name": external.corp_name,
        "followed_by": follows,
    }


def customer_group_view(state: SandboxState, group: CustomerGroup) -> dict[str, Any]:
    """What `groupchat/get` answers, and besides it the messages, which no API reads."""
    lines = [
        {"at": line.at, "from": line.sender, "text": line.text, "warned": line.warned, "task": line.task} | line.body
        for line in group.lines
    ]
    return group_json(group, state.company, need_name=True) | {
        "status": group.status,
        "dismissed": group.is_dismissed,
        "opengid": group.opengid,
        "messages": lines,
    }


def _keys(state: SandboxState, ids: list[str]) -> list[Key]:
    """Members are known by their serial, so that a new userid changes nothing."""
    return [_key(state, one) for one in ids]


def _key(state: SandboxState, one: str) -> Key:
    person = state.company.find(one)
    return one if person is None else person.serial


# Customers


@router.get("/customers")
async def externals(state: StateDep) -> list[dict[str, Any]]:
    return [external_view(state, external) for external in state.customers.externals.values()]


@router.post("/customers")
async def add_external(state: StateDep, body: NewExternal) -> dict[str, Any]:
    people = [state.company.person(userid) for userid in body.followed_by]
    external = acts.add_external(state, **body.model_dump(exclude={"followed_by"}))
    for person in people:
        acts.befriend(state, person, external)
    return external_view(state, external)


@router.post("/customers/{external_userid}/befriend")
async def befriend(state: StateDep, external_userid: str, body: Follower) -> dict[str, Any]:
    external, person = acts.require_external(state, external_userid), state.company.person(body.userid)
    acts.befriend(state, person, external, follow_state=body.state, remark=body.remark)
    return external_view(state, external)


@router.post("/customers/{external_userid}/remark")
async def remark(state: StateDep, external_userid: str, body: Follower) -> dict[str, Any]:
    external = acts.require_external(state, external_userid)
    acts.remark(state, state.company.person(body.userid), external, body.remark)
    return external_view(state, external)


@router.post("/customers/{external_userid}/unfriend")
async def unfriend(state: StateDep, external_userid: str, body: Unfollow) -> dict[str, Any]:
    """The member deletes the customer, or the customer the member."""
    external = acts.require_external(state, external_userid)
    acts.unfriend(state, state.company.person(body.userid), external, by_customer=body.by_customer)
    return external_view(state, external)


# Groups


@router.get("/customer-groups")
async def groups(state: StateDep) -> list[dict[str, Any]]:
    return [customer_group_view(state, group) for group in state.customers.groups.values()]


@router.post("/customer-groups")
async def create(state: StateDep, body: NewCustomerGroup) -> dict[str, Any]:
    people = [state.company.person(userid) for userid in body.userids]
    outside = [acts.require_external(state, one) for one in body.external_userids]
    owner = state.company.person(body.owner)
    group = acts.create_group(state, owner, people, outside, body.name, chat_id=body.chat_id)
    return customer_group_view(state, group)


@router.get("/customer-groups/{chat_id}")
async def one_group(state: StateDep, chat_id: str) -> dict[str, Any]:
    group = state.customers.groups.get(chat_id)
    if group is None:
        raise NotPossible(f"there is no customer group {chat_id}")
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/join")
async def join(state: StateDep, chat_id: str, body: Joiners) -> dict[str, Any]:
    group = acts.require_group(state, chat_id)
    people = [state.company.person(userid) for userid in body.userids]
    outside = [acts.require_external(state, one) for one in body.external_userids]
    invitor = state.company.person(body.invitor) if body.invitor else None
    acts.join(state, group, people, outside, acts.Joining(body.join_scene, invitor, body.state))
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/leave")
async def leave(state: StateDep, chat_id: str, body: Members) -> dict[str, Any]:
    """By themselves."""
    return _part(state, chat_id, body, removed=False)


@router.post("/customer-groups/{chat_id}/remove")
async def remove(state: StateDep, chat_id: str, body: Members) -> dict[str, Any]:
    """By the owner or an admin. The event does not say who."""
    return _part(state, chat_id, body, removed=True)


def _part(state: SandboxState, chat_id: str, body: Members, *, removed: bool) -> dict[str, Any]:
    group = acts.require_group(state, chat_id)
    acts.part(state, group, _keys(state, body.ids), removed=removed)
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/rename")
async def rename(state: StateDep, chat_id: str, body: Text) -> dict[str, Any]:
    group = acts.require_group(state, chat_id)
    acts.rename(state, group, body.text)
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/notice")
async def notice(state: StateDep, chat_id: str, body: Text) -> dict[str, Any]:
    group = acts.require_group(state, chat_id)
    acts.set_notice(state, group, body.text)
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/transfer")
async def transfer(state: StateDep, chat_id: str, body: Owner) -> dict[str, Any]:
    group = acts.require_group(state, chat_id)
    acts.transfer(state, group, state.company.person(body.userid))
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/nickname")
async def nickname(state: StateDep, chat_id: str, body: Nickname) -> dict[str, Any]:
    """The alias in the group. There is no event for it."""
    group = acts.require_group(state, chat_id)
    member = group.members.get(_key(state, body.id))
    if member is None:
        raise NotPossible(f"{body.id} is not in the group")
    member.nickname = body.nickname
    return customer_group_view(state, group)


@router.put("/customer-groups/{chat_id}/admins")
async def set_admins(state: StateDep, chat_id: str, body: Admins) -> dict[str, Any]:
    """The owner names the group's admins. There is no event for it."""
    group = acts.require_group(state, chat_id)
    people = [Who.of(state.company.person(userid)) for userid in body.userids]
    if any(who.serial not in group.members for who in people):
        raise NotPossible("admins are members")
    group.admins = {who.serial: None for who in people}
    return customer_group_view(state, group)


@router.post("/customer-groups/{chat_id}/dismiss")
async def dismiss(state: StateDep, chat_id: str) -> None:
    acts.dismiss(state, acts.require_group(state, chat_id))


@router.post("/customer-groups/{chat_id}/say")
async def say(state: StateDep, chat_id: str, body: Spoken) -> dict[str, Any]:
    """`delivered` is false when a sensitive-word rule kept it back, `warned` when one only warned."""
    line = acts.say(state, acts.require_group(state, chat_id), _key(state, body.id), body.text)
    return {"delivered": line is not None, "warned": line is None or line.warned}


# Join ways and 群发


@router.get("/join-ways")
async def join_ways(state: StateDep) -> list[dict[str, Any]]:
    return [{"config_id": way.config_id} | way.values for way in state.customers.join_ways.values()]


@router.post("/join-ways/{config_id}/scan")
async def scan(state: StateDep, config_id: str, body: Scan) -> dict[str, Any]:
    """An external person scans the code and comes into the first group with room, or into a new one."""
    way = state.customers.join_ways.get(config_id)
    if way is None:
        raise NotPossible(f"there is no join way {config_id}")
    return customer_group_view(state, acts.scan(state, way, acts.require_external(state, body.external_userid)))


def task_view(state: SandboxState, task: GroupTask) -> dict[str, Any]:
    return {
        "msgid": task.msgid,
        "sender": "".join(state.company.userids([task.sender])),
        "chat_ids": task.chat_ids,
        "cancelled": task.cancelled,
        "reminded": task.reminded,
        "sent_at": task.sent_at,
        "results": task.results,
    } | task.body


@router.get("/people/{userid}/group-tasks")
async def tasks(state: StateDep, found: PersonDep) -> list[dict[str, Any]]:
    """企业群发 that wait for this member, and those that are over."""
    return [task_view(state, task) for task in state.customers.tasks.values() if task.sender == found.serial]


@router.post("/people/{userid}/group-tasks/{msgid}/confirm")
async def confirm(state: StateDep, found: PersonDep, msgid: str) -> dict[str, Any]:
    """The member sends it. A group takes as many a month as the month has days."""
    task = state.customers.tasks.get(msgid)
    if task is None or task.sender != found.serial:
        raise NotPossible(f"{found.userid} has no task {msgid}")
    group_tasks.confirm(state, task, month=time.strftime("%Y-%m", time.gmtime(state.now() + 8 * HOUR)))
    return task_view(state, task)
