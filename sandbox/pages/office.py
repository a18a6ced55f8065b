"""The 工作台 of a phone: 审批, 日程, 待办 and 客户群."""

import json
from typing import Any

from sandbox import approval as codes
from sandbox.approval import Application, Template
from sandbox.approval_acts import LEADER
from sandbox.approval_views import phone_view
from sandbox.company import Person
from sandbox.customers import CustomerGroup
from sandbox.limits import DAY, end_of_day, format_time
from sandbox.pages.directory import colour
from sandbox.schedules import ACCEPTED, ACCEPTED_ONCE, CANCELLED, DECLINED, DONE, NOT_ANSWERED, TENTATIVE, Schedule
from sandbox.state import SandboxState

SHOWN = 100

STATUSES = {
    codes.UNDER_WAY: ("审批中", ""),
    codes.APPROVED: ("已通过", "good"),
    codes.REFUSED: ("已驳回", "bad"),
    codes.WITHDRAWN: ("已撤销", "grey"),
    codes.WITHDRAWN_AFTER: ("通过后撤销", "grey"),
    codes.DELETED: ("已删除", "grey"),
    codes.PAID: ("已支付", "good"),
}
OPINIONS = {
    codes.PENDING: ("待处理", "grey"),
    codes.AGREED: ("已同意", "good"),
    codes.REJECTED: ("已驳回", "bad"),
    codes.FORWARDED: ("已转审", "warn"),
    codes.RETURNED: ("已退回", "warn"),
    codes.ADDED_SIGNER: ("已加签", "warn"),
    codes.ADDED_AND_AGREED: ("同意并加签", "good"),
    codes.HANDLED: ("已办理", "good"),
    codes.HANDED_OVER: ("已转交", "warn"),
}
NODES = {codes.APPROVER: "审批人", codes.COPY: "抄送人", codes.HANDLER: "办理人"}
RELATIONS = {codes.ALL: "会签", codes.ANY: "或签", codes.SEQUENCE: "依次"}
LISTS = (("waiting", "待我审批"), ("submitted", "我提交的"), ("decided", "已处理"), ("copied", "抄送我"))
ANSWERS = {
    NOT_ANSWERED: ("未答复", "grey"),
    TENTATIVE: ("待定", "warn"),
    ACCEPTED: ("已接受", "good"),
    ACCEPTED_ONCE: ("接受本次", "good"),
    DECLINED: ("已拒绝", "bad"),
}


def tiles(state: SandboxState, person: Person) -> list[dict[str, Any]]:
    """What the platform itself puts on the workbench, with what waits there."""
    todos = sum(todo["mine"] and not todo["done"] for todo in _todos(state, person))
    return [
        {
            "view": "approvals",
            "icon": "stamp",
            "text": "审批",
            "badge": len(state.approvals.waiting_for(person.serial)),
        },
        {"view": "schedule", "icon": "calendar", "text": "日程与待办", "badge": todos},
        {"view": "customers", "icon": "people", "text": "客户群", "badge": 0},
    ]


# 审批


def approvals_screen(state: SandboxState, person: Person, wanted: str) -> dict[str, Any]:
    """One of the four lists, newest first, and the templates to submit."""
    desk, serial = state.approvals, person.serial
    found = {
        "waiting": desk.waiting_for(serial),
        "submitted": desk.submitted_by(serial),
        "decided": desk.decided_by(serial),
        "copied": desk.copied_to(serial),
    }
    chosen = wanted if wanted in found else "waiting"
    return {
        "lists": [{"name": name, "text": text, "count": len(found[name])} for name, text in LISTS],
        "chosen": chosen,
        "applications": [_application_row(state, a) for a in reversed(found[chosen][-SHOWN:])],
        "templates": [{"id": t.id, "name": t.name} for t in desk.templates.values()],
    }


def _name(state: SandboxState, serial: int, last_userid: str) -> str:
    person = state.company.people.get(serial)
    return person.name if person else last_userid


def _application_row(state: SandboxState, application: Application) -> dict[str, Any]:
    text, shade = STATUSES.get(application.status, (str(application.status), "grey"))
    who = application.applicant
    view = phone_view(application, state.company)
    return {
        "sp_no": application.sp_no,
        "title": application.template.name,
        "applicant": _name(state, who.serial, who.last_userid),
        "colour": colour(who.serial),
        "at": application.applied_at,
        "status": text,
        "shade": shade,
        "fields": view["fields"],
        "summary": application.summary,
    }


def approval_screen(state: SandboxState, person: Person, sp_no: str) -> dict[str, Any] | None:
    """One application: what was written, who decides, and what this person may do; None when there is none."""
    application = state.approvals.applications.get(sp_no)
    if application is None:
        return None
    active = {share.who.serial for share in application.active()}
    current = application.current()
    return _application_row(state, application) | {
        "nodes": [_node(state, node, active) for node in application.nodes],
        "comments": [
            {"name": _name(state, c.who.serial, c.who.last_userid), "at": c.at, "text": c.content}
            for c in application.comments
        ],
        "may_decide": person.serial in active,
        "may_refuse": current is not None and current.kind == codes.APPROVER,
        "may_withdraw": application.applicant.serial == person.serial
        and application.status in {codes.UNDER_WAY, codes.APPROVED, codes.PAID},
        "may_urge": application.applicant.serial == person.serial and application.status == codes.UNDER_WAY,
        "urged": len(application.urged),
    }


def _node(state: SandboxState, node: codes.Node, active: set[int]) -> dict[str, Any]:
    shares = [
        {
            "name": _name(state, share.who.serial, share.who.last_userid),
            "colour": colour(share.who.serial),
            "opinion": OPINIONS.get(share.opinion, (str(share.opinion), "grey")),
            "speech": share.speech,
            "at": share.at,
            "is_active": share.who.serial in active and share.opinion == codes.PENDING,
        }
        for share in node.shares
    ]
    is_copy = node.kind == codes.COPY
    rel = "" if is_copy or len(shares) == 1 else RELATIONS.get(node.rel, "")
    return {"kind": NODES.get(node.kind, ""), "rel": rel, "is_copy": is_copy, "shares": shares}


def form_screen(state: SandboxState, template_id: str) -> dict[str, Any] | None:
    template = state.approvals.templates.get(template_id)
    if template is None:
        return None
    return {
        "template_id": template.id,
        "name": template.name,
        "controls": [_control(control, state.now()) for control in template.controls],
        "self_select": template.flow.self_select,
        "flow": _flow_text(template),
    }


def _flow_text(template: Template) -> str:
    """The flow that an administrator set; `@leader` is whoever leads the applicant."""
    nodes = (
        "、".join("上级" if userid == LEADER else userid for userid in node["userid"])
        for node in template.flow.node_list
    )
    return " → ".join(nodes)


def _control(control: dict[str, Any], now: float) -> dict[str, Any]:
    """A field of the form; what has no short form is written as in `apply_data`."""
    kind, config = control["property"]["control"], control.get("config") or {}
    selector = config.get("selector", {})
    return {
        "id": control["property"]["id"],
        "kind": kind,
        "title": control["property"]["title"][0]["text"],
        "required": bool(control["property"].get("require")),
        "options": _options_of(selector) if kind == "Selector" else [],
        "several": selector.get("type") == "multi",
        "with_time": config.get("date", {}).get("type") == "hour",
        "sample": json.dumps(_half_day_off(_options_of(selector), now), indent=1) if kind == "Vacation" else "",
    }


def _options_of(selector: dict[str, Any]) -> list[tuple[str, str]]:
    return [(o["key"], o["value"][0]["text"]) for o in selector.get("options", [])]


def _half_day_off(kinds: list[tuple[str, str]], now: float) -> dict[str, Any]:
    """A 请假 of tomorrow morning of the first kind, to be edited: this control has no short form."""
    begin = int(end_of_day(now))
    span = {"type": "halfday", "new_begin": begin, "new_end": begin + DAY // 2, "new_duration": DAY // 2}
    chosen = {"type": "single", "options": [{"key": key} for key, _text in kinds[:1]]}
    return {"vacation": {"selector": chosen, "attendance": {"date_range": span, "type": 1}}}


# 日程 and 待办


def schedule_screen(state: SandboxState, person: Person) -> dict[str, Any]:
    """A person's calendar, by the beginning, and their to-dos."""
    found = state.schedules.of_person(person.serial)
    return {"schedules": [_schedule(state, person, s) for s in found][:SHOWN], "todos": _todos(state, person)}


def _schedule(state: SandboxState, person: Person, schedule: Schedule) -> dict[str, Any]:
    mine = next((a for a in schedule.attendees if a.who.serial == person.serial), None)
    start, end = format_time(schedule.start), format_time(schedule.end)
    return {
        "id": schedule.schedule_id,
        "title": schedule.values.get("summary") or "新建事件",
        "place": schedule.values.get("location") or "",
        "day": start[5:10],
        "hours": f"{start[11:16]}–{end[11:16]}",
        "is_cancelled": schedule.status == CANCELLED,
        "is_mine": mine is not None,
        "answer": ANSWERS.get(mine.answer, ("", "")) if mine else ("", ""),
        "people": "、".join(_name(state, a.who.serial, a.who.last_userid) for a in schedule.attendees),
    }


def _todos(state: SandboxState, person: Person) -> list[dict[str, Any]]:
    rows = []
    for todo in state.schedules.todos.values():
        statuses = {who.serial: status for who, status in todo.participants}
        if todo.deleted or person.serial not in {todo.creator.serial, *statuses}:
            continue
        rows.append(
            {
                "id": todo.todo_id,
                "text": todo.content,
                "from": _name(state, todo.creator.serial, todo.creator.last_userid),
                "mine": person.serial in statuses,
                "done": statuses.get(person.serial, todo.status) == DONE,
            }
        )
    return rows


# 客户群


def customers_screen(state: SandboxState, person: Person) -> dict[str, Any]:
    """Customer groups this member is in, the latest first."""
    mine = [g for g in state.customers.groups.values() if person.serial in g.members and not g.is_dismissed]
    rows = [
        {
            "chat_id": group.chat_id,
            "name": group.name,
            "size": len(group.members),
            "preview": group.lines[-1].text if group.lines else "",
            "at": group.lines[-1].at if group.lines else group.create_time,
        }
        for group in mine
    ]
    return {"groups": sorted(rows, key=lambda row: -row["at"])}


def customer_chat(state: SandboxState, person: Person, chat_id: str) -> dict[str, Any] | None:
    group = state.customers.groups.get(chat_id)
    if group is None or person.serial not in group.members:
        return None
    return {
        "chat_id": group.chat_id,
        "name": group.name,
        "notice": group.notice,
        "members": _customer_members(state, group),
        "lines": [
            {"at": line.at, "mine": line.sender == person.userid, "text": line.text, "warned": line.warned}
            | _speaker(state, group, line.sender)
            for line in group.lines[-SHOWN:]
        ],
    }


def _speaker(state: SandboxState, group: CustomerGroup, sender: str) -> dict[str, Any]:
    person = state.company.find(sender)
    if person is not None:
        return {"name": person.name, "colour": colour(person.serial), "is_outside": False}
    member = group.members.get(sender)
    external = member.external if member else state.customers.externals.get(sender)
    return {"name": external.name if external else sender, "colour": 7, "is_outside": True}


def _customer_members(state: SandboxState, group: CustomerGroup) -> list[dict[str, Any]]:
    ids = [member.id(state.company) for member in group.members.values()]
    return [{"id": one} | _speaker(state, group, one) for one in ids]
