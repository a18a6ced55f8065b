"""What browsers are told and asked, so that a page of somebody else's cannot act through one of ours."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.pages.errors import ForeignForm, NoSuchPage
from app.settings import Settings

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Private pages are kept nowhere. WeCom's webview keeps pages alive; static/page.js reloads one that comes back.
    "cache-control": "no-store",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def own_origin(request: Request, settings: Settings) -> str:
    """Where browsers reach us: the public address, or on a machine without one the address they asked."""
    return settings.public_url or f"{request.url.scheme}://{request.url.netloc}"


def is_secure(request: Request, settings: Settings) -> bool:
    return own_origin(request, settings).startswith("https://")


class Cookies:
    """The cookies of one browser. With https they carry the prefix that binds them to this host alone."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self._request = request
        self._is_secure = is_secure(request, settings)

    def get(self, name: str) -> str:
        return self._request.cookies.get(self._full(name), "")

    def put(self, answer: Response, name: str, value: str, *, seconds: int) -> None:
        answer.set_cookie(
            self._full(name), value, max_age=seconds, path="/", secure=self._is_secure, httponly=True, samesite="lax"
        )

    def drop(self, answer: Response, name: str) -> None:
        answer.delete_cookie(self._full(name), path="/", secure=self._is_secure, httponly=True, samesite="lax")

    def _full(self, name: str) -> str:
        return f"__Host-steward_{name}" if self._is_secure else f"steward_{name}"


SESSION: Final = "session"
BROWSER: Final = "browser"
LANGUAGE: Final = "language"


def form_token(secret: str) -> str:
    """Stands in every form. Only whoever has the cookie, and we, can make it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def check_form(request: Request, settings: Settings, *, secret: str, given: str) -> None:
    """Raises `ForeignForm` unless the form comes from a page of ours, drawn for this browser."""
    if _is_from_elsewhere(request, settings) or not _is_ours(given, secret):
        raise ForeignForm(
            "这个表单不是从本页面提交的，或页面已过期。请返回页面，刷新后再试一次",
            "This form was not sent from a page of ours, or the page is too old. Go back, reload it and try again",
        )


def _is_ours(given: str, secret: str) -> bool:
    """Everybody can make the token of a browser without a cookie. What is typed may be no ASCII: bytes are compared."""
    return bool(secret) and hmac.compare_digest(form_token(secret).encode(), given.encode(errors="replace"))


def _is_from_elsewhere(request: Request, settings: Settings) -> bool:
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched != "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and _place(origin) != _place(own_origin(request, settings))


def is_control(letter: str) -> bool:
    """NUL and its like (Unicode's Cc)."""
    return unicodedata.category(letter) == "Cc"


def check_address(request: Request) -> None:
    """Raises `NoSuchPage` for an address with control characters: none of ours has any, and no column holds a NUL."""
    parts = [request.url.path, *(part for pair in request.query_params.multi_items() for part in pair)]
    parts += [str(value) for value in request.path_params.values()]
    if any(is_control(letter) for part in parts for letter in part):
        raise NoSuchPage("没有这个页面，请检查地址是否完整", "There is no such page: check the address")


def _place(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()
