"""oa/applyevent, oa/getapprovalinfo, oa/getapprovaldetail (doc path/91853, path/91816, path/91983).

A server can submit and read. Deciding is for people: `sandbox.approval_acts`.
"""

from typing import Any

from sandbox import approval_acts
from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.oa_values import Checked, ValueChecker
from sandbox.approval import (
    ALL,
    ANY,
    APPROVED,
    APPROVER,
    COPY,
    HANDLER,
    NOTIFY_ON_SUBMIT,
    PAID,
    SEQUENCE,
    THIRD_PARTY,
    UNDER_WAY,
    Application,
    Node,
    Share,
    Template,
    Who,
)
from sandbox.approval_views import detail
from sandbox.company import Person
from sandbox.errors import PlatformError, ok
from sandbox.limits import DAY
from sandbox.state import App

SUMMARY_LINES = 3
SUMMARY_CHARACTERS = 20
SPAN_DAYS = 31
PAGE_MOST = 100
OLD_TO_NEW = {1: ANY, 2: ALL}
"""`approver.attr` counts 1 any one, 2 all; `apv_rel` the other way round."""
FILTERS = frozenset(["template_id", "creator", "department", "sp_status", "record_type"])


def allowed_app(call: Call) -> App:
    """An app under 审批 → 可调用接口的应用 while the 审批 app is on: 301055, 301056, and 45009 beyond 600 a minute."""
    state = call.state
    if call.app is None or not state.is_allowed(call.app, state.config.approval_apps):
        raise PlatformError(301055)
    if not state.config.approval_enabled:
        raise PlatformError(301056)
    state.limits.charge("approval", call.endpoint)
    return call.app


def known_template(call: Call, template_id: Any) -> Template:
    """301025 without an id, 301026 for one that is not there, 301055 for a third party's."""
    if not template_id:
        raise PlatformError(301025, "template_id is missing")
    template = call.state.approvals.templates.get(str(template_id))
    if template is None:
        raise PlatformError(301026, str(template_id))
    if template.owner == THIRD_PARTY:
        raise PlatformError(301055)
    return template


# Submitting


def applyevent(call: Call) -> dict[str, Any]:
    app = allowed_app(call)
    applicant = _applicant(call)
    template = known_template(call, call.body.get("template_id"))
    if not template.by_api:
        raise PlatformError(301025, f"{template.name} cannot be submitted by API")
    nodes, notifyers, notify_type = _flow(call, template, applicant)
    contents = (call.body.get("apply_data") or {}).get("contents")
    checked = ValueChecker(call.state, template).check(contents if contents is not None else [])
    submission = approval_acts.Submission(
        template=template,
        applicant=applicant,
        party=_party(call, applicant),
        contents=checked.contents,
        nodes=nodes,
        summary=_summary(call),
        notifyers=notifyers,
        notify_type=notify_type,
        agent_id=app.agent_id,
        leave=checked.leave,
    )
    refuse_overlap(call.state.approvals.applications.values(), submission)
    keep_files(checked)
    return ok(sp_no=approval_acts.submit(call.state, submission).sp_no)


def keep_files(checked: Checked) -> None:
    """Temporary files of an application become permanent (doc path/91853)."""
    for media in checked.files:
        media.expires_at = float("inf")


def refuse_overlap(applications: Any, given: approval_acts.Submission) -> None:
    """301079 when the applicant is away at that time already."""
    if given.leave is None:
        return
    begin, end = given.leave
    for other in applications:
        counts = other.status in {UNDER_WAY, APPROVED, PAID} and other.applicant.serial == given.applicant.serial
        if counts and other.leave is not None and other.leave[0] < end and begin < other.leave[1]:
            raise PlatformError(301079, other.sp_no)


def _applicant(call: Call) -> Person:
    userid = call.body.get("creator_userid")
    if not userid:
        raise PlatformError(40058, "creator_userid is empty")
    person = call.state.company.find(str(userid))
    if person is None or not call.sight.sees_person(person):
        raise PlatformError(301055, str(userid))
    return person


def _party(call: Call, applicant: Person) -> int:
    chosen = call.body.get("choose_department")
    if chosen is None:
        return applicant.main_department
    if int(chosen) not in applicant.departments:
        raise PlatformError(301025, "choose_department is not one of the applicant's")
    return int(chosen)


def _summary(call: Call) -> list[str]:
    lines = call.list_of("summary_list")
    if not 1 <= len(lines) <= SUMMARY_LINES:
        raise PlatformError(301025, "summary_list takes one to three lines")
    texts = []
    for line in lines:
        for info in line["summary_info"]:
            if info.get("lang") not in {"zh_CN", "en"} or not info.get("text"):
                raise PlatformError(301025, "summary_info wants text and lang, zh_CN or en")
            if len(str(info["text"])) > SUMMARY_CHARACTERS:
                raise PlatformError(301025, "a line of the summary takes 20 characters")
        texts.append(str(line["summary_info"][0]["text"]))
    return texts


def _flow(call: Call, template: Template, applicant: Person) -> tuple[list[Node], list[Who], int]:
    body = call.body
    if int(body.get("use_template_approver") or 0) == 1:
        if template.flow.self_select:
            raise PlatformError(301025, "the template's flow is chosen by the applicant")
        return approval_acts.flow_nodes(call.state, template, applicant), [], NOTIFY_ON_SUBMIT
    if body.get("process"):
        return nodes_of(call.state.company, body["process"].get("node_list")), [], NOTIFY_ON_SUBMIT
    notify_type = int(body.get("notify_type") or NOTIFY_ON_SUBMIT)
    if notify_type not in {1, 2, 3}:
        raise PlatformError(301025, "notify_type")
    specs = [_new_spec(old) for old in call.list_of("approver")]
    notifyers = [Who.of(_somebody(call.state.company, userid)) for userid in call.list_of("notifyer")]
    return nodes_of(call.state.company, specs), notifyers, notify_type


def _new_spec(old: dict[str, Any]) -> dict[str, Any]:
    return {"type": APPROVER, "apv_rel": OLD_TO_NEW.get(int(old.get("attr") or 0)), "userid": old.get("userid")}


def nodes_of(company: Any, specs: Any) -> list[Node]:
    """Nodes from `process.node_list`: 301025 unless each names people and somebody has to decide."""
    if not isinstance(specs, list) or not specs:
        raise PlatformError(301025, "neither process nor approver says who decides")
    nodes = [_node(company, spec) for spec in specs]
    if all(node.kind == COPY for node in nodes):
        raise PlatformError(301025, "nobody decides")
    return nodes


def _node(company: Any, spec: dict[str, Any]) -> Node:
    kind, rel, userids = spec.get("type"), spec.get("apv_rel"), spec.get("userid")
    if kind not in {APPROVER, COPY, HANDLER}:
        raise PlatformError(301025, f"node type {kind}")
    if kind != COPY and rel not in {ALL, ANY, SEQUENCE}:
        raise PlatformError(301025, f"apv_rel {rel}")
    if not isinstance(userids, list) or not userids:
        raise PlatformError(301025, "a node without userid")
    people = {person.serial: person for person in (_somebody(company, userid) for userid in userids)}
    return Node(kind, rel or ALL, [Share(Who.of(person)) for person in people.values()])


def _somebody(company: Any, userid: Any) -> Person:
    person: Person = company.person(str(userid), errcode=301025)
    return person


# Reading


def getapprovalinfo(call: Call) -> dict[str, Any]:
    """Numbers in the order of submission. `new_cursor` is a string, the older `cursor` a number; both end by absence.

    A page can be shorter than `size`: applicants out of sight are left out after counting.
    """
    allowed_app(call)
    size = int(call.body.get("size") or PAGE_MOST)
    if not 1 <= size <= PAGE_MOST:
        raise PlatformError(301025, "size is 1 to 100")
    start = _cursor(call)
    wanted = _matching(call)
    if len(wanted) > call.state.config.approval_list_most:
        raise PlatformError(301112)
    page = wanted[start : start + size]
    answer = ok(sp_no_list=[a.sp_no for a in page if _sees(call, a)])
    if start + size < len(wanted):
        following = start + size
        answer |= {"next_cursor": following} if _is_old(call) else {"new_next_cursor": str(following)}
    return answer


def _is_old(call: Call) -> bool:
    return "new_cursor" not in call.body and "cursor" in call.body


def _cursor(call: Call) -> int:
    given = call.body.get("cursor" if _is_old(call) else "new_cursor")
    text = str(given or 0)
    if not text.isdigit():
        raise PlatformError(50100)
    return int(text)


def _matching(call: Call) -> list[Application]:
    begin, end = (int(str(call.body.get(name) or 0)) for name in ("starttime", "endtime"))
    if not 0 < begin < end:
        raise PlatformError(301025, "endtime must be after starttime")
    if end - begin > SPAN_DAYS * DAY:
        raise PlatformError(301025, "at most 31 days")
    filters = _filters(call)
    found = call.state.approvals.applications.values()
    return [a for a in found if begin <= a.applied_at <= end and _passes(call, a, filters)]


def _filters(call: Call) -> dict[str, list[str]]:
    """Only `department` may come more than once; a `creator` who has left is 301055."""
    filters: dict[str, list[str]] = {}
    for given in call.list_of("filters"):
        key, value = given.get("key"), str(given.get("value", ""))
        if key not in FILTERS or not value or (key in filters and key != "department"):
            raise PlatformError(301025, f"filter {key}")
        if key == "creator" and call.state.company.find(value) is None:
            raise PlatformError(301055, value)
        filters.setdefault(key, []).append(value)
    return filters


def _passes(call: Call, application: Application, filters: dict[str, list[str]]) -> bool:
    facts = {
        "template_id": application.template.id,
        "creator": application.applicant.userid(call.state.company).lower(),
        "department": str(application.party),
        "sp_status": str(application.status),
        "record_type": str(application.template.record_type),
    }
    return all(facts[key] in [v.lower() if key == "creator" else v for v in values] for key, values in filters.items())


def _sees(call: Call, application: Application) -> bool:
    person = call.state.company.people.get(application.applicant.serial)
    return person is not None and call.sight.sees_person(person)


def getapprovaldetail(call: Call) -> dict[str, Any]:
    allowed_app(call)
    application = call.state.approvals.applications.get(str(call.body.get("sp_no") or ""))
    if application is None:
        raise PlatformError(301025, "no such sp_no")
    if not call.sight.everything and not _sees(call, application):
        raise PlatformError(301055)
    return ok(info=detail(application, call.state.company))


ENDPOINTS = {
    "oa/applyevent": Endpoint(
        "POST",
        applyevent,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/91853",
        note="模板流程没有条件分支；公式控件取各数字与金额之和；假期余额不检查",
        note_en="a template's flow has no conditions; a formula is the sum of numbers; leave balances are not checked",
    ),
    "oa/getapprovalinfo": Endpoint("POST", getapprovalinfo, fidelity=Fidelity.EXACT, source="path/91816"),
    "oa/getapprovaldetail": Endpoint("POST", getapprovaldetail, fidelity=Fidelity.EXACT, source="path/91983"),
}
