"""`/sign-in`: to WeCom and back; `/sign-out`; the first administrator's link; the ownership file of the domain."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Request
from fastapi.responses import PlainTextResponse
from starlette.responses import RedirectResponse, Response

from app.access import service as access
from app.access.service import Turned, Visitor
from app.database import transaction
from app.observability import get_logger
from app.pages.drawing.catalogue import LANGUAGES
from app.pages.errors import ForeignForm, NoSuchPage, SignInNeeded
from app.pages.forms import SubmissionDep
from app.pages.route import page_router
from app.pages.security import (
    BROWSER,
    HEADERS,
    LANGUAGE,
    SESSION,
    Cookies,
    check_form,
    form_token,
    own_origin,
)
from app.pages.visit import drawn, keep_way_back, services_of, settings_of, viewer_of
from app.sign_in import browsers, messages
from app.sign_in.messages import Refusal
from app.web.deps import NowDep, SessionDep
from app.wecom.errors import WecomRefused

log = get_logger()

router = page_router()

HOME = "/me"
BACK = "/sign-in/back"
_ATTEMPT_SECONDS = 600
_A_YEAR = 365 * 24 * 3600


@router.get("/sign-in")
async def sign_in(request: Request, session: SessionDep, now: NowDep, to: str = "") -> Response:
    """To WeCom, silently inside the client and by a QR code elsewhere; back to `to`, a page of ours."""
    settings = settings_of(request)
    path = access.own_path(to, otherwise=HOME)
    if await viewer_of(request, session, now) is not None:
        return RedirectResponse(path, 303, headers=HEADERS)
    cookies = Cookies(request, settings)
    browser = cookies.get(BROWSER) or access.new_token()
    way = browsers.way_of(request.headers.get("user-agent", ""))
    attempt = access.begin_attempt(browser=browser, way=way, return_path=path, now=now)
    back = f"{own_origin(request, settings)}{BACK}?to={quote(path, safe='')}"
    answer = RedirectResponse(access.address_of(attempt, settings.wecom, back=back), 303, headers=HEADERS)
    cookies.put(answer, BROWSER, browser, seconds=_ATTEMPT_SECONDS)
    return answer


@router.get(BACK)
async def come_back(request: Request, now: NowDep, state: str = "", code: str = "", to: str = "") -> Response:
    """From WeCom, with the state that we gave and a code. The state is spent before the code is looked at."""
    services, settings = services_of(request), settings_of(request)
    cookies = Cookies(request, settings)
    async with transaction(services.sessions) as session:
        attempt = await access.spend_attempt(
            session,
            state=state,
            browser=cookies.get(BROWSER),
            return_path=access.own_path(to, otherwise=HOME),
            now=now,
        )
    if attempt is None:
        return _refuse(request, messages.STALE, now=now)
    if not code:
        return _refuse(request, messages.DECLINED, now=now, to=attempt.return_path)
    try:
        told = await services.platform.app.get_visitor(code)
    except WecomRefused as error:
        log.info("sign_in.code_refused", errcode=error.errcode)
        async with transaction(services.sessions) as session:
            is_gone = await access.is_gone_since(session, cookies.get(SESSION))
        refusal = messages.GONE_SINCE if is_gone else messages.CODE_REFUSED
        return _refuse(request, refusal, now=now, to=attempt.return_path)
    async with transaction(services.sessions) as session:
        person = await access.recognise(session, Visitor(told.userid, told.openid))
        if isinstance(person, Turned):
            log.info("sign_in.turned_away", why=person.value)
            return _refuse(request, messages.TURNED[person], now=now, to=attempt.return_path)
        browser = browsers.name_of(request.headers.get("user-agent", ""))
        token = await access.start(
            session,
            person,
            way=attempt.way,
            browser=browser,
            lifetime=access.lifetime_of(settings),
            now=now,
            before=cookies.get(SESSION),
        )
    answer = RedirectResponse(f"/sign-in/kept?to={quote(attempt.return_path, safe='')}", 303, headers=HEADERS)
    cookies.drop(answer, BROWSER)
    cookies.put(answer, SESSION, token, seconds=int(settings.session_longest.total_seconds()))
    return answer


@router.get("/sign-in/kept")
async def look_for_cookie(request: Request, session: SessionDep, now: NowDep, to: str = "") -> Response:
    """Whether the browser has kept the session: one that does not would go round for ever."""
    path = access.own_path(to, otherwise=HOME)
    if await viewer_of(request, session, now) is None:
        return _refuse(request, messages.NO_COOKIE, now=now, to=path)
    return RedirectResponse(path, 303, headers=HEADERS)


@router.post("/sign-out")
async def sign_out(request: Request, session: SessionDep, now: NowDep, submission: SubmissionDep) -> Response:
    """End this session, here and in our rows."""
    settings = settings_of(request)
    viewer = await viewer_of(request, session, now)
    if viewer is not None:
        check_form(request, settings, secret=viewer.token, given=submission.token)
        await access.end_own(session, viewer, viewer.session_id, now=now)
    answer = drawn(request, "sign_in/signed_out.html", {}, now=now)
    Cookies(request, settings).drop(answer, SESSION)
    return answer


@router.post("/sign-in/language")
async def choose_language(
    request: Request,
    submission: SubmissionDep,
    session: SessionDep,
    now: NowDep,
    language: Annotated[str, Form()],
) -> Response:
    """In which language the pages are read with this browser. It leads back to the page that the button stands on."""
    settings = settings_of(request)
    back = await keep_way_back(request, otherwise=HOME)
    viewer = await viewer_of(request, session, now)
    if viewer is None:
        raise SignInNeeded("请先登录", "Please sign in first", to=back)
    check_form(request, settings, secret=viewer.token, given=submission.token)
    if language not in LANGUAGES:
        raise ForeignForm("页面已过期，请刷新后再试", "The page is too old: reload it and try again")
    answer = RedirectResponse(back, 303, headers=HEADERS)
    Cookies(request, settings).put(answer, LANGUAGE, language, seconds=_A_YEAR)
    return answer


# ---------------------------------------------------------------- the first administrator


@router.get("/sign-in/link/{token}")
async def show_link(token: str, request: Request, session: SessionDep, now: NowDep) -> Response:
    """Whom the link lets in. Looking spends nothing: previews of links look too."""
    person = await access.holder_of(session, token, now=now)
    cookies = Cookies(request, settings_of(request))
    browser = cookies.get(BROWSER) or access.new_token()
    context = {"person": person, "token": token, "form_token": form_token(browser)}
    answer = drawn(request, "sign_in/link.html", context, now=now, status=200 if person else 410)
    cookies.put(answer, BROWSER, browser, seconds=_ATTEMPT_SECONDS)
    return answer


@router.post("/sign-in/link/{token}")
async def use_link(
    token: str, request: Request, session: SessionDep, now: NowDep, submission: SubmissionDep
) -> Response:
    """Come in as the first administrator."""
    settings = settings_of(request)
    cookies = Cookies(request, settings)
    check_form(request, settings, secret=cookies.get(BROWSER), given=submission.token)
    person = await access.use_link(session, token, now=now)
    name = browsers.name_of(request.headers.get("user-agent", ""))
    kept = await access.start(
        session,
        person,
        way=access.Way.LINK,
        browser=name,
        lifetime=access.lifetime_of(settings),
        now=now,
        before=cookies.get(SESSION),
    )
    answer = RedirectResponse("/sign-in/kept?to=%2Fconsole", 303, headers=HEADERS)
    cookies.drop(answer, BROWSER)
    cookies.put(answer, SESSION, kept, seconds=int(settings.session_longest.total_seconds()))
    return answer


# ---------------------------------------------------------------- the trusted domain


@router.get("/WW_verify_{random}.txt")
async def ownership_file(random: str, request: Request) -> Response:
    """What WeCom reads to see that the domain is ours: the part of the name behind the underscore (callbacks §6.4)."""
    if f"WW_verify_{random}.txt" not in (settings_of(request).wecom.domain_files or "").split(","):
        raise NoSuchPage(
            "没有配置这个校验文件，请在 STEWARD_WECOM_DOMAIN_FILES 中写上它的文件名",
            "No such ownership file: name it in STEWARD_WECOM_DOMAIN_FILES",
        )
    return PlainTextResponse(random)


def _refuse(request: Request, refusal: Refusal, *, now: datetime, to: str = HOME) -> Response:
    context = {"refusal": refusal, "to": to}
    return drawn(request, "sign_in/refused.html", context, now=now, status=403)
