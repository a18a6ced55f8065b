"""The service and the sandbox on real ports, and people in front of them with phones and computers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
from playwright.async_api import Browser, BrowserContext, Page

from app.bootstrap import Services, build
from app.database import transaction
from app.installation import prepare
from app.main import create_app
from app.org.search import keep
from app.settings import Settings
from sandbox.config import SandboxConfig
from tests.company import SIX, Company, found
from tests.fakes.clock import FakeClock
from tests.platform import Sandbox, free_port, open_sandbox, served

WEBVIEW = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36 wxwork/4.1.20"
PHONE = {"width": 390, "height": 844}
COMPUTER = {"width": 1280, "height": 900}


@dataclass
class RealHouse:
    """Everything as a person meets it."""

    browser: Browser
    services: Services
    platform: Sandbox
    company: Company
    address: str
    """Of the service."""
    sandbox: str
    strays: list[str] = field(default_factory=list)
    """Requests to other servers, errors of scripts, refusals of the browser."""
    contexts: list[BrowserContext] = field(default_factory=list)

    async def phone_of(self, userid: str, *, language: str = "zh-CN", dark: bool = False, scripts: bool = True) -> Page:
        """A page in the webview of this person's client: signing in is silent."""
        context = await self.browser.new_context(
            base_url=self.address,
            locale=language,
            viewport=PHONE,  # type: ignore[arg-type]  # its sizes
            user_agent=WEBVIEW,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        await context.add_cookies([{"name": "sandbox_userid", "value": userid, "url": self.sandbox}])
        return await self._page(context)

    async def computer(self, *, language: str = "zh-CN", dark: bool = False, width: int = 1280) -> Page:
        """A page of a browser in which nobody is signed in: the code has to be scanned."""
        context = await self.browser.new_context(
            base_url=self.address,
            locale=language,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        return await self._page(context)

    async def computer_of(self, userid: str, path: str = "/console", **more: object) -> Page:
        """A page on which this person has scanned the code."""
        page = await self.computer(**more)  # type: ignore[arg-type]  # passed on
        await page.goto(path)
        address = page.url
        await page.goto(f"{address}&sandbox_userid={userid}")
        return page

    async def _page(self, context: BrowserContext) -> Page:
        self.contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.strays.append(str(error)))
        page.on("console", lambda message: self.strays.append(message.text) if message.type == "error" else None)
        page.on("request", lambda asked: None if self._is_known(asked.url) else self.strays.append(asked.url))
        return page

    def _is_known(self, url: str) -> bool:
        return url.startswith((self.address, self.sandbox, "data:"))


@asynccontextmanager
async def open_real_house(
    browser: Browser, database: str, settings: Settings, clock: FakeClock
) -> AsyncIterator[RealHouse]:
    """The company of tests.company, on two ports of this machine."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    nobody_reads = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    config = SandboxConfig(people=10, app_callback_url=f"{address}/callbacks/app", callback_retries=1)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(nobody_reads)
        platform = await stack.enter_async_context(open_sandbox(config, callbacks=nobody_reads, clock=clock))
        sandbox = await stack.enter_async_context(served(platform.program))
        wecom = settings.wecom.model_copy(
            update={
                "authorize_url": f"{sandbox}/connect/oauth2/authorize",
                "login_url": f"{sandbox}/wwlogin/sso/login",
            }
        )
        settings = settings.model_copy(update={"public_url": address, "wecom": wecom})
        services = build(settings, database, clock=clock, platform_transport=platform.line)
        stack.push_async_callback(services.aclose)
        await prepare(services)
        async with transaction(services.sessions) as session:
            company = await found(session, SIX)
            await keep.spell_people(session, [person.id for person in company.people.values()])
        for userid, post in SIX.items():
            await platform.client.hire(userid, post.name)
        await stack.enter_async_context(served(create_app(services), port))
        house = RealHouse(browser, services, platform, company, address, sandbox)
        try:
            yield house
        finally:
            for context in house.contexts:
                await context.close()
