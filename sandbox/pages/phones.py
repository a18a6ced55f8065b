"""All phones to search, and one phone with its screens."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from sandbox.company import ROOT, Person
from sandbox.control.wiring import StateDep
from sandbox.conversations import Group
from sandbox.credentials import ME
from sandbox.pages import office, screens
from sandbox.pages.backstage import told_about
from sandbox.pages.directory import PAGE, find_people, person_row
from sandbox.pages.drawing import draw
from sandbox.phone_acts import sees_app
from sandbox.state import SandboxState

router = APIRouter(prefix="/phones", include_in_schema=False)

View = Literal[
    "chats", "contacts", "person", "work", "me", "info", "new",
    "approvals", "approval", "form", "schedule", "customers", "customer",
]  # fmt: skip
SWITCHER = 12
MOST_MESSAGES = 5_000


@router.get("")
async def people(request: Request, state: StateDep, q: str = "", page: Annotated[int, Query(ge=1)] = 1) -> Response:
    """Search by name, userid or department; those with the latest messages first."""
    found, total = find_people(state, q, offset=(page - 1) * PAGE)
    rows = [person_row(state, p) | {"unread": screens.unread_total(state, p)} for p in found]
    context = {"rows": rows, "q": q, "total": total, "page": page, "pages": max(1, -(-total // PAGE))}
    return draw(request, state, "phones.html", context)


@router.get("/{userid}")
async def phone(
    request: Request,
    state: StateDep,
    userid: str,
    v: View = "chats",
    c: str = "",
    d: int = ROOT,
    u: str = "",
    q: str = "",
    n: Annotated[int, Query(ge=1, le=MOST_MESSAGES)] = screens.MESSAGES_SHOWN,
) -> Response:
    """One phone. `c` opens a conversation, `v` another screen: `contacts` at department `d`, say."""
    person = state.company.find(userid)
    if person is None:
        missing = {"text": "没有「{}」这位成员，也许已改名或离职。", "value": userid}
        return draw(request, state, "missing.html", missing, status=404)
    if userid != person.userid:
        return RedirectResponse(f"/phones/{quote(person.userid)}")
    opened = next((found for found in screens.conversations(state, person) if found.id == c), None)
    if opened is not None:
        opened.mark_read()
    context = _common(state, person) | {"view": v if opened or v != "info" else "chats", "q": q}
    context |= _screen(state, person, v, department=d, userid=u, wanted=q)
    if opened is not None:
        context["opened"] = screens.conversation_screen(opened, most=n)
        if isinstance(opened.subject, Group):
            context["group"] = screens.group_screen(state, opened.subject, person)
    answer = draw(request, state, "phone.html", context)
    if "if-none-match" not in request.headers:
        # Whose client it is, for the platform's login pages. Not while the page only keeps itself up to date:
        # of two phones on one screen it is the one opened last.
        answer.set_cookie(ME, quote(person.userid), samesite="lax")
    return answer


@router.get("/{userid}/open")
async def open_outside(request: Request, state: StateDep, userid: str, url: str) -> Response:
    """A link on this phone, opened by whom it belongs to: the platform's login pages know who that is (`ME`)."""
    person, parts = state.company.find(userid), urlsplit(url)
    if person is None or parts.scheme not in {"http", "https"} or not parts.netloc:
        missing = {"text": "这部手机打不开「{}」。", "value": url}
        return draw(request, state, "missing.html", missing, status=404)
    answer = RedirectResponse(url, 303, headers={"cache-control": "no-store"})
    answer.set_cookie(ME, quote(person.userid), samesite="lax")
    return answer


def _common(state: SandboxState, person: Person) -> dict[str, Any]:
    recent, _total = find_people(state, "", limit=SWITCHER)
    rows = [found.row() for found in screens.conversations(state, person)]
    return {
        "me": person_row(state, person) | {"unread": sum(row["unread"] for row in rows)},
        "conversations": sorted(rows, key=lambda row: -row["sorted_by"]),
        "recent": [person_row(state, p) | {"unread": screens.unread_total(state, p)} for p in recent],
        "told": told_about(state, person),
        "app_url": state.channels["app"].url,
        "main_app": state.config.agent_id,
        "opened": None,
        "group": None,
        "name_of": lambda userid: name_of(state, userid),
    }


def _screen(
    state: SandboxState, person: Person, view: View, *, department: int, userid: str, wanted: str
) -> dict[str, Any]:
    if view in {"contacts", "new"}:
        return screens.contacts_screen(state, department, wanted.strip())
    if view == "me":
        return {"profile": screens.profile(state, person)}
    if view == "person":
        return {"profile": screens.profile(state, state.company.find(userid) or person)}
    if view == "work":
        apps = [a for a in state.apps.values() if sees_app(state, a, person)]
        return {"apps": apps, "tiles": office.tiles(state, person)}
    return _office_screen(state, person, view, subject=userid)


def _office_screen(state: SandboxState, person: Person, view: View, *, subject: str) -> dict[str, Any]:
    """`subject` is an application, a template, a list or a customer group, whatever the screen is about."""
    drawn: dict[str, Callable[[], dict[str, Any]]] = {
        "approvals": lambda: office.approvals_screen(state, person, subject),
        "approval": lambda: {"application": office.approval_screen(state, person, subject)},
        "form": lambda: {"form": office.form_screen(state, subject)},
        "schedule": lambda: office.schedule_screen(state, person),
        "customers": lambda: office.customers_screen(state, person),
        "customer": lambda: {"customer": office.customer_chat(state, person, subject)},
    }
    return drawn[view]() if view in drawn else {}


def name_of(state: SandboxState, userid: str) -> str:
    person = state.company.find(userid)
    return "所有人" if userid == "@all" else person.name if person else userid


@router.get("/media/{media_id}")
async def media(state: StateDep, media_id: str) -> Response:
    """A file that somebody was sent. Never run as a page of ours, whatever it claims to be."""
    found = state.media.get(media_id)
    if found is None:
        return Response("文件已过期", 404, media_type="text/plain; charset=utf-8")
    is_shown = found.kind in {"image", "voice", "video"} and not found.content_type.startswith("image/svg")
    headers = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
    if not is_shown:
        headers["content-disposition"] = f"attachment; filename*=utf-8''{quote(found.filename)}"
    content_type = found.content_type if is_shown else "application/octet-stream"
    return Response(found.content, media_type=content_type, headers=headers)
