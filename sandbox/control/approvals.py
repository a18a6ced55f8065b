# ruff: noqa: FAST003 - `PersonDep` takes the userid out of the path
"""The 审批 app on people's phones, and its templates in the administrator's console."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from sandbox import approval_acts as acts
from sandbox.api.oa_approval import keep_files, nodes_of, refuse_overlap
from sandbox.api.oa_values import ValueChecker
from sandbox.approval import Application, Flow, Template, Who
from sandbox.approval_views import phone_view
from sandbox.company import Person
from sandbox.control.wiring import Body, PersonDep, StateDep
from sandbox.phone_acts import NotPossible
from sandbox.state import SandboxState

router = APIRouter(prefix="/sandbox", tags=["approvals"])

BEIJING = 8 * 3_600


class NewApplication(Body):
    """What a person hands in. `values` is by control id: a text, a number, an option's key or text, userids,
    a day such as 2026-03-02; anything else as in `apply_data`. `contents` is the API's own form.
    """

    template_id: str
    values: dict[str, Any] = Field(default_factory=dict)
    contents: list[dict[str, Any]] | None = None
    node_list: list[dict[str, Any]] | None = None
    """Who decides, as in `process`, where the template leaves it to the applicant."""
    department: int | None = None
    summary: list[str] = Field(default_factory=list)
    batch: list[str] = Field(default_factory=list)


Verb = Literal["agree", "reject", "forward", "add_signers", "agree_and_add", "send_back", "withdraw", "comment", "urge"]


class Act(Body):
    """Who does what. `to` names the other people, `text` the opinion or the comment."""

    userid: str
    act: Verb
    text: str = ""
    to: list[str] = Field(default_factory=list)
    media_ids: list[str] = Field(default_factory=list)


class FlowNode(Body):
    """As in `process.node_list`; `@leader` is the applicant's leader."""

    type: Literal[1, 2, 3]
    apv_rel: Literal[1, 2, 3] = 1
    userid: list[str] = Field(min_length=1)


class TemplateChange(Body):
    """What an administrator sets in the console; only what is given changes."""

    node_list: list[FlowNode] | None = None
    """The flow."""
    self_select: bool | None = None
    notifies: bool | None = None
    custom_print: bool | None = None
    third_party: bool | None = None


class Open(BaseModel):
    """A part of the platform's own shape: what is used here is checked, the rest is kept as it came."""

    model_config = ConfigDict(extra="allow")


class Text(Open):
    text: str
    lang: str = "zh_CN"


class Option(Open):
    key: str
    value: list[Text] = Field(min_length=1)


class Selector(Open):
    type: Literal["single", "multi"] = "single"
    options: list[Option] = Field(min_length=1)


class ControlConfig(Open):
    selector: Selector | None = None
    date: dict[str, Any] | None = None
    contact: dict[str, Any] | None = None
    table: dict[str, Any] | None = None


class ControlProperty(Open):
    control: str
    id: str
    title: list[Text] = Field(min_length=1)
    placeholder: list[Text] = Field(default_factory=list)
    require: Literal[0, 1] = 0


class Control(Open):
    property: ControlProperty
    config: ControlConfig = Field(default_factory=ControlConfig)


class NewTemplate(Body):
    """A template made in the console. `controls` as in `oa/gettemplatedetail`."""

    template_id: str
    name: str
    controls: list[Control]
    record_type: int = 0


@router.get("/approvals")
async def applications(
    state: StateDep, status: int | None = None, template_id: str | None = None
) -> list[dict[str, Any]]:
    """All applications, newest first: the detail of the API, and `active`, those whose turn it is."""
    found = [a for a in state.approvals.applications.values() if status in (None, a.status)]
    found = [a for a in found if template_id in (None, a.template.id)]
    return [phone_view(a, state.company) for a in reversed(found)]


@router.get("/approvals/templates")
async def templates(state: StateDep) -> list[dict[str, Any]]:
    return [_template_view(template) for template in state.approvals.templates.values()]


@router.post("/approvals/templates")
async def make_template(state: StateDep, body: NewTemplate) -> dict[str, Any]:
    names = [{"text": body.name, "lang": "zh_CN"}]
    controls = [control.model_dump(exclude_none=True) for control in body.controls]
    template = Template(body.template_id, names, controls, record_type=body.record_type)
    state.approvals.add_template(template)
    return _template_view(template)


@router.patch("/approvals/templates/{template_id}")
async def change_template(state: StateDep, template_id: str, body: TemplateChange) -> dict[str, Any]:
    template = _template(state, template_id)
    if body.node_list is not None:
        template.flow = Flow([node.model_dump() for node in body.node_list], self_select=template.flow.self_select)
    for name in ("notifies", "custom_print"):
        if getattr(body, name) is not None:
            setattr(template, name, getattr(body, name))
    if body.self_select is not None:
        template.flow.self_select = body.self_select
    if body.third_party is not None:
        template.owner = "third_party" if body.third_party else "console"
    return _template_view(template)


@router.get("/approvals/{sp_no}")
async def application(state: StateDep, sp_no: str) -> dict[str, Any]:
    return phone_view(acts.require_application(state, sp_no), state.company)


@router.post("/approvals/{sp_no}/act")
async def act(state: StateDep, sp_no: str, body: Act) -> dict[str, Any]:
    """Decide, or do what can be done around it. `add_signers` decide before oneself, `agree_and_add` after."""
    found, person = acts.require_application(state, sp_no), state.company.person(body.userid)
    others = [state.company.person(userid) for userid in body.to]
    if body.act in {"forward", "send_back"} and len(others) != 1:
        raise NotPossible(f"{body.act} wants one userid in `to`")
    _ACTS[body.act](state, found, person, others, body)
    return phone_view(found, state.company)


_Acting = Callable[[SandboxState, Application, Person, list[Person], Act], object]
_ACTS: dict[Verb, _Acting] = {
    "agree": lambda state, found, person, _others, body: acts.agree(state, found, person, body.text),
    "reject": lambda state, found, person, _others, body: acts.reject(state, found, person, body.text),
    "forward": lambda state, found, person, others, body: acts.forward(state, found, person, others[0], body.text),
    "add_signers": lambda state, found, person, others, body: acts.add_signers(
        state, found, person, others, speech=body.text
    ),
    "agree_and_add": lambda state, found, person, others, body: acts.add_signers(
        state, found, person, others, agreeing=True, speech=body.text
    ),
    "send_back": lambda state, found, person, others, body: acts.send_back(state, found, person, others[0], body.text),
    "withdraw": lambda state, found, person, _others, _body: acts.withdraw(state, found, person),
    "comment": lambda state, found, person, _others, body: acts.comment(
        state, found, person, body.text, body.media_ids
    ),
    "urge": lambda state, found, person, _others, _body: acts.urge(state, found, person),
}


@router.post("/approvals/{sp_no}/pay")
async def pay(state: StateDep, sp_no: str) -> dict[str, Any]:
    """Finance marks it as paid (status 10). The documentation has no event for it."""
    found = acts.require_application(state, sp_no)
    acts.pay(found)
    return phone_view(found, state.company)


@router.delete("/approvals/{sp_no}")
async def delete(state: StateDep, sp_no: str) -> None:
    """An administrator deletes it (status 7). The documentation has no event for it."""
    acts.delete(acts.require_application(state, sp_no))


@router.get("/people/{userid}/approvals")
async def of_person(state: StateDep, found: PersonDep) -> dict[str, list[dict[str, Any]]]:
    """The four lists of the 审批 app: `waiting`, `submitted`, `decided`, `copied`, each newest first."""
    desk = state.approvals
    lists = {
        "waiting": desk.waiting_for(found.serial),
        "submitted": desk.submitted_by(found.serial),
        "decided": desk.decided_by(found.serial),
        "copied": desk.copied_to(found.serial),
    }
    return {name: [phone_view(a, state.company) for a in reversed(row)] for name, row in lists.items()}


@router.post("/people/{userid}/approvals")
async def hand_in(state: StateDep, found: PersonDep, body: NewApplication) -> dict[str, Any]:
    """Submit from the phone. Templates closed to the API are open here."""
    template = _template(state, body.template_id)
    contents = body.contents if body.contents is not None else _contents(template, body.values)
    checked = ValueChecker(state, template, by_api=False).check(contents)
    if body.department is not None and body.department not in found.departments:
        raise NotPossible(f"{found.userid} is not in department {body.department}")
    nodes = (
        nodes_of(state.company, body.node_list)
        if body.node_list is not None
        else acts.flow_nodes(state, template, found)
    )
    given = acts.Submission(
        template=template,
        applicant=found,
        party=body.department or found.main_department,
        contents=checked.contents,
        nodes=nodes,
        summary=body.summary,
        batch=[Who.of(state.company.person(userid)) for userid in body.batch],
        leave=checked.leave,
    )
    refuse_overlap(state.approvals.applications.values(), given)
    keep_files(checked)
    return phone_view(acts.submit(state, given), state.company)


def _template(state: SandboxState, template_id: str) -> Template:
    found = state.approvals.templates.get(template_id)
    if found is None:
        raise NotPossible(f"there is no template {template_id}")
    return found


def _template_view(template: Template) -> dict[str, Any]:
    return {
        "template_id": template.id,
        "name": template.name,
        "owner": template.owner,
        "record_type": template.record_type,
        "by_api": template.by_api,
        "notifies": template.notifies,
        "custom_print": template.custom_print,
        "flow": {"node_list": template.flow.node_list, "self_select": template.flow.self_select},
        "controls": template.controls,
    }


def _contents(template: Template, values: dict[str, Any]) -> list[dict[str, Any]]:
    if unknown := [control_id for control_id in values if template.control(control_id) is None]:
        raise NotPossible(f"{template.name} has no {unknown}")
    controls = [c for c in template.controls if c["property"]["id"] in values]
    return [_content(control, values[control["property"]["id"]]) for control in controls]


def _content(control: dict[str, Any], value: Any) -> dict[str, Any]:
    kind = control["property"]["control"]
    return {"control": kind, "id": control["property"]["id"], "value": _value(kind, control["config"], value)}


def _value(kind: str, config: dict[str, Any], value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if kind not in _WRITTEN:
        raise NotPossible(f"{kind} wants its value as in apply_data")
    several = value if isinstance(value, list) else [value]
    return _WRITTEN[kind](config, several)


def _chosen(config: dict[str, Any], several: list[Any]) -> dict[str, Any]:
    keys = {text["text"]: option["key"] for option in config["selector"]["options"] for text in option["value"]}
    options = [{"key": keys.get(one, one)} for one in several]
    return {"selector": {"type": config["selector"]["type"], "options": options}}


def _contacts(config: dict[str, Any], several: list[Any]) -> dict[str, Any]:
    if config.get("contact", {}).get("mode") == "department":
        return {"departments": [{"openapi_id": str(one)} for one in several]}
    return {"members": [{"userid": one} for one in several]}


def _day(config: dict[str, Any], several: list[Any]) -> dict[str, Any]:
    return {"date": {"type": config.get("date", {}).get("type", "day"), "s_timestamp": _stamp(several[0])}}


_WRITTEN: dict[str, Callable[[dict[str, Any], list[Any]], dict[str, Any]]] = {
    "Text": lambda _config, several: {"text": str(several[0])},
    "Textarea": lambda _config, several: {"text": str(several[0])},
    "Number": lambda _config, several: {"new_number": str(several[0])},
    "Money": lambda _config, several: {"new_money": str(several[0])},
    "Date": _day,
    "Selector": _chosen,
    "Contact": _contacts,
    "File": lambda _config, several: {"files": [{"file_id": one} for one in several]},
    "RelatedApproval": lambda _config, several: {"related_approval": [{"sp_no": one} for one in several]},
}
"""How a value that a person writes in short becomes the one of `apply_data`."""


def _stamp(value: Any) -> str:
    """A day or a moment on the company's clock (UTC+8), or seconds as they are."""
    if str(value).isdigit():
        return str(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise NotPossible(f"{value} is no date") from error
    return str(int(moment.replace(tzinfo=UTC).timestamp()) - (BEIJING if moment.tzinfo is None else 0))
