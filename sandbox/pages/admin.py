"""The administrator's console: what is done in WeCom's own console, and the strings behind the stage."""

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from sandbox.api.gateway import ENDPOINTS
from sandbox.company import ROOT
from sandbox.config import Channel
from sandbox.control.wiring import Body, StateDep
from sandbox.pages.backstage import push_row
from sandbox.pages.call_log import Wanted, find_calls
from sandbox.pages.directory import PAGE, find_people, path_to, person_row, tree_rows
from sandbox.pages.drawing import draw
from sandbox.pages.explain import explain_verification
from sandbox.pages.language import language_of, translate
from sandbox.pages.screens import profile
from sandbox.state import SandboxState

router = APIRouter(prefix="/admin", include_in_schema=False)

ROWS = 50
LOOKED_AT = 5_000
"""Of a long log, so many of the latest rows are looked through for a filter."""

UNKNOWN_SHOWN = 8

Outcome = Literal["", "bad"]


class CallQuery(BaseModel):
    """The form above the log of calls."""

    endpoint: str = ""
    errcode: str = ""
    only: Outcome = ""
    q: str = ""


@router.get("")
async def overview(request: Request, state: StateDep) -> Response:
    base = str(request.base_url).rstrip("/")
    facts = {
        "people": len(state.company.people),
        "departments": len(state.company.departments),
        "groups": len(state.groups),
        "calls": state.calls_so_far,
        "unknown": state.unknown_calls.total(),
        "pushes": len(state.pusher.log),
    }
    context = {"facts": facts, "base": base, "health": _health(state), "config": state.config}
    return _draw(request, state, "overview", context | {"unknown": state.unknown_calls.most_common(UNKNOWN_SHOWN)})


def _health(state: SandboxState) -> dict[str, Any]:
    """The API's reception and the callbacks' delivery, as far as the logs reach."""
    calls = list(islice(reversed(state.calls), LOOKED_AT))
    pushes = list(islice(reversed(state.pusher.log), LOOKED_AT))
    return {
        "last_call": calls[0] if calls else None,
        "refused": [call for call in calls if call["errcode"]][:5],
        "refused_count": sum(1 for call in calls if call["errcode"]),
        "undelivered": [push_row(p) for p in pushes if p.done.is_set() and not push_row(p)["is_delivered"]][:5],
        "waiting": sum(1 for push in pushes if not push.done.is_set()),
        "faults": len(state.faults.listed()),
    }


@router.get("/people")
async def people(
    request: Request, state: StateDep, d: int = ROOT, q: str = "", page: Annotated[int, Query(ge=1)] = 1
) -> Response:
    """The tree, and the people of one department or of a search."""
    chosen = d if d in state.company.departments else ROOT
    start = (page - 1) * PAGE
    if q.strip():
        found, total = find_people(state, q, offset=start)
    else:
        direct = state.company.direct_members(chosen)
        found, total = direct[start : start + PAGE], len(direct)
    department = state.company.departments[chosen]
    context = {
        "tree": tree_rows(state, chosen),
        "department": department,
        "path": path_to(state, chosen),
        "people": [person_row(state, p) for p in found],
        "total": total,
        "q": q,
        "page": page,
        "pages": max(1, -(-total // PAGE)),
    }
    return _draw(request, state, "people", context)


@router.get("/people/{userid}")
async def one_person(request: Request, state: StateDep, userid: str) -> Response:
    person = state.company.find(userid)
    if person is None:
        missing = {"text": "没有「{}」这位成员，也许已改名或离职。", "value": userid}
        return draw(request, state, "missing.html", missing, status=404)
    shown = profile(state, person)
    fields = {"department_ids": person.departments, "leads_in": person.leads, "direct_leaders": shown["leaders"]}
    return _draw(request, state, "person", {"profile": shown | fields})


@router.get("/apps")
async def apps(request: Request, state: StateDep) -> Response:
    """Apps with their secrets and visible ranges; callback addresses; trusted addresses; the licence."""
    company = state.company
    rows = [
        {
            "app": app,
            "users": company.userids(app.range.users),
            "parties": [(d, company.departments[d].name) for d in app.range.parties if d in company.departments],
            "tags": [(t, company.tags[t].name) for t in app.range.tags if t in company.tags],
        }
        for app in state.apps.values()
    ]
    channels = [_channel(state, "app"), _channel(state, "contacts")]
    return _draw(request, state, "apps", {"apps": rows, "channels": channels, "config": state.config})


def _channel(state: SandboxState, name: Channel) -> dict[str, Any]:
    config = state.config
    secrets = {
        "app": (config.app_token, config.app_aes_key),
        "contacts": (config.contacts_token, config.contacts_aes_key),
    }
    pushes = [p for p in islice(reversed(state.pusher.log), LOOKED_AT) if p.channel == name and p.done.is_set()]
    rows = [push_row(p) for p in pushes]
    token, aes_key = secrets[name]
    return {
        "name": name,
        "url": state.channels[name].url or "",
        "token": token,
        "aes_key": aes_key,
        "sent": len(rows),
        "delivered": sum(row["is_delivered"] for row in rows),
        "last": rows[0] if rows else None,
    }


class Address(Body):
    channel: Channel
    url: str


@router.post("/callback-url")
async def save_callback_url(request: Request, state: StateDep, address: Address) -> dict[str, Any]:
    """「保存」 as in WeCom's console: verified first, saved only then, and the refusal explained."""
    error = await state.pusher.verify(address.channel, address.url)
    if error is None:
        state.channels[address.channel].url = address.url
        return {"ok": True, "error": "", "why": ""}
    why = translate(language_of(request), explain_verification(error))
    return {"ok": False, "error": error, "why": why}


@router.get("/tags")
async def tags(request: Request, state: StateDep) -> Response:
    company = state.company
    rows = [
        {
            "tag": tag,
            "people": company.userids(list(tag.people)[:PAGE]),
            "count": len(tag.people),
            "departments": [(d, company.departments[d].name) for d in tag.departments],
        }
        for tag in company.tags.values()
    ]
    return _draw(request, state, "tags", {"tags": rows})


@router.get("/limits")
async def limits(request: Request, state: StateDep) -> Response:
    """Every documented limit: the number, who is nearest to it, what was refused or lost."""
    return _draw(request, state, "limits", {"rules": state.limits.rules(), "is_on": state.config.limits})


@router.get("/faults")
async def faults(request: Request, state: StateDep) -> Response:
    armed = {number: fault.model_dump(exclude_defaults=True) for number, fault in state.faults.numbered().items()}
    context = {"faults": armed, "endpoints": sorted(ENDPOINTS), "network": state.config.callback_network}
    return _draw(request, state, "faults", context | {"config": state.config})


@router.get("/callbacks")
async def callbacks(request: Request, state: StateDep, channel: str = "", only: Outcome = "") -> Response:
    """Every push with its tries, status and time; each can be sent again."""
    recent = islice(reversed(state.pusher.log), LOOKED_AT)
    rows = (push_row(p) for p in recent if channel in ("", p.channel))
    shown = list(islice((row for row in rows if not only or not row["is_delivered"]), ROWS))
    context = {"pushes": shown, "channel": channel, "only": only, "total": len(state.pusher.log)}
    return _draw(request, state, "callbacks", context)


@router.get("/calls")
async def calls(
    request: Request, state: StateDep, wanted: Annotated[CallQuery, Query()], before: int | None = None
) -> Response:
    """Every API call with its body, its answer, and the fault that met it."""
    errcode = int(wanted.errcode) if wanted.errcode.lstrip("-").isdecimal() else None
    asked = Wanted(wanted.endpoint, errcode, bool(wanted.only), wanted.q.strip())
    page = find_calls(state, asked, before=before)
    names = [*sorted(state.called), *sorted(state.unknown_calls)]
    context = {"calls": page.rows, "older": page.older, "before": before, "wanted": wanted, "endpoints": names}
    return _draw(request, state, "calls", context | {"total": state.calls_so_far})


@router.get("/clock")
async def clock(request: Request, state: StateDep) -> Response:
    alive = sum(1 for token in state.tokens.values() if state.now() < token.expires_at)
    return _draw(request, state, "clock", {"tokens": alive, "config": state.config})


def _draw(request: Request, state: SandboxState, page: str, context: dict[str, Any]) -> Response:
    return draw(request, state, f"console/{page}.html", {"section": "admin", "page_name": page} | context)
