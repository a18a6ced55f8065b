"""Every page there is, in a real browser: axe-core in both languages, light and dark, wide and narrow; nothing sticks
out, nothing is cut off, no script complains.

The list comes from the routes (tests/pages/every_address.py). A page is loaded once in each language; its width and
its colours then change before one's eyes, as when a phone is turned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import text, update
from sqlmodel import col

from app.access import service as access
from app.audit.actor import SYSTEM
from app.database import transaction
from app.main import create_app
from models.approvals import Request
from models.org import Person, PersonStatus
from models.tasks import Task
from tests import databases
from tests.browser.axe import COLOURS, bring_axe, violations
from tests.browser.house import COMPUTER, PHONE, RealHouse, open_real_house
from tests.browser.layout import misplaced
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.pages.every_address import Ids, NothingToShow, every_address, pages_of
from tests.pages.everything import READER, everything
from tests.pages.furnished import Furniture
from tests.pages.much import make_much
from tests.pages.operations import let

LANGUAGES = ("zh-CN", "en-GB")


@pytest.fixture(scope="module")
async def house(server_url: str, template: str, browser: Browser) -> AsyncIterator[RealHouse]:
    async with (
        databases.clone(server_url, template) as url,
        open_real_house(browser, url, test_settings(), FakeClock()) as house,
    ):
        yield house


@pytest.fixture(scope="module")
async def stocked(house: RealHouse) -> tuple[Furniture, Ids]:
    return await everything(house.services, house.company)


async def look(page: Page) -> list[str]:
    """What is wrong with the page that is open, wide and narrow, light and dark."""
    await bring_axe(page)
    found = []
    for name, size in (("wide", COMPUTER), ("narrow", PHONE)):
        await page.set_viewport_size(size)  # type: ignore[arg-type]  # its sizes
        await page.emulate_media(color_scheme="light")
        found += [f"{name}: {fault}" for fault in [*await violations(page), *await misplaced(page)]]
        await page.emulate_media(color_scheme="dark")
        found += [f"{name}, dark: {fault}" for fault in await violations(page, COLOURS)]
    return found


async def faults_of(page: Page, addresses: list[str], *, status: int = 200) -> dict[str, list[str]]:
    faults = {}
    for address in addresses:
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == status, address
        if found := await look(page):
            faults[address] = found
    return faults


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_for_everybody(house: RealHouse, stocked: tuple[Furniture, Ids], language: str) -> None:
    _, ids = stocked
    addresses = every_address(create_app(house.services), ids)
    page = await house.phone_of(READER, language=language)
    assert await faults_of(page, addresses) == {}


async def test_numbers_and_times_stay_in_one_line(house: RealHouse, stocked: tuple[Furniture, Ids]) -> None:
    """A request has four digits after a year, and its column is the first that a phone makes narrow."""
    async with transaction(house.services.sessions) as session:
        await session.execute(update(Request).values(number=12345 + col(Request.number)))
        await session.execute(update(Task).values(number=12345 + col(Task.number)))
    console, own = await house.phone_of(READER), await house.phone_of("li")
    for page, address in (
        (console, "/console/requests"),
        (console, "/console/tasks"),
        (own, "/me/requests"),
        (own, "/me/tasks"),
        (own, "/me"),
    ):
        await page.goto(address)
        assert await page.locator("td.number, time").count(), address
        assert await misplaced(page) == []


def test_a_page_with_a_new_kind_of_id_is_noticed(house: RealHouse, stocked: tuple[Furniture, Ids]) -> None:
    _, ids = stocked
    app = create_app(house.services)
    assert len(pages_of(app)) > 50
    with pytest.raises(NothingToShow, match="task_id"):
        every_address(app, {name: some for name, some in ids.items() if name != "task_id"})


# ---------------------------------------------------------------- much, and nothing


async def where_it_is_misplaced(page: Page, addresses: list[str]) -> dict[str, list[str]]:
    faults = {}
    for address in addresses:
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        found = []
        for size in (PHONE, COMPUTER):
            await page.set_viewport_size(size)  # type: ignore[arg-type]  # its sizes
            found += [f"{size['width']}: {fault}" for fault in await misplaced(page)]
        if found:
            faults[address] = found
    return faults


async def test_two_thousand_rows_and_long_names_fit(server_url: str, template: str, browser: Browser) -> None:
    async with (
        databases.clone(server_url, template) as url,
        open_real_house(browser, url, test_settings(), FakeClock()) as house,
    ):
        things, ids = await everything(house.services, house.company)
        async with transaction(house.services.sessions) as session:
            await make_much(session, house.company, things)
        page = await house.phone_of(READER)
        assert await where_it_is_misplaced(page, every_address(create_app(house.services), ids)) == {}
        assert house.strays == []


async def test_nothing_at_all_says_what_would_be_there(server_url: str, template: str, browser: Browser) -> None:
    """The lists of a company on its first day: what would be here, in a sentence, and no empty table."""
    async with (
        databases.clone(server_url, template) as url,
        open_real_house(browser, url, test_settings(), FakeClock()) as house,
    ):
        await let(house.services, house.company, READER, "administrator")
        page = await house.phone_of(READER)
        app = create_app(house.services)
        lists = [path for path in pages_of(app) if "{" not in path]
        assert await where_it_is_misplaced(page, lists) == {}
        bare = []
        for path in lists:
            await page.goto(path)
            empty_tables = await page.locator("main table:not(:has(tbody tr))").count()
            if empty_tables or not await page.locator("main p, main form, main li").count():
                bare.append(path)
        assert bare == []
        assert house.strays == []


# ---------------------------------------------------------------- what only a form leads to


async def compose(page: Page) -> None:
    await page.goto("/console/announcements/new")
    await page.locator("[name=title]").fill("消防演练")
    await page.locator("[name=body]").fill("周五下午三点在一楼集合。")
    await page.locator("[name=departments]").first.check()
    await page.locator("[value=look]").click()
    await page.locator("[value=publish]").wait_for()


async def compose_nothing(page: Page) -> None:
    await page.goto("/console/announcements/new")
    await page.locator("form:has([value=look])").evaluate("form => { form.noValidate = true; }")
    await page.locator("[value=look]").click()
    await page.locator(".faults").wait_for()


async def change_the_policy(page: Page) -> None:
    await page.goto("/console/policy/new")
    source = page.locator("[name=source]")
    await source.fill((await source.input_value()).replace("default_deadline: 24h", "default_deadline: 12h"))
    await page.locator("[value=look]").click()
    await page.locator("[value=apply]").wait_for()


async def break_the_policy(page: Page) -> None:
    await page.goto("/console/policy/new")
    await page.locator("[name=source]").fill("title: [")
    await page.locator("[value=look]").click()
    await page.locator(".faults").wait_for()


async def a_key_without_a_name(page: Page) -> None:
    await page.goto("/console/keys/new")
    form = page.locator("form[action='/console/keys/new']")
    await form.evaluate("form => { form.noValidate = true; }")
    await form.locator("button").last.click()
    await page.locator(".faults").wait_for()


async def find_somebody(page: Page) -> None:
    await page.goto("/console/access")
    await page.locator("[name=person_search]").fill("陈晨")
    await page.locator("fieldset", has=page.locator("[name=person_search]")).locator("[value=find]").click()
    await page.locator("[name=person]").wait_for()


async def who_will_decide(page: Page) -> None:
    await page.goto("/me/apply/create_group")
    await page.locator("[name=name]").fill("研发部-验收")
    await page.locator("[name=purpose]").fill("协调新品上线")
    await page.locator("[value=look]").click()
    await page.locator("main section, .faults").first.wait_for()


Way = Callable[[Page], Awaitable[None]]
WAYS: tuple[Way, ...] = (
    compose,
    compose_nothing,
    change_the_policy,
    break_the_policy,
    a_key_without_a_name,
    find_somebody,
    who_will_decide,
)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_so_is_every_answer_to_a_form(house: RealHouse, stocked: tuple[Furniture, Ids], language: str) -> None:
    noted = len(house.strays)
    page = await house.computer_of(READER, language=language)
    faults = {}
    for way in WAYS:
        await page.set_viewport_size(COMPUTER)  # type: ignore[arg-type]  # its sizes
        await way(page)
        if found := await look(page):
            faults[way.__name__] = found
    assert faults == {}
    assert all("400" in one for one in house.strays[noted:]), house.strays[noted:]
    del house.strays[noted:]


# ---------------------------------------------------------------- who is turned away, and what goes wrong


async def sign_in_as(house: RealHouse, visitor: str, language: str) -> Page:
    """Somebody who scans the code; `openid` is nobody of the company."""
    page = await house.computer(language=language)
    await page.goto("/console")
    await page.goto(f"{page.url}&{visitor}")
    return page


async def turned_away(house: RealHouse, status: PersonStatus, language: str) -> Page:
    async with transaction(house.services.sessions) as session:
        li = col(Person.id) == house.company.li.id
        await session.execute(update(Person).where(li).values(status=status))
    try:
        return await sign_in_as(house, "sandbox_userid=li", language)
    finally:
        async with transaction(house.services.sessions) as session:
            await session.execute(update(Person).where(li).values(status=PersonStatus.ACTIVE))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_so_are_the_pages_for_those_who_are_turned_away(
    house: RealHouse, stocked: tuple[Furniture, Ids], language: str
) -> None:
    noted = len(house.strays)
    if language == LANGUAGES[0]:
        await house.platform.client.hire("fresh", "新来的")
    faults, titles = {}, set()
    outside = await house.phone_of("nobody", language=language)
    await outside.goto("/me")
    await outside.goto(f"{outside.url.partition('#')[0]}&sandbox_openid=o-visitor")
    pages = [outside, await sign_in_as(house, "sandbox_userid=fresh", language)]
    statuses = (PersonStatus.INVISIBLE, PersonStatus.NOT_ACTIVATED, PersonStatus.DISABLED, PersonStatus.LEFT)
    pages += [await turned_away(house, status, language) for status in statuses]
    nobody = await house.computer(language=language)
    for address in ("/sign-in/back?state=of-nobody", "/sign-in/kept?to=/me", "/sign-in/link/of-nobody", "/sign-in/no"):
        page = nobody if address == "/sign-in/no" else await nobody.context.new_page()
        await page.goto(address)
        pages.append(page)
    for page in pages:
        titles.add(await page.locator("h1").inner_text())
        if found := await look(page):
            faults[page.url] = found
    assert faults == {}
    assert len(titles) == len(pages), "each of them reads something else"
    assert all("403" in one or "404" in one or "410" in one for one in house.strays[noted:]), house.strays[noted:]
    del house.strays[noted:]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_so_are_errors_and_the_page_after_signing_out(
    house: RealHouse, stocked: tuple[Furniture, Ids], language: str
) -> None:
    noted = len(house.strays)
    li, wang = await house.phone_of("li", language=language), await house.phone_of(READER, language=language)
    assert await faults_of(li, ["/console/requests", "/console/keys"], status=403) == {}
    assert await faults_of(wang, ["/console/no", "/me/no", f"/me/requests/{house.company.li.id}"], status=404) == {}
    async with crashing(house):
        assert await faults_of(wang, ["/console/quota"], status=500) == {}
    await wang.goto("/me/account")
    await wang.locator("form[action='/sign-out'] button").click()
    assert await look(wang) == []
    del house.strays[noted:]


@asynccontextmanager
async def crashing(house: RealHouse) -> AsyncIterator[None]:
    """A table is away that a page needs."""
    for before, after in (("limit_settings", "limit_settings_away"), ("limit_settings_away", "limit_settings")):
        async with transaction(house.services.sessions) as session:
            await session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))
        if after.endswith("_away"):
            yield


async def test_the_link_of_the_first_administrator_is_such_a_page(
    server_url: str, template: str, browser: Browser
) -> None:
    async with (
        databases.clone(server_url, template) as url,
        open_real_house(browser, url, test_settings(), FakeClock()) as house,
    ):
        async with transaction(house.services.sessions) as session:
            now = house.services.clock.now()
            token = await access.create_link(session, house.company.zhao, actor=SYSTEM, now=now)
        for language in LANGUAGES:
            page = await house.computer(language=language)
            assert await faults_of(page, [f"/sign-in/link/{token}"]) == {}


async def test_nothing_strayed(house: RealHouse, stocked: tuple[Furniture, Ids]) -> None:
    """No script failed, no policy was broken, nothing was asked of another server: in all the tests above."""
    assert house.strays == []


# In CSS pixels, as a browser lays out for paper.
PAPERS = ((794, 1123), (1123, 794), (1587, 1123))


async def test_paper_holds_what_the_page_says(house: RealHouse, stocked: tuple[Furniture, Ids]) -> None:
    assert stocked
    page = await house.computer_of(READER, "/console/requests")
    await expect(page.locator("body.console")).to_be_visible()
    for width, height in PAPERS:
        await page.emulate_media(media="screen")
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(media="print")
        main = await page.locator("main").bounding_box()
        assert main is not None
        assert main["width"] > 0.9 * width, f"{width} x {height}"
        assert await page.locator(".bar, .tabs, .filters").locator("visible=true").count() == 0


async def test_what_is_folded_is_printed_open_and_folded_again(
    house: RealHouse, stocked: tuple[Furniture, Ids]
) -> None:
    assert stocked
    page = await house.computer_of(READER, "/me/account")
    folded = page.locator("details:not([open])")
    count = await folded.count()
    assert count
    await page.emulate_media(media="print")
    await expect(folded).to_have_count(0)
    await page.emulate_media(media="screen")
    await expect(folded).to_have_count(count)


@pytest.mark.parametrize("path", ["/console/audit", "/console/keys", "/console/doctor", "/console/access"])
async def test_where_one_is_stands_in_sight(house: RealHouse, stocked: tuple[Furniture, Ids], path: str) -> None:
    assert stocked
    page = await house.computer_of(READER, path)
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.reload()
    here = await page.locator(".bar nav [aria-current]").bounding_box()
    assert here is not None
    assert 0 <= here["y"] <= 800 - here["height"]
