"""`python -m tests.browser.screens`: the screenshots of docs/screens, taken anew from the company of the tests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright

from tests import databases
from tests.browser.conftest import HOW, chromium
from tests.browser.house import RealHouse, open_real_house
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.pages.everything import READER, everything

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screens"


async def _keep(page: Page, name: str) -> None:
    await page.screenshot(path=FOLDER / f"{name}.png")


async def _on_the_phone(house: RealHouse, request: str, group: str) -> None:
    page = await house.phone_of(READER)
    await page.goto("/me")
    await _keep(page, "today")
    await page.goto(f"/me/requests/{request}")
    await _keep(page, "request")
    page = await house.phone_of("sun")
    await page.goto(f"/me/apply/join?group={group}")
    await page.get_by_label("理由").fill("参加新品联调")
    await page.get_by_label("职务").fill("专员")
    await page.get_by_label("联系方式").fill("分机 8021")
    await page.get_by_role("button", name="看看由谁审批").click()
    await page.get_by_text("提交后由谁审批").wait_for()
    await _keep(page, "apply")


async def _at_the_desk(house: RealHouse, announcement: str) -> None:
    page = await house.computer()
    await page.goto("/console")
    await _keep(page, "sign-in")
    page = await house.computer_of(READER)
    await _keep(page, "overview")
    await page.goto(f"/console/announcements/{announcement}")
    await _keep(page, "receipts")
    await page.goto("/console/announcements/new")
    await page.get_by_label("标题").fill("消防演练")
    await page.get_by_label("正文").fill("周五下午三点在一楼集合。")
    await page.get_by_role("checkbox", name=re.compile("^研发部 · ")).check()
    await page.get_by_role("button", name="看看会发给谁").click()
    await page.get_by_role("button", name=re.compile("^发布给")).wait_for()
    await _keep(page, "compose")
    await page.goto("/console/trace?id=trace-of-a-callback")
    await _keep(page, "trace")


async def take() -> Sequence[Path]:
    program = chromium()
    if program is None:
        raise SystemExit(HOW)
    FOLDER.mkdir(exist_ok=True)
    with databases.server() as server:
        template = await asyncio.to_thread(databases.ensure_template, server)
        async with databases.clone(server, template) as url, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            async with open_real_house(browser, url, test_settings(), FakeClock()) as house:
                things, _ = await everything(house.services, house.company)
                await _on_the_phone(house, str(things.join), str(things.group))
                await _at_the_desk(house, str(things.to_research))
            await browser.close()
    return sorted(FOLDER.glob("*.png"))


if __name__ == "__main__":
    for path in asyncio.run(take()):
        print(f"{path.relative_to(FOLDER.parents[1])}  {path.stat().st_size // 1024} KB")  # noqa: T201 -- a command's output
