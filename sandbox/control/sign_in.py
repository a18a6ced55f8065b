# ruff: noqa: FAST003 - `PersonDep` takes the userid out of the path
"""The pages of the platform on which people say who they are, and the same without a browser.

`/connect/oauth2/authorize` is opened inside the client, `/wwlogin/sso/login` on a computer. Whose client it is
stands in the query (`sandbox_userid`) or in a cookie of that name, which opening a phone sets; without either the
page lets you choose.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from sandbox.api import tickets
from sandbox.company import Person
from sandbox.control.wiring import Body, PersonDep, StateDep
from sandbox.credentials import ME
from sandbox.errors import PlatformError, ok
from sandbox.pages.directory import find_people, person_row
from sandbox.pages.drawing import draw
from sandbox.sign_in import FIELDS, Asking, checked, issue_code, issue_outside_code
from sandbox.state import SandboxState

pages = APIRouter(include_in_schema=False)
router = APIRouter(prefix="/sandbox", tags=["sign-in"])

OUTSIDE = "sandbox_openid"
SHOWN = 60
FIELD_NAMES = {
    "gender": "性别",
    "avatar": "头像",
    "qr_code": "个人二维码",
    "mobile": "手机号",
    "email": "邮箱",
    "biz_mail": "企业邮箱",
    "address": "地址",
}


@pages.get("/connect/oauth2/authorize", response_model=None)
async def authorize(
    request: Request,
    state: StateDep,
    agree: Annotated[list[str] | None, Query()] = None,
    consent: str = "",
) -> Response:
    """`snsapi_base` redirects silently; `snsapi_privateinfo` asks for consent, field by field."""
    query = request.query_params
    try:
        asking = _asking(state, request, query.get("scope", ""))
        if query.get(OUTSIDE):
            return _go(asking.back(issue_outside_code(state, asking, query[OUTSIDE])))
        person = _visitor(state, request)
        if person is None:
            return _choose(request, state, asking, is_desktop=False)
        if asking.wants_fields and consent != "yes":
            return _consent(request, state, asking, person)
        answered = consent == "yes"
        agreed = tuple(f for f in FIELDS if f in (agree or [])) if answered else FIELDS
        return _go(asking.back(issue_code(state, asking, person, agreed=agreed)))
    except PlatformError as error:
        return _refused(request, state, error)


@pages.get("/wwlogin/sso/login", response_model=None)
@pages.get("/wwopen/sso/qrConnect", response_model=None)
async def desktop_login(request: Request, state: StateDep, refuse: str = "") -> Response:
    """Instead of a QR code: choose who scans it; whose phone was opened last stands first. Who refuses comes back with
    the state and no code.
    """
    query = request.query_params
    is_legacy = request.url.path.endswith("qrConnect")
    try:
        _check_desktop(query, is_legacy=is_legacy)
        asking = _asking(state, request, "snsapi_base")
        if refuse:
            return _go(asking.back(None))
        userid = query.get(ME)
        if not userid:
            return _choose(request, state, asking, is_desktop=True)
        person = state.company.person(userid)
        return _go(asking.back(issue_code(state, asking, person, is_desktop=True)))
    except PlatformError as error:
        return _refused(request, state, error)


def _check_desktop(query: Mapping[str, str], *, is_legacy: bool) -> None:
    if not is_legacy and query.get("login_type") != "CorpApp":
        raise PlatformError(40058, "login_type")
    if not query.get("agentid"):
        raise PlatformError(41011)


def _asking(state: SandboxState, request: Request, scope: str) -> Asking:
    query = request.query_params
    return checked(
        state,
        appid=query.get("appid", ""),
        agentid=query.get("agentid", ""),
        redirect_uri=query.get("redirect_uri", ""),
        given=query.get("state", ""),
        scope=scope or "snsapi_base",
    )


def _visitor(state: SandboxState, request: Request) -> Person | None:
    """Somebody whom the query names must exist; a cookie may be older than the company."""
    if named := request.query_params.get(ME):
        return state.company.person(named)
    return state.company.find(unquote(request.cookies.get(ME, "")))


def _go(location: str) -> Response:
    return RedirectResponse(location, 302)


def _choose(request: Request, state: SandboxState, asking: Asking, *, is_desktop: bool) -> Response:
    wanted = request.query_params.get("q", "").strip()
    shown, _total = find_people(state, wanted, limit=SHOWN)
    by_phone = state.company.find(unquote(request.cookies.get(ME, ""))) if is_desktop else None
    context = {
        "app_name": (asking.app or state.main_app).name,
        "at_hand": person_row(state, by_phone) if by_phone else None,
        "at_hand_url": str(request.url.include_query_params(**{ME: by_phone.userid})) if by_phone else "",
        "people": [
            person_row(state, p) | {"url": str(request.url.include_query_params(**{ME: p.userid}))} for p in shown
        ],
        "kept": [(name, value) for name, value in request.query_params.multi_items() if name != "q"],
        "wanted": wanted,
        "is_desktop": is_desktop,
        "refuse_url": str(request.url.include_query_params(refuse="1")),
        "outside_url": str(request.url.include_query_params(**{OUTSIDE: "o-sandbox-visitor"})),
    }
    return draw(request, state, "login/choose.html", context)


def _consent(request: Request, state: SandboxState, asking: Asking, person: Person) -> Response:
    context = {
        "person": person.name,
        "app_name": (asking.app or state.main_app).name,
        "fields": [(name, FIELD_NAMES[name]) for name in FIELDS if name in state.config.private_fields],
        "kept": list(request.query_params.multi_items()),
        "userid": person.userid,
    }
    return draw(request, state, "login/consent.html", context)


def _refused(request: Request, state: SandboxState, error: PlatformError) -> Response:
    """The platform shows a page of its own; its HTTP status is 200."""
    return draw(request, state, "login/refused.html", {"errcode": error.errcode, "text": error.text})


# Without a browser


class Authorization(Body):
    """What a link of `/connect/oauth2/authorize` or the desktop login asks for."""

    redirect_uri: str
    state: str = ""
    scope: str = "snsapi_base"
    agent_id: int | None = None
    agreed: list[str] = Field(default_factory=lambda: list(FIELDS))
    is_desktop: bool = False


class OutsideAuthorization(Body):
    openid: str
    redirect_uri: str
    state: str = ""
    external_userid: str = ""
    agent_id: int | None = None


class Signature(Body):
    """What a page hands to `wx.config` (`corp`) or `wx.agentConfig` (`app`)."""

    url: str
    noncestr: str
    timestamp: int
    signature: str
    kind: str = Field(default="corp", pattern="^(corp|app)$")
    agent_id: int | None = None


def _asked(state: SandboxState, body: Authorization | OutsideAuthorization, scope: str) -> Asking:
    agentid = str(body.agent_id or "")
    return checked(
        state,
        appid=state.config.corp_id,
        agentid=agentid,
        redirect_uri=body.redirect_uri,
        given=body.state,
        scope=scope,
    )


@router.post("/people/{userid}/authorize")
async def authorize_person(state: StateDep, found: PersonDep, body: Authorization) -> dict[str, Any]:
    """The code and the address to which this person's browser is sent with it."""
    asking = _asked(state, body, body.scope)
    code = issue_code(state, asking, found, agreed=tuple(body.agreed), is_desktop=body.is_desktop)
    return {"code": code, "location": asking.back(code)}


@router.post("/outside/authorize")
async def authorize_outsider(state: StateDep, body: OutsideAuthorization) -> dict[str, Any]:
    """The same for somebody who is no member: an openid, and an external userid for a customer."""
    asking = _asked(state, body, "snsapi_base")
    code = issue_outside_code(state, asking, body.openid, body.external_userid)
    return {"code": code, "location": asking.back(code)}


@router.post("/jsapi/check")
async def check_signature(state: StateDep, body: Signature) -> dict[str, Any]:
    """What the client would say to this signature: 0, 40093, or 42012 when it is made with the other ticket."""
    app = str(body.agent_id or state.config.agent_id)
    right, other = (tickets.CORP, app) if body.kind == "corp" else (app, tickets.CORP)

    def made_with(owner: str) -> bool:
        ticket = tickets.current_ticket(state, owner).value
        return tickets.sign(ticket, body.noncestr, body.timestamp, body.url) == body.signature

    if made_with(right):
        return ok()
    raise PlatformError(42012 if made_with(other) else 40093)
