"""A real Chromium in front of a sandbox on a real port. Nothing is ever downloaded for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from tests.platform import open_sandbox, served
from tests.sandbox.world import Receiver

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
HOW = "no Chromium here: apt-get install -y --no-install-recommends chromium, or set CHROMIUM to a program"

Json = dict[str, Any]

expect.set_options(timeout=60_000)  # what is waited for comes at once, except on a machine that is very busy


def chromium() -> str | None:
    """A Chromium of this machine's own, or the one that the environment names."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, (*NAMES, MAC))), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Skips where there is no browser, except where BROWSER_TESTS=required, as in continuous integration."""
    found = chromium()
    if found is None and os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(HOW)
    return found or pytest.skip(HOW)


@pytest.fixture(scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=flags)
        yield browser
        await browser.close()


@dataclass
class Stage:
    """A sandbox on a port; its callbacks go to a receiver that tests tell what to answer."""

    config: SandboxConfig
    base_url: str
    receiver: Receiver
    client: SandboxClient
    strays: list[str] = field(default_factory=list)
    """Requests of pages to other servers, and errors of their scripts."""

    @property
    def app_id(self) -> str:
        return f"app-{self.config.agent_id}"

    async def call(self, endpoint: str, body: Json) -> Json:
        query = {"corpid": self.config.corp_id, "corpsecret": self.config.app_secret}
        token = (await self.client.http.get("/cgi-bin/gettoken", params=query)).json()["access_token"]
        path, _, more = endpoint.partition("?")
        params = dict(parse_qsl(more)) | {"access_token": token}
        answer = await self.client.http.post(f"/cgi-bin/{path}", params=params, json=body)
        result: Json = answer.json()
        assert result["errcode"] == 0, result
        return result

    async def send(self, touser: str, msgtype: str, body: Json) -> Json:
        fields = {"touser": touser, "msgtype": msgtype, "agentid": self.config.agent_id, msgtype: body}
        return await self.call("message/send", fields)

    async def userids(self, count: int) -> list[str]:
        people = await self.client.people(limit=40)
        return [person["userid"] for person in people if person["status"] == 1][:count]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    config = SandboxConfig(people=40)
    receiver = Receiver(config)
    inside = httpx.AsyncClient(transport=httpx.ASGITransport(app=receiver.app()), base_url="http://service")
    async with inside, open_sandbox(config, callbacks=inside) as sandbox, served(sandbox.program) as base_url:
        await sandbox.client.set_callback_urls(app="http://service/app", contacts="http://service/contacts")
        stage = Stage(config, base_url, receiver, sandbox.client)
        yield stage
    assert stage.strays == []


@pytest.fixture
async def page(browser: Browser, stage: Stage) -> AsyncIterator[Page]:
    """A Chinese browser. Whatever it asks of other servers, or complains about, is noted."""
    context = await browser.new_context(
        base_url=stage.base_url, locale="zh-CN", viewport={"width": 1440, "height": 900}
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: stage.strays.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(stage.base_url) else stage.strays.append(asked.url))
    yield page
    await context.close()
