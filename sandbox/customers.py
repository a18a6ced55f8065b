"""External people and customer groups (doc path/92120 to 92133, path/92229).

People make these groups in the client; no server API creates one. What people do stands in `customer_acts`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.approval import Who
from sandbox.company import Company

INTERNAL, EXTERNAL = 1, 2
WECHAT, WECOM = 1, 2

INVITED, BY_LINK, BY_QR = 1, 2, 3
"""`join_scene` of `groupchat/get`; the event counts differently."""

NORMAL, OWNER_LEFT, INHERITED = 0, 1, 3


@dataclass(slots=True)
class Follow:
    """A member of the company who has this person as a customer."""

    at: int
    remark: str = ""
    state: str = ""


@dataclass(slots=True)
class External:
    id: str
    name: str
    kind: int = WECHAT
    unionid: str = ""
    corp_name: str = ""
    follows: dict[int, Follow] = field(default_factory=dict)


@dataclass(slots=True)
class GroupMember:
    """`serial` for a member of the company, `external` for anybody else."""

    serial: int | None
    external: External | None
    join_time: int
    join_scene: int
    invitor: int | None = None
    nickname: str = ""
    state: str = ""

    @property
    def kind(self) -> int:
        return INTERNAL if self.external is None else EXTERNAL

    def id(self, company: Company) -> str:
        if self.external is not None:
            return self.external.id
        person = company.people.get(self.serial or 0)
        return person.userid if person else ""


@dataclass(slots=True)
class Line:
    """One message. `agent` is the task that a member confirmed, for a 群发."""

    at: int
    sender: str
    text: str
    body: dict[str, Any] = field(default_factory=dict)
    task: str = ""
    warned: bool = False


@dataclass(slots=True)
class Moment:
    """For the statistics: who came (+1) or went (-1), and when."""

    at: int
    change: int
    id: str


Key = int | str
"""A member's serial, or an external person's id."""


@dataclass
class CustomerGroup:
    chat_id: str
    name: str
    owner: Who
    create_time: int
    members: dict[Key, GroupMember] = field(default_factory=dict)
    admins: dict[int, None] = field(default_factory=dict)
    notice: str = ""
    status: int = NORMAL
    dismissed_at: int | None = None
    lines: list[Line] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    versions: int = 0
    changed_at: float = 0.0
    before: dict[str, Any] | None = None
    """What `groupchat/get` knew before the last change, for as long as it lags behind."""

    @property
    def is_dismissed(self) -> bool:
        return self.dismissed_at is not None

    @property
    def opengid(self) -> str:
        """What the client's JS-SDK hands out instead of the chat id."""
        return "opengid" + _digest(self.chat_id)

    def member_version(self) -> str:
        return _digest(f"{self.chat_id} {self.versions}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(slots=True)
class JoinWay:
    """A QR code or a button by which customers come into a group (doc path/92229)."""

    config_id: str
    agent: str
    values: dict[str, Any]
    created: int = 0
    """Groups it has opened by itself."""


@dataclass(slots=True)
class Rule:
    """A sensitive-word rule (doc path/95097)."""

    id: str
    agent: str
    name: str
    create_time: int
    words: list[str]
    semantics: list[int]
    intercepts: bool
    users: dict[int, None]
    departments: dict[int, None]


@dataclass(slots=True)
class GroupTask:
    """企业群发: nothing is sent before the member confirms it in the client (doc path/92135)."""

    msgid: str
    agent: str
    sender: int
    chat_ids: list[str]
    body: dict[str, Any]
    created_at: int
    cancelled: bool = False
    sent_at: int | None = None
    results: dict[str, int] = field(default_factory=dict)
    """Per group: 0 not sent, 1 sent, 3 the group has had its 群发 of the month."""
    reminded: int = 0


class CustomerDesk:
    """All external people, groups, join ways, rules and tasks."""

    def __init__(self) -> None:
        self.externals: dict[str, External] = {}
        self.groups: dict[str, CustomerGroup] = {}
        self.join_ways: dict[str, JoinWay] = {}
        self.rules: dict[str, Rule] = {}
        self.deleted_rules: set[str] = set()
        self.tasks: dict[str, GroupTask] = {}
        self.sent_in_month: dict[str, int] = {}
        """群发 so far, by group and month."""

    def living(self) -> Iterator[CustomerGroup]:
        return (group for group in self.groups.values() if not group.is_dismissed)

    def groups_of(self, key: Key) -> list[CustomerGroup]:
        return [group for group in self.living() if key in group.members]


def group_json(group: CustomerGroup, company: Company, *, need_name: bool) -> dict[str, Any]:
    """`group_chat` of `groupchat/get` (doc path/92122)."""
    admins = company.userids(group.admins)
    return {
        "chat_id": group.chat_id,
        "name": group.name,
        "owner": group.owner.userid(company),
        "create_time": group.create_time,
        "notice": group.notice,
        "member_list": [member_json(m, company, need_name=need_name) for m in group.members.values()],
        "admin_list": [{"userid": userid} for userid in admins],
        "member_version": group.member_version(),
    }


def member_json(member: GroupMember, company: Company, *, need_name: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "userid": member.id(company),
        "type": member.kind,
        "join_time": member.join_time,
        "join_scene": member.join_scene,
        "group_nickname": member.nickname,
    }
    if member.external is not None and member.external.unionid:
        row["unionid"] = member.external.unionid
    if member.invitor in company.people:
        row["invitor"] = {"userid": company.people[member.invitor or 0].userid}
    if need_name:
        person = company.people.get(member.serial or 0)
        row["name"] = member.external.name if member.external else person.name if person else ""
    return row | ({"state": member.state} if member.state else {})
