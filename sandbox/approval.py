"""The 审批 app: templates, applications and their flow (doc path/91854, path/91983).

Codes are the newer ones throughout: `rel` 1 all, 2 any one, 3 in sequence. The older view, in which 1 is any one
and 2 is all, is made from them in `approval_views`.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.company import Company, Person

# Nodes
APPROVER, COPY, HANDLER = 1, 2, 3
ALL, ANY, SEQUENCE = 1, 2, 3

# What a person did (`sp_yj`), and the state of a node
PENDING, AGREED, REJECTED, FORWARDED = 1, 2, 3, 4
RETURNED, ADDED_SIGNER, ADDED_AND_AGREED, HANDLED, HANDED_OVER = 11, 12, 13, 14, 15

# The state of an application (`sp_status`)
UNDER_WAY, APPROVED, REFUSED, WITHDRAWN, WITHDRAWN_AFTER, DELETED, PAID = 1, 2, 3, 4, 6, 7, 10

CONSOLE, THIRD_PARTY = "console", "third_party"
NOTIFY_ON_SUBMIT, NOTIFY_AFTER, NOTIFY_BOTH = 1, 2, 3


@dataclass(slots=True)
class Who:
    """A person, remembered by their last userid when they are gone."""

    serial: int
    last_userid: str

    @classmethod
    def of(cls, person: Person) -> "Who":
        return cls(person.serial, person.userid)

    def userid(self, company: Company) -> str:
        person = company.people.get(self.serial)
        return person.userid if person else self.last_userid


@dataclass(slots=True)
class Share:
    """One person's part in a node."""

    who: Who
    opinion: int = PENDING
    speech: str = ""
    at: int = 0
    media_ids: list[str] = field(default_factory=list)
    added_by: int | None = None
    """The serial of whoever asked this person in; they wait until this person has decided."""

    @property
    def is_open(self) -> bool:
        return self.opinion in {PENDING, ADDED_SIGNER}

    @property
    def agrees(self) -> bool:
        return self.opinion in {AGREED, ADDED_AND_AGREED, HANDLED}


@dataclass(slots=True)
class Node:
    kind: int
    rel: int
    shares: list[Share]
    status: int = PENDING
    reached: bool = False

    def active(self) -> list[Share]:
        """Those who may decide now."""
        waited_for = {share.added_by for share in self.shares if share.is_open}
        open_ones = [share for share in self.shares if share.is_open and share.who.serial not in waited_for]
        return open_ones[:1] if self.rel == SEQUENCE else open_ones

    def is_agreed(self) -> bool:
        if self.rel == ANY:
            return any(share.agrees for share in self.shares)
        return not any(share.is_open for share in self.shares)


@dataclass(slots=True)
class Comment:
    id: str
    who: Who
    at: int
    content: str
    media_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Flow:
    """How a template decides on its own: nodes as in `process`, where a userid may be `@leader`.

    `self_select` is 申请人自选: people choose on the phone, and the API cannot use the flow.
    """

    node_list: list[dict[str, Any]] = field(default_factory=list)
    self_select: bool = False


@dataclass(slots=True)
class Template:
    id: str
    names: list[dict[str, str]]
    controls: list[dict[str, Any]]
    owner: str = CONSOLE
    """`console`, `third_party`, or the id of the app that made it."""
    record_type: int = 0
    """1 leave, 2 punch fix, 3 trip, 4 outing, 5 overtime, 6 shift swap … (doc path/91816); 0 is none."""
    by_api: bool = True
    """打卡补卡 and 调班 cannot be submitted by API (doc path/91853)."""
    notifies: bool = True
    """Ticked for 审批状态通知事件 in the console."""
    custom_print: bool = False
    flow: Flow = field(default_factory=lambda: Flow([{"type": APPROVER, "apv_rel": ANY, "userid": ["@leader"]}]))

    @property
    def name(self) -> str:
        return self.names[0]["text"]

    def control(self, control_id: str) -> dict[str, Any] | None:
        return next((c for c in self.controls if c["property"]["id"] == control_id), None)


@dataclass(slots=True)
class Application:
    sp_no: str
    template: Template
    applicant: Who
    party: int
    applied_at: int
    contents: list[dict[str, Any]]
    summary: list[str]
    nodes: list[Node]
    notifyers: list[Who] = field(default_factory=list)
    """The older way of copying people in, outside the nodes."""
    notify_type: int = NOTIFY_ON_SUBMIT
    batch: list[Who] = field(default_factory=list)
    """多人提单: then `batch_applyer` stands in place of `applyer`."""
    status: int = UNDER_WAY
    comments: list[Comment] = field(default_factory=list)
    agent_id: int | None = None
    """The app that submitted it; None when a person did."""
    urged: list[int] = field(default_factory=list)
    leave: tuple[float, float] | None = None

    def current(self) -> Node | None:
        if self.status != UNDER_WAY:
            return None
        return next((node for node in self.nodes if node.reached and node.status == PENDING), None)

    def active(self) -> list[Share]:
        node = self.current()
        return node.active() if node else []

    def copied(self) -> list[Who]:
        """Everybody who is copied in, whether or not their turn has come."""
        in_nodes = [share.who for node in self.nodes if node.kind == COPY for share in node.shares]
        return [*self.notifyers, *in_nodes]

    def shown_to_copied(self) -> Iterator[int]:
        """The serials of those to whom the copy has been shown."""
        early = self.notify_type in {NOTIFY_ON_SUBMIT, NOTIFY_BOTH}
        late = self.status in {APPROVED, PAID} and self.notify_type in {NOTIFY_AFTER, NOTIFY_BOTH}
        if early or late:
            yield from (who.serial for who in self.notifyers)
        for node in self.nodes:
            if node.kind == COPY and node.reached:
                yield from (share.who.serial for share in node.shares)

    def decided_by(self, serial: int) -> bool:
        shares = (share for node in self.nodes if node.kind != COPY for share in node.shares)
        return any(share.who.serial == serial and share.opinion != PENDING for share in shares)


class ApprovalDesk:
    """All templates and applications of the company."""

    def __init__(self) -> None:
        self.templates: dict[str, Template] = {}
        self.applications: dict[str, Application] = {}
        self._numbers: dict[str, itertools.count[int]] = {}
        self.comment_ids = itertools.count(1)

    def next_number(self, now: float) -> str:
        """The day and a counter, such as 202603020007."""
        day = (datetime.fromtimestamp(now, UTC) + timedelta(hours=8)).strftime("%Y%m%d")
        return f"{day}{next(self._numbers.setdefault(day, itertools.count(1))):04d}"

    def add_template(self, template: Template) -> None:
        self.templates[template.id] = template

    def waiting_for(self, serial: int) -> list[Application]:
        return [a for a in self.applications.values() if serial in {s.who.serial for s in a.active()}]

    def submitted_by(self, serial: int) -> list[Application]:
        mine = (a for a in self.applications.values() if serial in {a.applicant.serial, *(w.serial for w in a.batch)})
        return [a for a in mine if a.status != DELETED]

    def decided_by(self, serial: int) -> list[Application]:
        return [a for a in self.applications.values() if a.decided_by(serial)]

    def copied_to(self, serial: int) -> list[Application]:
        return [a for a in self.applications.values() if serial in a.shown_to_copied()]
