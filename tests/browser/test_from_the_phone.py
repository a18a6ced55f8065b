"""From somebody's phone to our pages: by the menu of the app and by a card, in an ordinary browser (F117)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from app.database import transaction
from app.jobs.timers import sweep
from app.menu.service import keep_menu
from app.settings import Settings
from tests.browser.house import RealHouse, open_real_house
from tests.builders.tasks import task
from tests.fakes.clock import FakeClock
from tests.fakes.queue import take_all


@pytest.fixture
async def house(browser: Browser, database: str, settings: Settings, clock: FakeClock) -> AsyncIterator[RealHouse]:
    async with open_real_house(browser, database, settings, clock) as house:
        async with transaction(house.services.sessions) as session:
            await keep_menu(session, now=clock.now())
        yield house
    assert house.strays == []


async def work(house: RealHouse) -> None:
    """Make the calls that wait."""
    services = house.services
    await sweep(services.sessions, services.clock, services.registry.timers)
    async with transaction(services.sessions) as session:
        jobs: list[tuple[str, dict[str, Any]]] = await take_all(session)
    for name, payload in jobs:
        await services.registry.jobs[name](services.job_context, payload)


async def phone(house: RealHouse, userid: str) -> Page:
    """The sandbox's picture of this person's phone, on a desk, with the conversation of the app open."""
    page = await house.computer()
    await page.goto(f"{house.sandbox}/phones/{userid}?c=app-{house.services.settings.wecom.agent_id}")
    return page


async def scan(opened: Page, name: str) -> None:
    await opened.get_by_role("link", name=f"用{name}的手机扫码").click()


class TestTheMenu:
    async def test_leads_to_ones_own_day_with_one_click_to_say_who_one_is(self, house: RealHouse) -> None:
        await work(house)
        page = await phone(house, "li")
        async with page.context.expect_page() as opening:
            await page.locator(".appmenu").get_by_role("button", name="今日").click()
        opened = await opening.value
        await scan(opened, "李军")
        await opened.wait_for_url(f"{house.address}/me")
        await expect(opened.locator("body")).to_contain_text("李军")

    async def test_the_next_page_asks_nothing_any_more(self, house: RealHouse) -> None:
        await work(house)
        page = await phone(house, "li")
        for turn, (top, entry, path) in enumerate(
            [("我的", "我的申请", "/me/requests"), ("发起申请", "加入群", "/me/groups?list=directory")]
        ):
            await page.locator(".appmenu summary", has_text=top).click()
            async with page.context.expect_page() as opening:
                await page.locator(".appmenu").get_by_role("button", name=entry).click()
            opened = await opening.value
            if turn == 0:
                await scan(opened, "李军")
            await opened.wait_for_url(f"{house.address}{path}")


class TestACard:
    async def test_leads_to_its_page_in_the_name_of_who_got_it(self, house: RealHouse) -> None:
        async with transaction(house.services.sessions) as session:
            row = await task(session, house.company.wang, house.company.li)
        await work(house)
        page = await phone(house, "li")
        async with page.context.expect_page() as opening:
            await page.locator(".card", has_text="整理验收单").locator(".jump").click()
        opened = await opening.value
        await scan(opened, "李军")
        await opened.wait_for_url(f"{house.address}/me/tasks/{row.id}")
        await expect(opened.locator("main")).to_contain_text("整理验收单")
