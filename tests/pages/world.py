"""Browsers of people in front of the service and of the platform's own sign-in pages, without a real browser.

A `Browser` follows redirects from one to the other and keeps cookies, as people's browsers do. What is drawn, and what
scripts do, is tried in a real one (tests/browser).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from fastapi import FastAPI

from app.bootstrap import Services, build
from app.database import transaction
from app.installation import prepare
from app.main import create_app
from app.settings import Settings
from models.org import Person
from sandbox.config import SandboxConfig
from tests.company import SIX, Company, found
from tests.fakes.clock import FakeClock
from tests.platform import Sandbox, open_sandbox

SERVICE = "http://steward.test"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 wxwork/4.1.20"
COMPUTER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"
MOST_REDIRECTS = 10


@dataclass
class Browser:
    """One browser, with its cookies. `userid` is whose client it is, or who scans the code of a computer."""

    http: httpx.AsyncClient
    userid: str
    user_agent: str = PHONE
    keeps_cookies: bool = True
    language: str = "zh-CN"
    went: list[str] = field(default_factory=list)
    """Every address that it asked for."""
    page: httpx.Response | None = None

    async def get(self, address: str, *, follows: bool = True) -> httpx.Response:
        return await self._ask("GET", urljoin(SERVICE, address), follows=follows)

    async def post(
        self, address: str, fields: dict[str, Any] | None = None, *, follows: bool = True, **headers: str
    ) -> httpx.Response:
        """A form of ours as a browser sends it. What is a pair of name and content is a file."""
        files = {name: value for name, value in (fields or {}).items() if isinstance(value, tuple)}
        texts = {name: value for name, value in (fields or {}).items() if name not in files}
        sent = {"origin": SERVICE, "sec-fetch-site": "same-origin"} | headers
        given = {name.replace("_", "-"): value for name, value in sent.items() if value}
        return await self._ask(
            "POST", urljoin(SERVICE, address), follows=follows, data=texts, files=files, headers=given
        )

    async def send(self, address: str, fields: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send the form on the page that is open, with its hidden fields."""
        return await self.post(address, self.hidden(address) | (fields or {}), **more)

    async def look_and_send(self, address: str, fields: dict[str, Any]) -> httpx.Response:
        """A form that first shows what will happen: look, then press the button that says it."""
        await self.send(address, fields | {"step": "look"})
        return await self.send(address, fields)

    async def send_seen(self, address: str, fields: dict[str, Any] | None = None) -> httpx.Response:
        """A form whose act is shown before it is done: look, then press the button of what is shown."""
        shown = await self.send(address, fields)
        assert shown.status_code == 200, self.text
        assert "不办理，返回" in self.text, f"nothing was shown of {address}: {self.text}"
        return await self.send(address)

    def hidden(self, address: str) -> dict[str, str]:
        """What the page puts into its form with this address."""
        assert self.page is not None
        form = re.search(
            rf'<form[^>]*method="post"[^>]*action="{re.escape(address)}".*?</form>', self.page.text, re.DOTALL
        )
        assert form is not None, f"no form for {address} in {self.page.text}"
        fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
        return {name: unescape(value) for name, value in fields}

    @property
    def text(self) -> str:
        """What is written on the page."""
        assert self.page is not None
        body = re.sub(r"<(script|style|title)\b.*?</\1>", "", self.page.text, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    async def _ask(self, method: str, address: str, *, follows: bool, **more: Any) -> httpx.Response:
        headers = {"user-agent": self.user_agent, "accept-language": self.language} | more.pop("headers", {})
        for _ in range(MOST_REDIRECTS):
            self.went.append(address)
            if not self.keeps_cookies:
                self.http.cookies.clear()
            self.page = await self.http.request(method, self._as_person(address), headers=headers, **more)
            if not follows or not self.page.is_redirect:
                return self.page
            method, more = "GET", {}
            address = urljoin(address, self.page.headers["location"])
        raise AssertionError(f"goes round: {self.went}")

    def _as_person(self, address: str) -> str:
        """At the platform's own pages the person says who they are."""
        parts = urlsplit(address)
        if parts.netloc == urlsplit(SERVICE).netloc or not self.userid:
            return address
        before, _, anchor = address.partition("#")
        del anchor
        name = "sandbox_openid" if self.userid.startswith("o-") else "sandbox_userid"
        return f"{before}&{name}={self.userid}"


@dataclass
class House:
    """The service with its pages."""

    services: Services
    app: FastAPI
    platform: Sandbox
    company: Company
    clock: FakeClock
    browsers: list[Browser] = field(default_factory=list)

    def browser(self, userid: str, **more: Any) -> Browser:
        """A browser in which nobody is signed in yet."""
        transport = Switch(
            service=httpx.ASGITransport(self.app, raise_app_exceptions=False), platform=self.platform.line
        )
        browser = Browser(httpx.AsyncClient(transport=transport, timeout=30), userid, **more)
        self.browsers.append(browser)
        return browser

    async def signed_in(self, userid: str, **more: Any) -> Browser:
        """Somebody who is signed in, and sees the home of the employees."""
        browser = self.browser(userid, **more)
        page = await browser.get("/me")
        assert page.status_code == 200, page.text
        return browser

    def person(self, userid: str) -> Person:
        return self.company.people[userid]


@dataclass
class Switch(httpx.AsyncBaseTransport):
    """The network: the service has one host, everything else is the platform."""

    service: httpx.AsyncBaseTransport
    platform: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_ours = request.url.host == urlsplit(SERVICE).netloc
        return await (self.service if is_ours else self.platform).handle_async_request(request)


@asynccontextmanager
async def open_house(database: str, clock: FakeClock, settings: Settings) -> AsyncIterator[House]:
    """The company of `tests.company` with its platform; everybody has a browser that they come with."""
    settings = settings.model_copy(update={"public_url": SERVICE})
    nobody_reads = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    config = SandboxConfig(people=10, callback_retries=1)
    async with nobody_reads, open_sandbox(config, callbacks=nobody_reads, clock=clock) as platform:
        services = build(settings, database, clock=clock, platform_transport=platform.line)
        await prepare(services)
        async with transaction(services.sessions) as session:
            company = await found(session, SIX)
        for userid, post in SIX.items():
            await platform.client.hire(userid, post.name)
        house = House(services, create_app(services), platform, company, clock)
        try:
            yield house
        finally:
            for browser in house.browsers:
                await browser.http.aclose()
            await services.aclose()
