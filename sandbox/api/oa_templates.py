"""oa/gettemplatedetail, oa/approval/create_template and update_template (doc path/91982, path/97437, path/97438)."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.oa_approval import allowed_app, known_template
from sandbox.approval import Template
from sandbox.errors import PlatformError, ok

NAME_CHARACTERS = 40
TITLE_CHARACTERS = 40
PLACEHOLDER_CHARACTERS = 80
TIPS_URL = 600
TIPS_TEXT = 800
DAY_SECONDS = 86_400
LINK = 2
DISTANCES = (100, 200, 300)
LANGUAGES = frozenset(["zh_CN", "en"])
LEAVE_LIKE = frozenset(["Vacation", "Attendance"])
CONTROL_ID = re.compile(r"([A-Za-z]+)-\d+")

Control = dict[str, Any]


def gettemplatedetail(call: Call) -> dict[str, Any]:
    allowed_app(call)
    template = known_template(call, call.body.get("template_id"))
    return ok(template_names=template.names, template_content={"controls": template.controls})


def create_template(call: Call) -> dict[str, Any]:
    """The new template decides by its default flow, which only the console can change."""
    app = allowed_app(call)
    templates = call.state.approvals.templates
    names, controls = _names(call, besides=None), _controls(call)
    if len(templates) >= call.state.config.approval_template_max:
        raise PlatformError(301087)
    template = Template("3Tm" + secrets.token_urlsafe(32), names, controls, owner=str(app.agent_id))
    call.state.approvals.add_template(template)
    return ok(template_id=template.id)


def update_template(call: Call) -> dict[str, Any]:
    """Own templates only (301088), and none with a print layout made by hand (301115)."""
    app = allowed_app(call)
    template = known_template(call, call.body.get("template_id"))
    if template.owner != str(app.agent_id):
        raise PlatformError(301088)
    if template.custom_print:
        raise PlatformError(301115)
    template.names, template.controls = _names(call, besides=template), _controls(call)
    return ok()


def _names(call: Call, *, besides: Template | None) -> list[dict[str, str]]:
    names = _texts(call.body.get("template_name"), most=NAME_CHARACTERS, what="template_name")
    taken = {
        name["text"]
        for template in call.state.approvals.templates.values()
        if template is not besides
        for name in template.names
    }
    if any(name["text"] in taken for name in names):
        raise PlatformError(301086, "template_name is taken")
    return names


def _texts(given: Any, *, most: int, what: str, optional: bool = False) -> list[dict[str, str]]:
    """`[{text, lang}]`, as names, titles and placeholders are given."""
    if not isinstance(given, list) or (not given and not optional):
        raise PlatformError(301025, f"{what} is missing")
    for one in given:
        text = one.get("text")
        if not isinstance(text, str) or (not text and not optional) or one.get("lang") not in LANGUAGES:
            raise PlatformError(301025, f"{what} wants text and lang, zh_CN or en")
        if len(text) > most:
            raise PlatformError(301086, f"{what} takes {most} characters")
    return [{"text": one["text"], "lang": one["lang"]} for one in given]


def _controls(call: Call) -> list[Control]:
    given = (call.body.get("template_content") or {}).get("controls")
    if not isinstance(given, list) or not given:
        raise PlatformError(301025, "template_content.controls is missing")
    controls = [_control(call, one, in_table=False) for one in given]
    every = [*controls, *(child for c in controls for child in c["config"].get("table", {}).get("children", []))]
    _refuse_twins([c["property"]["id"] for c in every], "id")
    _refuse_twins([t["text"] for c in every for t in c["property"]["title"] if t["lang"] == "zh_CN"], "title")
    if sum(c["property"]["control"] in LEAVE_LIKE for c in controls) > 1:
        raise PlatformError(301086, "one control for leave at most")
    return controls


def _refuse_twins(values: list[str], what: str) -> None:
    if len(set(values)) != len(values):
        raise PlatformError(301086, f"{what} is not unique")


def _control(call: Call, given: Control, *, in_table: bool) -> Control:
    about, config = given.get("property") or {}, given.get("config") or {}
    kind, control_id = about.get("control"), str(about.get("id"))
    if kind not in _CONFIGS:
        raise PlatformError(301025, f"control {kind}")
    found = CONTROL_ID.fullmatch(control_id)
    if found is None or found.group(1) != kind:
        raise PlatformError(301086, f"the id of a {kind} is {kind}-number")
    if in_table and kind in LEAVE_LIKE | {"Table"}:
        raise PlatformError(301086, f"a table cannot hold {kind}")
    return {
        "property": {
            "control": kind,
            "id": control_id,
            "title": _texts(about.get("title"), most=TITLE_CHARACTERS, what="title"),
            "placeholder": _texts(
                about.get("placeholder") or [], most=PLACEHOLDER_CHARACTERS, what="placeholder", optional=True
            ),
            "require": _flag(about, "require"),
            "un_print": _flag(about, "un_print"),
        },
        "config": _CONFIGS[kind](call, config),
    }


def _flag(given: dict[str, Any], name: str) -> int:
    value = given.get(name, 0)
    if value not in {0, 1}:
        raise PlatformError(301025, f"{name} is 0 or 1")
    return int(value)


def _vacation() -> Control:
    """The company's kinds of leave come from 假勤管理, not from the template."""
    kinds = {"1": "年假", "2": "事假", "3": "病假"}
    texts = {key: [{"text": name, "lang": "zh_CN"}] for key, name in kinds.items()}
    return {
        "attendance": {"type": 1, "date_range": {"type": "halfday"}},
        "vacation_list": {"item": [{"id": int(key), "name": text} for key, text in texts.items()]},
        "selector": {"type": "single", "options": [{"key": key, "value": text} for key, text in texts.items()]},
    }


def _one_of(config: Control, block: str, name: str, known: tuple[Any, ...]) -> Any:
    value = (config.get(block) or {}).get(name)
    if value not in known:
        raise PlatformError(301025, f"{block}.{name} is one of {known}")
    return value


def _selector(given: Control) -> Control:
    """An option's `value` is an object here, and an array when it is read back (doc path/97437)."""
    if given.get("type") not in {"single", "multi"} or not given.get("options"):
        raise PlatformError(301025, "selector wants type, single or multi, and options")
    options: list[Control] = []
    for one in given["options"]:
        if not one.get("key") or not isinstance(one.get("value"), dict) or not one["value"].get("text"):
            raise PlatformError(301025, "an option wants key and value, an object with text and lang")
        options.append({"key": str(one["key"]), "value": [one["value"]]})
    _refuse_twins([one["key"] for one in options], "option key")
    return {"type": given["type"], "options": options}


def _tips(config: Control) -> Control:
    """One link at most; its address takes 600 characters, all texts together 800."""
    contents = (config.get("tips") or {}).get("tips_content")
    if not isinstance(contents, list) or not contents:
        raise PlatformError(301025, "tips.tips_content is missing")
    for content in contents:
        parts = content["text"]["sub_text"]
        links = [part["content"]["link"] for part in parts if part.get("type") == LINK]
        plain = [str(part["content"]["plain_text"]["content"]) for part in parts if part.get("type") != LINK]
        if len(links) > 1 or any(len(str(link.get("url", ""))) > TIPS_URL for link in links):
            raise PlatformError(301086, "tips take one link of 600 characters")
        if sum(map(len, plain)) + sum(len(str(link.get("title", ""))) for link in links) > TIPS_TEXT:
            raise PlatformError(301086, "tips take 800 characters")
    return {"tips": {"tips_content": contents}}


def _table(call: Call, given: Control) -> Control:
    children = given.get("children")
    if not isinstance(children, list) or not children:
        raise PlatformError(301025, "a table wants children")
    rows = [_control(call, child, in_table=True) for child in children]
    return {"print_format": _flag(given, "print_format"), "children": rows}


def _range(given: Control) -> Control:
    if given.get("type") not in {"hour", "halfday"}:
        raise PlatformError(301025, "date_range.type is hour or halfday")
    seconds = int(given.get("perday_duration") or DAY_SECONDS)
    if not 1 <= seconds <= DAY_SECONDS:
        raise PlatformError(301086, "perday_duration is 1 to 86400")
    return {
        "type": given["type"],
        "official_holiday": _flag(given, "official_holiday"),
        "perday_duration": seconds,
    }


def _related(call: Call, config: Control) -> list[str]:
    wanted = (config.get("related_approval") or {}).get("template_id") or []
    if unknown := [one for one in wanted if one not in call.state.approvals.templates]:
        raise PlatformError(301086, f"no such template: {unknown}")
    return list(wanted)


def _nothing(_call: Call, _config: Control) -> Control:
    return {}


def _contact(_call: Call, config: Control) -> Control:
    kinds = {"type": ("single", "multi"), "mode": ("user", "department")}
    return {"contact": {name: _one_of(config, "contact", name, known) for name, known in kinds.items()}}


def _attendance(_call: Call, config: Control) -> Control:
    span = _range((config.get("attendance") or {}).get("date_range") or {})
    return {"attendance": {"type": _one_of(config, "attendance", "type", (1, 3, 4, 5)), "date_range": span}}


_CONFIGS: dict[str, Callable[[Call, Control], Control]] = {
    **dict.fromkeys(["Text", "Textarea", "Number", "Money", "PhoneNumber", "BankAccount"], _nothing),
    "Date": lambda _call, config: {"date": {"type": _one_of(config, "date", "type", ("day", "hour"))}},
    "Selector": lambda _call, config: {"selector": _selector(config.get("selector") or {})},
    "Contact": _contact,
    "Tips": lambda _call, config: _tips(config),
    "File": lambda _call, config: {"file": {"is_only_photo": _flag(config.get("file") or {}, "is_only_photo")}},
    "Table": lambda call, config: {"table": _table(call, config.get("table") or {})},
    "Attendance": _attendance,
    "Vacation": lambda _call, _config: _vacation(),
    "DateRange": lambda _call, config: {"date_range": _range(config.get("date_range") or {})},
    "Location": lambda _call, config: {"location": {"distance": _one_of(config, "location", "distance", DISTANCES)}},
    "RelatedApproval": lambda call, config: {"related_approval": {"template_id": _related(call, config)}},
}
"""What a control of each kind that can be created takes in its `config` (doc path/97437)."""


ENDPOINTS = {
    "oa/gettemplatedetail": Endpoint(
        "POST",
        gettemplatedetail,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/91982",
        note="各控件 config 的细节取自建模板接口与常见 SDK，未能逐一核对",
        note_en="each control's config is as in the call that makes templates; details not checked one by one",
    ),
    "oa/approval/create_template": Endpoint(
        "POST",
        create_template,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/97437",
        note="模板总数上限未见于文档，取 approval_template_max；请假类型固定为年假、事假、病假",
        note_en="the most templates is not documented (`approval_template_max`); kinds of leave are fixed",
    ),
    "oa/approval/update_template": Endpoint("POST", update_template, fidelity=Fidelity.EXACT, source="path/97438"),
}
