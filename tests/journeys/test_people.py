"""People alone, from the app's menu to the receipt: real processes, a real browser, phones and a QR code, and no key.

Everything is done as people do it. What is asked of the sandbox beside is who somebody is and who is in a group, as
one would look into WeCom.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect
from rich.console import Console

from app.demo.stage import Json, Stage
from app.demo.story import sync_organisation, verify_addresses
from sandbox.config import SandboxConfig
from tests.browser.conftest import browser, chromium_path
from tests.fleet import Fleet, fleet, short_folder
from tests.journeys.cast import CAST

__all__ = ["browser", "chromium_path"]

GROUP = "市场部-新品上线"
NOTICE = "周五下午三点消防演练"
STANDING = re.compile(r"已确认 1 / \d+")
AGREED = "同意，请尽快熟悉项目"
PATIENCE_MS = 60_000


@dataclass
class Person:
    """Somebody with a phone and a computer, each with a browser of its own."""

    town: Town
    userid: str
    name: str
    desk: BrowserContext
    """The sandbox's picture of the phone, and the pages that open from it."""

    async def phone(self) -> Page:
        """The conversation with the app."""
        page = await self.desk.new_page()
        await page.goto(f"{self.town.sandbox}/phones/{self.userid}?c=app-{SandboxConfig().agent_id}")
        return page

    async def opened(self, pressed: Locator) -> Page:
        """The page that this opens, with the code scanned where it is asked for."""
        async with self.desk.expect_page() as opening:
            await pressed.click()
        page = await opening.value
        await page.wait_for_load_state()
        if page.url.startswith(self.town.sandbox):
            await page.get_by_role("link", name=f"用{self.name}的手机扫码").click()
        await page.wait_for_url(f"{self.town.service}/**")
        return page

    async def from_menu(self, *entries: str) -> Page:
        phone = await self.phone()
        menu = phone.locator(".appmenu")
        for entry in entries[:-1]:
            await menu.locator("summary", has_text=entry).click()
        return await self.opened(menu.get_by_role("button", name=entries[-1]))

    async def card(self, *words: str) -> Locator:
        """The newest card on the phone with these words."""
        phone = await self.phone()
        cards = phone.locator(".card")
        for word in words:
            cards = cards.filter(has_text=word)
        await expect(cards.last).to_be_visible(timeout=PATIENCE_MS)
        return cards.last

    async def computer(self, path: str) -> Page:
        """Another browser, in which nobody is signed in: the code is looked up by name and scanned."""
        context = await self.town.new_context()
        page = await context.new_page()
        await page.goto(f"{self.town.service}{path}")
        await page.get_by_role("searchbox").fill(self.userid)
        await page.get_by_role("searchbox").press("Enter")
        await page.get_by_role("link", name=self.name).first.click()
        await page.wait_for_url(f"{self.town.service}{path}")
        return page


@dataclass
class Town:
    """The installation and everybody in front of it."""

    fleet: Fleet
    stage: Stage
    browser: Browser
    names: dict[str, str] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    @property
    def service(self) -> str:
        return self.fleet.addresses.service

    @property
    def sandbox(self) -> str:
        return self.fleet.addresses.sandbox

    async def new_context(self) -> BrowserContext:
        context = await self.browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: self.strays.append(str(error.error)))
        self.contexts.append(context)
        return context

    async def person(self, userid: str) -> Person:
        return Person(self, userid, self.names[userid], await self.new_context())

    async def named(self, name: str) -> Person:
        return await self.person(next(userid for userid, known in self.names.items() if known == name))

    async def members(self, name: str) -> set[str]:
        """Who is in the group, as WeCom shows it."""
        groups = await self.stage.sandbox.groups()
        found: list[Json] = [group for group in groups if group["name"] == name]
        return set(found[0]["userlist"]) if found else set()


@pytest.fixture
async def town(browser: Browser) -> AsyncIterator[Town]:
    """60 people whom the service has taken over, the worker at work, and the app's menu on their phones."""
    folder = short_folder()
    async with fleet(folder, people=60) as ships, Stage(ships.addresses, Console(quiet=True)) as stage:
        town = Town(ships, stage, browser)
        await verify_addresses(stage)
        await sync_organisation(stage)
        town.names = {one["userid"]: one["name"] for one in await stage.sandbox.people(limit=100)}
        try:
            yield town
        finally:
            for context in town.contexts:
                await context.close()
        assert town.strays == []
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kills", [False, True], ids=["in-peace", "worker-killed"])
async def test_a_group_a_newcomer_a_notice_and_its_trace(town: Town, kills: bool) -> None:
    """With `kills`, the worker dies by `kill -9` wherever it has something to do, and its keeper starts it again."""

    def strike() -> None:
        if kills:
            town.fleet.workers[0].kill()

    applicant, newcomer = await town.person(CAST.applicant), await town.person(CAST.newcomer)
    for number, name in enumerate(await applies_for_a_group(applicant)):
        if number == 0:
            strike()
        await agrees_by_card(await town.named(name))
    await has_members(town, {CAST.applicant, CAST.team[0], CAST.team[1]})

    deciders = await applies_to_join(newcomer)
    for number, name in enumerate(deciders):
        decider = await town.named(name)
        if number == 0:
            strike()
        await decides_on_the_page(decider, newcomer)
    await has_members(town, {CAST.applicant, CAST.team[0], CAST.team[1], CAST.newcomer})
    await reads_how_it_went(newcomer)

    personnel = await town.person(CAST.hr[0])
    live = await publishes(personnel)
    strike()
    await confirms(applicant)
    await expect(live.get_by_text(STANDING)).to_be_visible(timeout=PATIENCE_MS)
    await sees_the_request(personnel)
    await sees_the_trace(town, await first_administrator(town, CAST.president))
    if kills:
        assert town.fleet.workers[0].kills == 3
    assert all(program.ended_by_itself == 0 for program in town.fleet.programs)


async def applies_for_a_group(person: Person) -> list[str]:
    """Returns the names of who decides, one for each step."""
    page = await person.from_menu("发起申请", "建立群")
    await page.locator("[name=type]").select_option("department")
    await page.locator("[name=name]").fill(GROUP)
    await page.locator("[name=purpose]").fill("协调新品上线")
    for userid in CAST.team[:2]:
        await page.locator("[name=members_search]").fill(userid)
        await page.locator("#pick-members [value=find]").click()
        await page.locator(f"[name=members][value={userid}]").check()
    await page.locator("[name=owner]").select_option(person.userid)
    return await submits(page)


async def submits(page: Page) -> list[str]:
    """Who decides stands there before it is submitted."""
    await page.get_by_role("button", name="看看由谁审批").click()
    await expect(page.get_by_role("heading", name="提交后由谁审批")).to_be_visible()
    steps = page.locator("section .timeline > li:has(.person)")
    names = [await step.locator(".person").first.inner_text() for step in await steps.all()]
    await page.get_by_role("button", name="提交申请").click()
    await expect(page.get_by_text("申请已提交。")).to_be_visible()
    return [name.partition("·")[0].strip() for name in names]


async def agrees_by_card(head: Person) -> None:
    """Without a page: the button on the card is enough."""
    card = await head.card(GROUP, "同意")
    await card.get_by_role("button", name="同意", exact=True).click()
    await expect((await head.card(GROUP)).get_by_role("button", name="已同意")).to_be_visible(timeout=PATIENCE_MS)


async def has_members(town: Town, wanted: set[str]) -> None:
    async def seen() -> bool:
        return await town.members(GROUP) == wanted

    await town.stage.until(f"{sorted(wanted)} to be in the group", seen)


async def applies_to_join(person: Person) -> list[str]:
    """Returns the names of who decides, one for each step."""
    page = await person.from_menu("发起申请", "加入群")
    await page.get_by_role("link", name=re.compile(GROUP)).click()
    await page.get_by_role("link", name="申请加入").click()
    await page.get_by_label("理由").fill("负责新品的渠道销售")
    for name, said in (("title", "销售专员"), ("contact", "分机 8021")):
        if await page.locator(f"[name={name}]").count():  # as the policy wants it
            await page.locator(f"[name={name}]").fill(said)
    return await submits(page)


async def decides_on_the_page(decider: Person, applicant: Person) -> None:
    """The card comes to the phone and leads to the page; there is room for a comment."""
    card = await decider.card(GROUP, applicant.name)
    page = await decider.opened(card.locator(".jump").last)
    await page.get_by_label("说明").fill(AGREED)
    await page.get_by_role("button", name="同意", exact=True).click()
    await expect(page.get_by_text("您的决定已记录。")).to_be_visible()


async def reads_how_it_went(person: Person) -> None:
    page = await person.from_menu("我的", "我的申请")
    await page.get_by_role("link", name=re.compile(GROUP)).click()
    await expect(page.get_by_text(AGREED).first).to_be_visible()
    await expect(page.get_by_text("申请已同意").first).to_be_visible()


async def publishes(personnel: Person) -> Page:
    """Returns the page on which the receipts arrive."""
    page = await personnel.computer("/console")
    await page.get_by_role("link", name="通知", exact=True).click()
    await page.get_by_role("link", name="写一则通知").click()
    await page.get_by_label("标题").fill(NOTICE)
    await page.get_by_label("正文").fill("请到一楼大厅集合。")
    await page.get_by_role("checkbox", name=re.compile(f"^{CAST.department_name} · ")).check()
    await page.get_by_role("button", name="看看会发给谁").click()
    await expect(page.get_by_role("heading", name="发布后会怎样")).to_be_visible()
    await page.get_by_role("button", name=re.compile(r"^发布给 \d+ 人$")).click()
    await expect(page.get_by_text("已发布。")).to_be_visible()
    return page


async def confirms(person: Person) -> None:
    page = await person.opened((await person.card(NOTICE)).locator(".jump").last)
    await page.get_by_role("button", name="确认收到").click()
    await expect(page.get_by_text("已确认收到。")).to_be_visible()
    await expect((await person.card(NOTICE)).get_by_role("button", name="已确认")).to_be_visible(timeout=PATIENCE_MS)


async def sees_the_request(personnel: Person) -> None:
    page = await personnel.computer("/console/requests")
    await page.get_by_role("link", name=re.compile(f"加入.*{GROUP}")).first.click()
    await expect(page.get_by_text(AGREED).first).to_be_visible()


async def first_administrator(town: Town, userid: str) -> Page:
    """By the link that an operator makes on the server."""
    command = [sys.executable, "-m", "app.cli", "access", "link", userid, "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, env=town.fleet.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await process.communicate()
    page = await (await town.new_context()).new_page()
    await page.goto(json.loads(said)["url"])
    await page.get_by_role("button", name="登录管理台").click()
    await page.wait_for_url(f"{town.service}/console")
    return page


async def sees_the_trace(town: Town, page: Page) -> None:
    """From a call back to what wanted it."""
    await page.get_by_role("link", name="调用", exact=True).click()
    await page.locator("main tbody a").first.click()
    await page.get_by_role("link", name="查看来龙去脉").click()
    way = page.locator(".picture")
    await expect(way).to_be_visible()
    assert await way.locator("li").count() > 1
