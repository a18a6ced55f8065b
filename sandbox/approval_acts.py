"""What people do with applications on their phones, and the callback that each act causes (doc path/91815).

No act of this kind exists in the platform's API: a server can submit, and that is all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox import approval as codes
from sandbox.approval import Application, Comment, Node, Share, Template, Who
from sandbox.approval_views import change_event
from sandbox.company import ROOT, Person
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

# StatuChangeEvent
SUBMITTED, AGREED, REJECTED, FORWARDED, URGED, WITHDRAWN, WITHDRAWN_AFTER = 1, 2, 3, 4, 5, 6, 8
COMMENTED, RETURNED, ADDED_SIGNER, ADDED_AND_AGREED, HANDLED, HANDED_OVER = 10, 11, 12, 13, 14, 15

LEADER = "@leader"


@dataclass
class Submission:
    """Everything that was written and decided about an application when it was handed in."""

    template: Template
    applicant: Person
    party: int
    contents: list[dict[str, Any]]
    nodes: list[Node]
    summary: list[str] = field(default_factory=list)
    notifyers: list[Who] = field(default_factory=list)
    notify_type: int = codes.NOTIFY_ON_SUBMIT
    batch: list[Who] = field(default_factory=list)
    agent_id: int | None = None
    leave: tuple[float, float] | None = None


def submit(state: SandboxState, given: Submission) -> Application:
    """Hand in; the flow begins at once. Without approver it is approved at once."""
    desk, now = state.approvals, state.now()
    application = Application(
        sp_no=desk.next_number(now),
        template=given.template,
        applicant=Who.of(given.applicant),
        party=given.party,
        applied_at=int(now),
        contents=given.contents,
        summary=given.summary,
        nodes=given.nodes,
        notifyers=given.notifyers,
        notify_type=given.notify_type,
        batch=given.batch,
        agent_id=given.agent_id,
        leave=given.leave,
    )
    desk.applications[application.sp_no] = application
    _advance(application)
    _tell(state, application, SUBMITTED)
    return application


def flow_nodes(state: SandboxState, template: Template, applicant: Person) -> list[Node]:
    """The template's own flow for this applicant. A node that nobody is left for is skipped."""
    nodes = []
    for spec in template.flow.node_list:
        people = [_flow_person(state, userid, applicant) for userid in spec["userid"]]
        shares = [Share(Who.of(person)) for person in people if person is not None]
        if shares:
            nodes.append(Node(int(spec["type"]), int(spec.get("apv_rel") or codes.ALL), shares))
    return nodes


def _flow_person(state: SandboxState, userid: str, applicant: Person) -> Person | None:
    if userid != LEADER:
        return state.company.find(userid)
    leaders = [state.company.people.get(serial) for serial in applicant.direct_leaders]
    leaders += [state.company.find(found) for found in state.company.leaders(ROOT)]
    return next((leader for leader in leaders if leader is not None and leader is not applicant), None)


def require_application(state: SandboxState, sp_no: str) -> Application:
    found = state.approvals.applications.get(sp_no)
    if found is None:
        raise NotPossible(f"there is no application {sp_no}")
    return found


# Deciding


def agree(state: SandboxState, application: Application, person: Person, speech: str = "") -> None:
    """Agree, or at a node of 办理人 handle."""
    node, share = _turn(application, person)
    handles = node.kind == codes.HANDLER
    _write(state, share, codes.HANDLED if handles else codes.AGREED, speech)
    _close_if_agreed(application, node)
    _tell(state, application, HANDLED if handles else AGREED)


def reject(state: SandboxState, application: Application, person: Person, speech: str = "") -> None:
    """One refusal ends the application, whatever the node asks for."""
    node, share = _turn(application, person)
    if node.kind == codes.HANDLER:
        raise NotPossible("a handler can only handle or hand over")
    _write(state, share, codes.REJECTED, speech)
    node.status = codes.REJECTED
    application.status = codes.REFUSED
    _tell(state, application, REJECTED)


def forward(state: SandboxState, application: Application, person: Person, to: Person, speech: str = "") -> None:
    """转审 or, at a node of 办理人, 转交: the other decides in this person's place."""
    node, share = _turn(application, person)
    _not_yet_there(node, to)
    handles = node.kind == codes.HANDLER
    _write(state, share, codes.HANDED_OVER if handles else codes.FORWARDED, speech)
    node.shares.insert(node.shares.index(share) + 1, Share(Who.of(to), added_by=share.added_by))
    _tell(state, application, HANDED_OVER if handles else FORWARDED)


def add_signers(
    state: SandboxState,
    application: Application,
    person: Person,
    others: Sequence[Person],
    *,
    agreeing: bool = False,
    speech: str = "",
) -> None:
    """加签. Agreeing, the others decide next; otherwise they decide first, and then this person."""
    node, share = _turn(application, person)
    if node.kind == codes.HANDLER or not others:
        raise NotPossible("signers can be added to a node of approvers only")
    for other in others:
        _not_yet_there(node, other)
    if agreeing:
        _write(state, share, codes.ADDED_AND_AGREED, speech)
        following = Node(codes.APPROVER, codes.ALL, [Share(Who.of(other)) for other in others])
        application.nodes.insert(application.nodes.index(node) + 1, following)
        _close_if_agreed(application, node)
    else:
        _write(state, share, codes.ADDED_SIGNER, speech)
        at = node.shares.index(share)
        node.shares[at:at] = [Share(Who.of(other), added_by=person.serial) for other in others]
    _tell(state, application, ADDED_AND_AGREED if agreeing else ADDED_SIGNER)


def send_back(state: SandboxState, application: Application, person: Person, to: Person, speech: str = "") -> None:
    """退回 to an approver who has decided already; from there on everybody decides again."""
    node, share = _turn(application, person)
    at = application.nodes.index(node)
    earlier = (n for n in application.nodes[:at] if n.kind != codes.COPY)
    target = next((n for n in earlier if to.serial in {s.who.serial for s in n.shares}), None)
    if target is None:
        raise NotPossible(f"{to.userid} has not decided before {person.userid}")
    for again in application.nodes[application.nodes.index(target) : at + 1]:
        _start_again(again)
    _write(state, share, codes.RETURNED, speech)
    node.status, target.reached = codes.RETURNED, True
    _tell(state, application, RETURNED)


# Around it


def withdraw(state: SandboxState, application: Application, person: Person) -> None:
    """The applicant takes it back, also after approval."""
    _require_applicant(application, person)
    if application.status == codes.UNDER_WAY:
        application.status = codes.WITHDRAWN
        _tell(state, application, WITHDRAWN)
    elif application.status in {codes.APPROVED, codes.PAID}:
        application.status = codes.WITHDRAWN_AFTER
        _tell(state, application, WITHDRAWN_AFTER)
    else:
        raise NotPossible("the application is over")


def urge(state: SandboxState, application: Application, person: Person) -> None:
    """催办: those whose turn it is are reminded; the status stays."""
    _require_applicant(application, person)
    if application.status != codes.UNDER_WAY:
        raise NotPossible("the application is over")
    application.urged.append(int(state.now()))
    _tell(state, application, URGED)


def comment(
    state: SandboxState, application: Application, person: Person, content: str, media_ids: Sequence[str] = ()
) -> Comment:
    written = Comment(
        str(next(state.approvals.comment_ids)), Who.of(person), int(state.now()), content, list(media_ids)
    )
    application.comments.append(written)
    _tell(state, application, COMMENTED)
    return written


def delete(application: Application) -> None:
    """An administrator deletes it. No code of `StatuChangeEvent` names that, so nobody is told."""
    application.status = codes.DELETED


def pay(application: Application) -> None:
    """Finance has paid. No code of `StatuChangeEvent` names that, so nobody is told."""
    if application.status != codes.APPROVED:
        raise NotPossible("only an approved application is paid")
    application.status = codes.PAID


def _turn(application: Application, person: Person) -> tuple[Node, Share]:
    node = application.current()
    share = next((s for s in application.active() if s.who.serial == person.serial), None)
    if node is None or share is None:
        raise NotPossible(f"{application.sp_no} is not waiting for {person.userid}")
    return node, share


def _require_applicant(application: Application, person: Person) -> None:
    if person.serial not in {application.applicant.serial, *(who.serial for who in application.batch)}:
        raise NotPossible(f"{person.userid} did not hand in {application.sp_no}")


def _not_yet_there(node: Node, person: Person) -> None:
    if any(share.who.serial == person.serial and share.is_open for share in node.shares):
        raise NotPossible(f"{person.userid} is to decide here anyway")


def _write(state: SandboxState, share: Share, opinion: int, speech: str) -> None:
    share.opinion, share.speech, share.at = opinion, speech, int(state.now())


def _close_if_agreed(application: Application, node: Node) -> None:
    if node.is_agreed():
        node.status = codes.HANDLED if node.kind == codes.HANDLER else codes.AGREED
        _advance(application)


def _start_again(node: Node) -> None:
    node.status, node.reached = codes.PENDING, node.kind == codes.COPY
    node.shares = [share for share in node.shares if share.added_by is None]
    for share in node.shares:
        share.opinion, share.at, share.speech = codes.PENDING, 0, ""


def _advance(application: Application) -> None:
    """Reach the next node that somebody has to decide; copies on the way are shown."""
    for node in application.nodes:
        if node.kind == codes.COPY:
            node.reached = True
        elif node.status == codes.RETURNED:
            _start_again(node)
            node.reached = True
            return
        elif node.status == codes.PENDING:
            node.reached = True
            return
    application.status = codes.APPROVED


def _tell(state: SandboxState, application: Application, change: int) -> None:
    """The app hears of it when it may call the 审批 app, listens, and sees the applicant; the template is ticked."""
    config, app = state.config, state.main_app
    for share in application.active():
        state.last_active[share.who.serial] = state.now()
    applicant = state.company.people.get(application.applicant.serial)
    is_seen = applicant is not None and state.sight(app).sees_person(applicant)
    listens = config.approval_status_events and state.is_allowed(app, config.approval_apps)
    if listens and is_seen and application.template.notifies:
        event = change_event(application, state.company, config.corp_id, state.now(), change)
        state.pusher.push("app", event)
