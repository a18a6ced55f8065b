"""The pages in a real browser: an employee's story and that of personnel. Every page there is: test_every_page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.database import transaction
from tests import databases
from tests.browser.house import RealHouse, open_real_house
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.pages.furnished import Furniture, furnish


@pytest.fixture(scope="module")
async def house(server_url: str, template: str, browser: Browser) -> AsyncIterator[RealHouse]:
    clock = FakeClock()
    async with (
        databases.clone(server_url, template) as url,
        open_real_house(browser, url, test_settings(), clock) as house,
    ):
        yield house


@pytest.fixture(scope="module")
async def things(house: RealHouse) -> Furniture:
    now = house.services.clock.now()
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=now)
        wanted = Wanted(house.company.zhao, "administrator", "系统管理员")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=now)
    return things


async def test_an_employee_applies_and_their_head_decides(house: RealHouse, things: Furniture) -> None:
    """陈晨 leaves the group: who decides stands there before it is submitted; 王芳 agrees on her phone."""
    chen = await house.phone_of("sun")
    await chen.goto("/me/groups?list=directory")
    await chen.get_by_role("link", name=re.compile("研发部-新品项目")).click()
    await chen.get_by_role("link", name="申请加入").click()
    await chen.get_by_label("理由").fill("参加新品联调")
    await chen.get_by_label("职务").fill("专员")
    await chen.get_by_label("联系方式").fill("分机 8021")
    await chen.get_by_role("button", name="看看由谁审批").click()
    await expect(chen.get_by_text("提交后由谁审批")).to_be_visible()
    await expect(chen.get_by_text("韩梅").first).to_be_visible()
    await chen.get_by_role("button", name="提交申请").click()
    await expect(chen.get_by_text("申请已提交。")).to_be_visible()

    han = await house.phone_of("han")
    await han.goto("/me")
    await han.get_by_role("link", name=re.compile("申请加入“研发部-新品项目”")).first.click()
    await han.get_by_label("说明").fill("同意，请尽快熟悉项目")
    await han.get_by_role("button", name="同意", exact=True).click()
    await expect(han.get_by_text("您的决定已记录。")).to_be_visible()

    await chen.reload()
    await expect(chen.get_by_text("同意，请尽快熟悉项目")).to_be_visible()


async def test_personnel_publishes_and_an_employee_confirms(house: RealHouse, things: Furniture) -> None:
    """韩梅 scans the code on her computer, sees to how many it goes, and publishes; 陈晨 confirms on a phone."""
    han = await house.computer_of("han", "/console/announcements/new")
    await han.get_by_label("标题").fill("消防演练")
    await han.get_by_label("正文").fill("周五下午三点在一楼集合。")
    await han.get_by_role("checkbox", name=re.compile("^研发部 · ")).check()
    await han.get_by_role("button", name="看看会发给谁").click()
    await han.get_by_role("button", name=re.compile(r"^发布给 \d+ 人$")).click()
    await expect(han.get_by_text("已发布。")).to_be_visible()

    chen = await house.phone_of("chen")
    await chen.goto("/me")
    await chen.get_by_role("link", name=re.compile("消防演练")).click()
    await chen.get_by_role("button", name="确认收到").click()
    await expect(chen.get_by_text("已确认收到。")).to_be_visible()

    await han.reload()
    await expect(han.get_by_text(re.compile("已确认 1 / "))).to_be_visible()


async def test_without_scripts_it_works_too(house: RealHouse, things: Furniture) -> None:
    page = await house.phone_of("li", scripts=False)
    await page.goto("/me/apply/create_group")
    await page.get_by_label("查找").first.fill("cc")
    await page.get_by_role("button", name="查找").first.click()
    await expect(page.get_by_text("陈晨").first).to_be_visible()
    await page.goto(f"/me/tasks/{things.task}")
    await page.get_by_role("button", name="接受任务").click()
    await expect(page.get_by_text("已记录。")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "field"),
    [("/console/announcements/new", "people"), ("/console/access", "person"), ("/console/groups/{group}", "person")],
)
async def test_looking_for_people_finds_them_and_does_nothing_else(
    house: RealHouse, things: Furniture, path: str, field: str
) -> None:
    """As you type, with everything else filled in: the form is drawn again, and not carried out."""
    zhao = await house.computer_of("zhao")
    acted: list[int] = []
    zhao.on("response", lambda seen: acted.append(seen.status) if seen.request.method == "POST" else None)
    await zhao.goto(path.format(group=things.group))
    search = zhao.locator(f"input[name={field}_search]")
    await search.press_sequentially("lj")
    await zhao.get_by_label(re.compile("李军")).check()
    if field == "person":
        await zhao.locator("[name=reason]").fill("试验")
    await search.fill("")
    await search.press_sequentially("cc")
    await expect(zhao.get_by_label(re.compile("陈晨"))).to_be_visible()
    await expect(zhao.get_by_label(re.compile("李军"))).to_be_checked()
    assert set(acted) == {200}, "a redirect would say that it was done"


async def test_nothing_strayed(house: RealHouse, things: Furniture) -> None:
    """No script failed, no policy was broken, nothing was asked of another server: in all the tests above."""
    assert house.strays == []
