"""What people do with customers and customer groups, and the events that follow (doc path/92130)."""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox import customers as codes
from sandbox.approval import Who
from sandbox.company import Person
from sandbox.customers import CustomerGroup, External, Follow, GroupMember, JoinWay, Key, Line, Moment, group_json
from sandbox.events import element, elements, envelope
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
BY_THEMSELVES, REMOVED = 0, 1


@dataclass(frozen=True)
class Joining:
    """How somebody comes in: `scene` as in `groupchat/get`, the inviter, and a join way's `state`."""

    scene: int = codes.INVITED
    invitor: Person | None = None
    state: str = ""


# Customers


def add_external(state: SandboxState, name: str, **more: Any) -> External:
    """Somebody outside: `wm…` a WeChat user, `wo…` somebody of another company."""
    kind = int(more.get("kind", codes.WECHAT))
    external_id = more.get("external_userid") or ("wm" if kind == codes.WECHAT else "wo") + secrets.token_hex(15)
    if external_id in state.customers.externals:
        raise NotPossible(f"{external_id} exists")
    unionid = str(more.get("unionid") or "") if kind == codes.WECHAT else ""
    external = External(external_id, name, kind, unionid, str(more.get("corp_name") or ""))
    state.customers.externals[external_id] = external
    return external


def require_external(state: SandboxState, external_id: str) -> External:
    found = state.customers.externals.get(external_id)
    if found is None:
        raise NotPossible(f"there is no external person {external_id}")
    return found


def befriend(
    state: SandboxState, person: Person, external: External, *, follow_state: str = "", remark: str = ""
) -> None:
    external.follows[person.serial] = Follow(int(state.now()), remark or external.name, follow_state)
    fields = {"State": follow_state} if follow_state else {}
    _tell_contact(state, "add_external_contact", person, external, fields | {"WelcomeCode": secrets.token_urlsafe(16)})


def remark(state: SandboxState, person: Person, external: External, text: str) -> None:
    _follow(person, external).remark = text
    _tell_contact(state, "edit_external_contact", person, external, {})


def unfriend(state: SandboxState, person: Person, external: External, *, by_customer: bool) -> None:
    _follow(person, external)
    del external.follows[person.serial]
    _tell_contact(state, "del_follow_user" if by_customer else "del_external_contact", person, external, {})


def _follow(person: Person, external: External) -> Follow:
    found = external.follows.get(person.serial)
    if found is None:
        raise NotPossible(f"{external.id} is no customer of {person.userid}")
    return found


# Groups


def create_group(
    state: SandboxState,
    owner: Person,
    people: Sequence[Person],
    outside: Sequence[External],
    name: str = "",
    **more: Any,
) -> CustomerGroup:
    """Only people do this. An owner may bring colleagues and customers."""
    now = int(state.now())
    chat_id = more.get("chat_id") or "wr" + secrets.token_urlsafe(22)
    if chat_id in state.customers.groups:
        raise NotPossible(f"{chat_id} exists")
    if 1 + len(people) + len(outside) > state.config.customer_group_max:
        raise NotPossible("the group would be too big")
    group = CustomerGroup(chat_id, name, Who.of(owner), now)
    state.customers.groups[chat_id] = group
    _enter(group, owner.serial, GroupMember(owner.serial, None, now, codes.INVITED), owner.userid)
    for person in people:
        _enter(group, person.serial, GroupMember(person.serial, None, now, codes.INVITED, owner.serial), person.userid)
    for external in outside:
        _enter(group, external.id, GroupMember(None, external, now, codes.INVITED, owner.serial), external.id)
    group.versions = 1
    _tell_group(state, group, "create")
    return group


def require_group(state: SandboxState, chat_id: str) -> CustomerGroup:
    """A group that is still there."""
    found = state.customers.groups.get(chat_id)
    if found is None or found.is_dismissed:
        raise NotPossible(f"there is no customer group {chat_id}")
    return found


def join(
    state: SandboxState, group: CustomerGroup, people: Sequence[Person], outside: Sequence[External], how: Joining
) -> None:
    """One event for all who come at once."""
    coming: dict[Key, GroupMember] = {}
    now, invitor = int(state.now()), how.invitor.serial if how.invitor else None
    for person in people:
        coming[person.serial] = GroupMember(person.serial, None, now, how.scene, invitor, state=how.state)
    for external in outside:
        coming[external.id] = GroupMember(None, external, now, how.scene, invitor, state=how.state)
    coming = {key: member for key, member in coming.items() if key not in group.members}
    if not coming:
        raise NotPossible("they are in the group already")
    if len(group.members) + len(coming) > state.config.customer_group_max:
        raise NotPossible("the group is full")
    _remember(state, group)
    for key, member in coming.items():
        _enter(group, key, member, member.id(state.company))
    ids = [member.id(state.company) for member in coming.values()]
    scene = codes.BY_QR if how.scene == codes.BY_QR else 0
    _tell_members(state, group, "add_member", ids, join_scene=scene, quit_scene=0)


def part(state: SandboxState, group: CustomerGroup, keys: Sequence[Key], *, removed: bool) -> None:
    """Leave or be removed. An owner hands the group over first, unless they leave the company."""
    if any(key not in group.members for key in keys) or not keys:
        raise NotPossible("not in the group")
    if group.owner.serial in keys and group.owner.serial in state.company.people:
        raise NotPossible("the owner transfers the group first")
    _remember(state, group)
    ids = [group.members[key].id(state.company) for key in keys]
    for key, member_id in zip(keys, ids, strict=True):
        _leave(state, group, key, member_id)
    _tell_members(state, group, "del_member", ids, join_scene=0, quit_scene=REMOVED if removed else BY_THEMSELVES)


def rename(state: SandboxState, group: CustomerGroup, name: str) -> None:
    _remember(state, group)
    group.name = name
    _tell_update(state, group, "change_name")


def set_notice(state: SandboxState, group: CustomerGroup, notice: str) -> None:
    _remember(state, group)
    group.notice = notice
    _tell_update(state, group, "change_notice")


def transfer(state: SandboxState, group: CustomerGroup, owner: Person) -> None:
    """To a colleague, who comes into the group by it."""
    _remember(state, group)
    if owner.serial not in group.members:
        member = GroupMember(owner.serial, None, int(state.now()), codes.INVITED, group.owner.serial)
        _enter(group, owner.serial, member, owner.userid)
    group.owner = Who.of(owner)
    group.admins.pop(owner.serial, None)
    _tell_update(state, group, "change_owner")


def dismiss(state: SandboxState, group: CustomerGroup) -> None:
    group.dismissed_at = int(state.now())
    _tell_group(state, group, "dismiss")


def say(state: SandboxState, group: CustomerGroup, key: Key, text: str) -> Line | None:
    """None when a rule kept a member's message back (doc path/95097)."""
    member = group.members.get(key)
    if member is None:
        raise NotPossible("not in the group")
    hits = list(_hits(state, member.serial, text)) if member.serial is not None else []
    if any(hits):
        return None
    line = Line(int(state.now()), member.id(state.company), text, warned=bool(hits))
    group.lines.append(line)
    return line


def _hits(state: SandboxState, serial: int, text: str) -> Iterable[bool]:
    """One per rule that the text offends: whether it blocks."""
    person = state.company.people[serial]
    for rule in state.customers.rules.values():
        above = {d for top in rule.departments if top in state.company.departments for d in state.company.subtree(top)}
        if serial not in rule.users and not above & set(person.departments):
            continue
        by_word = any(word in text for word in rule.words)
        by_meaning = (1 in rule.semantics and PHONE.search(text)) or (2 in rule.semantics and EMAIL.search(text))  # noqa: PLR2004 - 1 phone, 2 email
        if by_word or by_meaning:
            yield rule.intercepts


def person_left(state: SandboxState, person: Person) -> None:
    """A member who leaves the company leaves the groups; their own groups wait for somebody to inherit them."""
    for group in state.customers.groups_of(person.serial):
        if group.owner.serial == person.serial:
            group.status = codes.OWNER_LEFT
        _remember(state, group)
        _leave(state, group, person.serial, person.userid)
        _tell_members(state, group, "del_member", [person.userid], join_scene=0, quit_scene=BY_THEMSELVES)


# By QR code


def scan(state: SandboxState, way: JoinWay, external: External) -> CustomerGroup:
    """Into the first group with room; when all are full, into a new one if the way may open it (doc path/92229)."""
    desk, how = state.customers, Joining(codes.BY_QR, state=str(way.values.get("state") or ""))
    known = [desk.groups[chat_id] for chat_id in way.values["chat_id_list"] if chat_id in desk.groups]
    known = [group for group in known if not group.is_dismissed]
    for group in known:
        if len(group.members) < state.config.customer_group_max:
            join(state, group, [], [external], how)
            return group
    if not known or not way.values["auto_create_room"]:
        raise NotPossible("all groups are full")
    owner = state.company.people.get(known[-1].owner.serial)
    if owner is None:
        raise NotPossible("the owner of the last group has left")
    number = int(way.values.get("room_base_id") or 1) + way.created
    way.created += 1
    group = create_group(state, owner, [], [], f"{way.values.get('room_base_name') or known[-1].name}{number}")
    way.values["chat_id_list"].append(group.chat_id)
    join(state, group, [], [external], how)
    return group


# Telling


def _enter(group: CustomerGroup, key: Key, member: GroupMember, member_id: str) -> None:
    group.members[key] = member
    group.moments.append(Moment(member.join_time, 1, member_id))


def _leave(state: SandboxState, group: CustomerGroup, key: Key, member_id: str) -> None:
    del group.members[key]
    if isinstance(key, int):
        group.admins.pop(key, None)
    group.moments.append(Moment(int(state.now()), -1, member_id))


def _remember(state: SandboxState, group: CustomerGroup) -> None:
    """What a lagging `groupchat/get` still answers for a while."""
    now, lag = state.now(), state.config.customer_group_lag_seconds
    if lag and now - group.changed_at >= lag:
        group.before = group_json(group, state.company, need_name=True)
    group.changed_at = now


def _tell_members(
    state: SandboxState, group: CustomerGroup, detail: str, ids: Sequence[str], *, join_scene: int, quit_scene: int
) -> None:
    last = group.member_version()
    group.versions += 1
    items = "".join(element("Item", member_id) for member_id in ids)
    counts = {"JoinScene": join_scene, "QuitScene": quit_scene, "MemChangeCnt": len(ids)}
    versions = {"LastMemVer": last, "CurMemVer": group.member_version()}
    more = f"{elements(counts)}<MemChangeList>{items}</MemChangeList>{elements(versions)}"
    _tell_group(state, group, "update", element("UpdateDetail", detail) + more)


def _tell_update(state: SandboxState, group: CustomerGroup, detail: str) -> None:
    _tell_group(state, group, "update", element("UpdateDetail", detail))


def _tell_group(state: SandboxState, group: CustomerGroup, change: str, more: str = "") -> None:
    """The owner must be in sight; one who has left was."""
    owner = state.company.people.get(group.owner.serial)
    if owner is None or state.sight(state.main_app).sees_person(owner):
        head = {"Event": "change_external_chat", "ChatId": group.chat_id, "ChangeType": change}
        _push(state, elements(head) + more)


def _tell_contact(state: SandboxState, change: str, person: Person, external: External, more: dict[str, Any]) -> None:
    if state.sight(state.main_app).sees_person(person):
        head = {"Event": "change_external_contact", "ChangeType": change}
        who = {"UserID": person.userid, "ExternalUserID": external.id}
        _push(state, elements(head | who | more))


def _push(state: SandboxState, rest: str) -> None:
    if state.is_allowed(state.main_app, state.config.customer_contact_apps):
        state.pusher.push("app", envelope(state.config.corp_id, "sys", state.now(), "event", rest))
