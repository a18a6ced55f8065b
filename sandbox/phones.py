# ruff: noqa: FAST003 - `PersonDep` takes the userid out of the path
"""Pages of people's phones: a list to search, and one phone with its conversations."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates

from sandbox import phone_acts
from sandbox.company import Person
from sandbox.control.wiring import PersonDep, StateDep
from sandbox.limits import format_time
from sandbox.rendering import show_description, show_markdown, show_text
from sandbox.state import SandboxState

router = APIRouter(prefix="/phones", include_in_schema=False)
templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
templates.env.filters["moment"] = format_time
templates.env.globals |= {
    "show_text": show_text,
    "show_markdown": show_markdown,
    "show_description": show_description,
}

PEOPLE_SHOWN = 100
STATUS_TEXTS = {1: "已激活", 2: "已禁用", 4: "未激活"}


@router.get("")
async def people(request: Request, state: StateDep, q: str = "") -> HTMLResponse:
    """Search by name, userid or department; those with the latest messages first."""
    found = _search(state, q.strip())
    found.sort(key=lambda person: -state.last_active.get(person.serial, 0.0))
    rows = [_row(state, person) for person in found[:PEOPLE_SHOWN]]
    context = {"rows": rows, "q": q, "total": len(found), "company": state.config.company_name}
    return templates.TemplateResponse(request, "people.html", context)


@router.get("/{userid}", response_model=None)
async def phone(request: Request, state: StateDep, found: PersonDep, c: str = "") -> HTMLResponse | RedirectResponse:
    if request.path_params["userid"] != found.userid:
        return RedirectResponse(f"/phones/{found.userid}")
    return templates.TemplateResponse(request, "phone.html", _screen(state, found, c))


@router.get("/{userid}/screen")
async def screen(request: Request, state: StateDep, found: PersonDep, c: str = "") -> HTMLResponse:
    """The inside of the phone alone, fetched again and again by the page."""
    return templates.TemplateResponse(request, "screen.html", _screen(state, found, c))


def _search(state: SandboxState, wanted: str) -> list[Person]:
    company = state.company
    if not wanted:
        return list(company.people.values())
    lower = wanted.lower()
    departments = [d.id for d in company.departments.values() if wanted in d.name and d.parentid]
    found = {p.serial: p for p in company.people.values() if lower in p.userid.lower() or wanted in p.name}
    for department_id in departments:
        found |= {serial: company.people[serial] for serial in company.members[department_id]}
    return list(found.values())


def _row(state: SandboxState, person: Person) -> dict[str, Any]:
    messages = state.phones.get(person.serial, [])
    return {
        "userid": person.userid,
        "name": person.name,
        "colour": person.serial % 6,
        "position": person.position,
        "department": state.company.departments[person.main_department].name,
        "status": "" if person.status == 1 else STATUS_TEXTS.get(person.status, ""),
        "messages": len(messages),
        "groups": len(state.groups_of.get(person.serial, {})),
        "last": state.last_active.get(person.serial),
    }


def _screen(state: SandboxState, person: Person, wanted: str) -> dict[str, Any]:
    conversations = phone_acts.phone(state, person)["conversations"]
    opened = next((c for c in conversations if c["id"] == wanted), None)
    if opened is not None:
        opened["colours"] = {p.userid: p.serial % 6 for p in _writers(state, opened)}
    for conversation in conversations:
        conversation["preview"] = _preview(conversation)
    return {
        "person": _row(state, person),
        "conversations": conversations,
        "opened": opened,
        "corp": state.config.company_name,
        "name_of": lambda userid: _name_of(state, userid),
        "now": format_time(state.now())[11:16],
    }


def _name_of(state: SandboxState, userid: str) -> str:
    person = state.company.find(userid)
    return "所有人" if userid == "@all" else person.name if person else userid


def _writers(state: SandboxState, conversation: dict[str, Any]) -> list[Person]:
    userids = {message["from"] for message in conversation["messages"]} - {"app", ""}
    return [person for userid in userids if (person := state.company.find(userid)) is not None]


def _preview(conversation: dict[str, Any]) -> dict[str, Any]:
    """The last line of a conversation, as the list shows it."""
    if not conversation["messages"]:
        return {"text": "暂无消息", "at": None}
    last = conversation["messages"][-1]
    body, card = last["body"], last.get("card")
    text = last["notice"] or last["text"] or body.get("title", "")
    if card:
        text = "[卡片] " + (card.get("main_title", {}).get("title") or card.get("sub_title_text", ""))
    return {"text": "消息已撤回" if last["recalled"] else text or f"[{last['msgtype']}]", "at": last["at"]}
