"""审批流程引擎: the flow of a self-built app's own forms (doc path/90269, path/90240).

People start and decide in the client; the app hears `open_approval_change` and can ask by its own number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.approval import Who
from sandbox.company import Person
from sandbox.events import elements, envelope
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

PENDING, AGREED, REJECTED, FORWARDED, WITHDRAWN = 1, 2, 3, 4, 4
"""Of an item and a node 4 is forwarded; of the document itself 4 is withdrawn."""
ANY, ALL = 1, 2
FIXED, TAG, SUPERIOR = 1, 2, 3


@dataclass(slots=True)
class OpenItem:
    who: Who
    status: int = PENDING
    speech: str = ""
    at: int = 0


@dataclass(slots=True)
class OpenNode:
    rel: int
    kind: int
    items: list[OpenItem]
    status: int = PENDING


@dataclass(slots=True)
class OpenTemplate:
    """Made in the console for one app. Nodes: `{"attr", "type", "userids" | "tag"}`; a superior needs neither."""

    id: str
    name: str
    agent_id: int
    nodes: list[dict[str, Any]]
    notify: list[str] = field(default_factory=list)


@dataclass(slots=True)
class OpenDocument:
    third_no: str
    template: OpenTemplate
    applicant: Who
    applied_at: int
    fields: list[dict[str, Any]]
    nodes: list[OpenNode]
    notify: list[Who]
    status: int = PENDING
    step: int = 0


def start(
    state: SandboxState,
    person: Person,
    template_id: str,
    third_no: str,
    fields: Sequence[Mapping[str, Any]] = (),
    *,
    agent_id: int | None = None,
) -> OpenDocument:
    """`thirdPartyOpenPage` with oaType 10001. Its errors are strings, as here."""
    template = state.open_templates.get(template_id)
    if template is None:
        raise NotPossible("template not exist")
    if template.agent_id != (agent_id or state.config.agent_id):
        raise NotPossible("template does not belong to the agent")
    if not third_no or third_no in state.open_documents:
        raise NotPossible("thirdNo is missing or used already")
    nodes = [node for spec in template.nodes if (node := _node(state, spec, person)).items]
    notify = [Who.of(state.company.person(userid)) for userid in template.notify]
    document = OpenDocument(
        third_no, template, Who.of(person), int(state.now()), [dict(f) for f in fields], nodes, notify
    )
    document.status = PENDING if nodes else AGREED
    state.open_documents[third_no] = document
    _tell(state, document)
    return document


def _node(state: SandboxState, spec: Mapping[str, Any], applicant: Person) -> OpenNode:
    kind, company = int(spec.get("type", FIXED)), state.company
    if kind == TAG:
        serials = list(company.tagged(company.tag(int(spec["tag"]))))
    elif kind == SUPERIOR:
        serials = applicant.direct_leaders[:1]
    else:
        serials = [company.person(userid).serial for userid in spec["userids"]]
    people = [company.people[serial] for serial in serials if serial in company.people]
    return OpenNode(int(spec.get("attr", ANY)), kind, [OpenItem(Who.of(person)) for person in people])


def require_document(state: SandboxState, third_no: str) -> OpenDocument:
    found = state.open_documents.get(third_no)
    if found is None:
        raise NotPossible("thirdNo not exist")
    return found


def active(document: OpenDocument) -> list[OpenItem]:
    if document.status != PENDING:
        return []
    return [item for item in document.nodes[document.step].items if item.status == PENDING]


def decide(state: SandboxState, document: OpenDocument, person: Person, *, agrees: bool, speech: str = "") -> None:
    node, item = _turn(document, person)
    item.status, item.speech, item.at = AGREED if agrees else REJECTED, speech, int(state.now())
    if not agrees:
        node.status = document.status = REJECTED
    elif node.rel == ANY or not any(other.status == PENDING for other in node.items):
        node.status = AGREED
        if document.step + 1 < len(document.nodes):
            document.step += 1
        else:
            document.status = AGREED
    _tell(state, document)


def forward(state: SandboxState, document: OpenDocument, person: Person, to: Person, speech: str = "") -> None:
    node, item = _turn(document, person)
    item.status, item.speech, item.at = FORWARDED, speech, int(state.now())
    node.items.insert(node.items.index(item) + 1, OpenItem(Who.of(to)))
    _tell(state, document)


def withdraw(state: SandboxState, document: OpenDocument, person: Person) -> None:
    if person.serial != document.applicant.serial or document.status != PENDING:
        raise NotPossible("only the applicant withdraws, and only while it is under way")
    document.status = WITHDRAWN
    _tell(state, document)


def _turn(document: OpenDocument, person: Person) -> tuple[OpenNode, OpenItem]:
    item = next((item for item in active(document) if item.who.serial == person.serial), None)
    if item is None:
        raise NotPossible(f"{document.third_no} is not waiting for {person.userid}")
    return document.nodes[document.step], item


# Views


def _person(state: SandboxState, who: Who) -> dict[str, str]:
    person = state.company.people.get(who.serial)
    department = state.company.departments[person.main_department].name if person else ""
    return {
        "name": person.name if person else who.last_userid,
        "userid": who.userid(state.company),
        "party": department,
        "image": f"https://wework.qpic.cn/sandbox/{who.serial}/0",
    }


def _item(state: SandboxState, who: Who, *, userid: str) -> dict[str, Any]:
    known = _person(state, who)
    return {
        "ItemName": known["name"],
        userid: known["userid"],
        "ItemParty": known["party"],
        "ItemImage": known["image"],
    }


def document_json(state: SandboxState, document: OpenDocument) -> dict[str, Any]:
    """`data` of `corp/getopenapprovaldata`: its names are written differently from the event's."""
    applicant = _person(state, document.applicant)
    nodes = []
    for node in document.nodes:
        items = [
            _item(state, item.who, userid="ItemUserId")
            | {"ItemStatus": item.status, "ItemSpeech": item.speech, "ItemOpTime": item.at}
            for item in node.items
        ]
        nodes.append(_node_head(node) | {"Items": {"Item": items}})
    copied = [_item(state, who, userid="ItemUserId") for who in document.notify]
    return {
        "ThirdNo": document.third_no,
        "OpenTemplateId": document.template.id,
        "OpenSpName": document.template.name,
        "OpenSpstatus": document.status,
        "ApplyTime": document.applied_at,
        "ApplyUsername": applicant["name"],
        "ApplyUserParty": applicant["party"],
        "ApplyUserImage": applicant["image"],
        "ApplyUserId": applicant["userid"],
        "ApprovalNodes": {"ApprovalNode": nodes},
        "NotifyNodes": {"NotifyNode": copied},
        "ApproverStep": document.step,
    }


def _node_head(node: OpenNode) -> dict[str, int]:
    return {"NodeStatus": node.status, "NodeAttr": node.rel, "NodeType": node.kind}


def change_event(state: SandboxState, document: OpenDocument) -> str:
    """`open_approval_change`; here it is `ItemUserid` and `OpenSpStatus` (doc path/90269)."""
    applicant = _person(state, document.applicant)
    head = {
        "ThirdNo": document.third_no,
        "OpenSpName": document.template.name,
        "OpenTemplateId": document.template.id,
        "OpenSpStatus": document.status,
        "ApplyTime": document.applied_at,
        "ApplyUserName": applicant["name"],
        "ApplyUserId": applicant["userid"],
        "ApplyUserParty": applicant["party"],
        "ApplyUserImage": applicant["image"],
    }
    nodes = "".join(_node_xml(state, node) for node in document.nodes)
    copied = "".join(
        f"<NotifyNode>{elements(_item(state, who, userid='ItemUserid'))}</NotifyNode>" for who in document.notify
    )
    info = (
        f"{elements(head)}<ApprovalNodes>{nodes}</ApprovalNodes><NotifyNodes>{copied}</NotifyNodes>"
        f"{elements({'ApproverStep': document.step})}"
    )
    rest = elements({"Event": "open_approval_change", "AgentID": document.template.agent_id})
    return envelope(state.config.corp_id, "sys", state.now(), "event", f"{rest}<ApprovalInfo>{info}</ApprovalInfo>")


def _node_xml(state: SandboxState, node: OpenNode) -> str:
    items = ""
    for item in node.items:
        rest = {"ItemStatus": item.status, "ItemSpeech": item.speech, "ItemOpTime": item.at}
        items += f"<Item>{elements(_item(state, item.who, userid='ItemUserid') | rest)}</Item>"
    return f"<ApprovalNode>{elements(_node_head(node))}<Items>{items}</Items></ApprovalNode>"


def _tell(state: SandboxState, document: OpenDocument) -> None:
    """Only the main app has a callback address."""
    if document.template.agent_id == state.config.agent_id:
        state.pusher.push("app", change_event(state, document))
