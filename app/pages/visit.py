"""A visit: who looks at which page, what they may there, and how it is drawn for them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from app.access import service as access
from app.access.service import Authority, Viewer
from app.audit.why import About
from app.exports.service import Taking, taking_of
from app.manifest import Page, Registry
from app.observability import current_correlation_id
from app.pages.drawing.catalogue import CHINESE, ENGLISH, LANGUAGES, translated
from app.pages.drawing.environment import environment
from app.pages.drawing.moments import Reader
from app.pages.errors import SignInNeeded
from app.pages.security import HEADERS, LANGUAGE, SESSION, Cookies, form_token
from app.permissions import Permission, Sight
from app.settings import Settings
from app.web.deps import NowDep, SessionDep, WebServices
from app.web.messages import prefers_english
from app.wecom.client import Platform
from models.ids import new_id

CONSOLE = "console"
CAME_FROM: Final = "came_from"
"""The field of every form that says which page it stands on: what is answered to a form may have no address to open."""
POLL: Final = "steward-poll"
"""The header of a page that asks by itself whether anything has changed."""


class PageServices(WebServices, Protocol):
    """The part of bootstrap's services that pages use."""

    @property
    def registry(self) -> Registry: ...
    @property
    def platform(self) -> Platform: ...


def services_of(request: Request) -> PageServices:
    services: PageServices = request.app.state.services
    return services


def settings_of(request: Request) -> Settings:
    return services_of(request).settings


SAID: Final = "said"
"""What the address of a page says of the form that led to it. It is said once."""


async def keep_way_back(request: Request, *, otherwise: str) -> str:
    """The address that opens this page, or the page that a form stood on; kept for whatever is drawn in answer.

    A form says it itself (`CAME_FROM`): a browser may leave the `Referer` out.
    """
    if request.method == "GET":
        rest = urlencode([pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] != SAID])
        whole = f"{request.url.path}?{rest}" if rest else request.url.path
        back = access.own_path(whole, otherwise=access.own_path(request.url.path, otherwise=otherwise))
    else:
        came_from = (await request.form()).get(CAME_FROM)
        back = access.own_path(came_from if isinstance(came_from, str) else None, otherwise=otherwise)
    request.state.way_back = back
    return back


def way_back(request: Request) -> str:
    """Where the answer to this request belongs; "" before anybody has looked (`keep_way_back`)."""
    return str(getattr(request.state, "way_back", ""))


def language_of(request: Request) -> str:
    """What somebody chose, else what their browser prefers."""
    chosen = Cookies(request, settings_of(request)).get(LANGUAGE)
    if chosen in LANGUAGES:
        return chosen
    return ENGLISH if prefers_english(request.headers.get("accept-language", "")) else CHINESE


def reader_of(request: Request, now: datetime) -> Reader:
    return Reader(language_of(request), settings_of(request).zone, now)


def drawn(
    request: Request, template: str, context: dict[str, Any], *, now: datetime, status: int = 200
) -> HTMLResponse:
    """A page as HTML, with the headers that every page has."""
    reader = reader_of(request, now)
    known = {"reader": reader, "correlation_id": current_correlation_id(), "visit": None}
    text = environment(reader.language).get_template(template).render(known | context)
    answer = HTMLResponse(text, status, headers=HEADERS)
    answer.headers["content-language"] = "en" if reader.reads_english else "zh-CN"
    answer.headers["vary"] = "Accept-Language, Cookie"
    return answer


@dataclass(frozen=True)
class Visit:
    """One request for a page by somebody who is signed in. Its session is the transaction of the request."""

    request: Request
    session: AsyncSession
    viewer: Viewer
    authority: Authority
    """What counts on this page."""
    full_authority: Authority
    """Everything that the viewer holds."""
    page: Page
    now: datetime

    @cached_property
    def reader(self) -> Reader:
        return reader_of(self.request, self.now)

    @property
    def settings(self) -> Settings:
        return settings_of(self.request)

    @property
    def form_token(self) -> str:
        return form_token(self.viewer.token)

    @property
    def form_id(self) -> str:
        """A new one for each form that is drawn: whatever is sent with it acts once."""
        return str(new_id())

    @property
    def pages(self) -> list[Page]:
        """The navigation of this face: what the viewer may open, in its order."""
        pages = services_of(self.request).registry.pages.values()
        own = [page for page in pages if page.face == self.page.face and page.place is not None]
        return sorted(filter(self.may_open, own), key=lambda page: page.place or 0)

    def may_open(self, page: Page) -> bool:
        return _opens(self.authority, page, page.permission)

    def sees_console(self) -> bool:
        """Whether there is anything in the console beyond what every employee has."""
        pages = services_of(self.request).registry.pages.values()
        beyond = self.full_authority.beyond_everybody()
        linked = [page for page in pages if page.face == CONSOLE and page.place is not None]
        return any(page.permission is not None and _opens(beyond, page, page.permission) for page in linked)

    def sight(self, permission: Permission | None = None) -> Sight:
        """How far the viewer sees here. A page of the employees shows what is theirs, whatever else they hold."""
        wanted = permission or self.page.permission
        found = self.authority.sight_of(wanted) if wanted is not None else Sight()
        return Sight(person_id=self.viewer.person.id) if self.page.face == "me" else found

    def sight_of_finding(self) -> Sight:
        """Among whom the viewer finds people by name."""
        return self.full_authority.sight_of(Permission.PERSON_FIND) | self.full_authority.sight_of(
            Permission.PERSON_READ
        )

    async def check(self, permission: Permission, about: About) -> None:
        """Raises `NotPermitted` or `NotSeen`."""
        await access.check(self.session, self.authority, permission, about, now=self.now)

    async def check_held(self, permission: Permission) -> None:
        """Raises `NotPermitted` when the viewer holds it nowhere."""
        await access.check_held(self.session, self.authority, permission, now=self.now)

    async def may(self, permission: Permission, about: About) -> bool:
        """Whether an act about this object is worth a button. The act itself is checked again."""
        return await access.covers(self.session, self.authority, permission, about)

    def taking(self) -> Taking:
        """The viewer takes the list of this page as a file."""
        return taking_of(self.request, self.session, self.viewer.actor, self.now)

    def say(self, text: str, **values: object) -> str:
        """A text of Python code in the reader's language."""
        return translated(text, self.reader.language).format(**values)

    def draw(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        return drawn(self.request, template, {"visit": self, **context}, now=self.now, status=status)

    @property
    def back(self) -> str:
        """The address, with its filters, that opens the page on which this is read."""
        return way_back(self.request)

    @property
    def path(self) -> str:
        """The same without filters."""
        return self.back.partition("?")[0]

    def link(self, **query: object) -> str:
        """The address of the page with other filters; None and empty take one away. What answers a form has none."""
        merged = dict(self.request.query_params) | query
        kept = {name: str(value) for name, value in merged.items() if value not in {None, ""}}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def go(self, location: str) -> Response:
        """Post/Redirect/Get."""
        return RedirectResponse(location, 303, headers=HEADERS)


def is_poll(request: Request) -> bool:
    """Whether the page asks by itself (`hx-headers`), and nobody is there who does."""
    return POLL in request.headers


async def viewer_of(request: Request, session: AsyncSession, now: datetime) -> Viewer | None:
    """Who is signed in with this browser."""
    settings = settings_of(request)
    token = Cookies(request, settings).get(SESSION)
    if not token:
        return None
    lifetime = access.lifetime_of(settings)
    return await access.find(session, token, lifetime=lifetime, now=now, is_visit=not is_poll(request))


def visits(path: str, permission: Permission | None = None) -> Any:
    """How a handler gets its visit: it is annotated with `Visit` and this.

    `path` is that of a page in a manifest. Whoever is not signed in goes there first; whoever may not open the page
    reads why (`NotPermitted`). An act on the page may ask for a `permission` of its own.
    """
    return Depends(_visit(path, permission))


def _visit(
    path: str, permission: Permission | None
) -> Callable[[Request, AsyncSession, datetime], Coroutine[Any, Any, Visit]]:
    async def visit(request: Request, session: SessionDep, now: NowDep) -> Visit:
        back = await keep_way_back(request, otherwise=path)
        viewer = await viewer_of(request, session, now)
        if viewer is None:
            raise SignInNeeded("请先登录", "Please sign in first", to=back)
        page = services_of(request).registry.pages[path]
        authority = await access.authority_of(session, viewer.person, now=now)
        counting = authority.beyond_own() if page.face == CONSOLE else authority
        for asked in filter(None, (page.permission, permission)):
            if not _opens(counting, page, asked):
                raise await access.refused_by_name(session, asked, now=now)
        return Visit(request, session, viewer, counting, authority, page, now)

    return visit


def _opens(authority: Authority, page: Page, permission: Permission | None) -> bool:
    """Whether this permission is held far enough for the page."""
    if permission is None:
        return True
    return authority.sight_of(permission).everything if page.whole_company else authority.holds(permission)
