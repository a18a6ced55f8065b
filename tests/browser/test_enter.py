"""Enter in a line of a form: what a browser really presses then (tests/pages/test_looking_first.py reads the pages)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page
from sqlalchemy import func, select

from app.main import create_app
from models.audit import AuditEntry
from tests import databases
from tests.browser.house import RealHouse, open_real_house
from tests.fakes.clock import FakeClock
from tests.fakes.environment import test_settings
from tests.pages.every_address import every_address
from tests.pages.everything import READER, everything

LINES = "input:is([type=text], [type=search], [type=number], [type=date], [type=datetime-local], [type=time])"
TYPED = {"number": "50", "date": "2026-03-09", "datetime-local": "2026-03-09T12:00", "time": "12:00"}


@pytest.fixture
async def house(server_url: str, template: str, browser: Browser) -> AsyncIterator[RealHouse]:
    async with (
        databases.clone(server_url, template) as url,
        open_real_house(browser, url, test_settings(), FakeClock()) as house,
    ):
        yield house


async def entries(house: RealHouse) -> int:
    async with house.services.sessions() as session:
        return (await session.scalars(select(func.count()).select_from(AuditEntry))).one()


async def lines_of(page: Page) -> list[tuple[str, str]]:
    """Form and field, by their addresses and names, of every form that acts and has several buttons."""
    found = await page.evaluate(
        """(lines) => [...document.querySelectorAll("main form[method=post]")]
            .filter(form => form.querySelectorAll("button").length > 1)
            .flatMap(form => [...form.querySelectorAll(lines)]
                .map(line => `${form.getAttribute("action")} ${line.name}`))
        """,
        LINES,
    )
    return [(action, name) for action, _, name in (one.partition(" ") for one in found)]


async def test_acts_on_no_page(house: RealHouse) -> None:
    """Whoever types a line and presses Enter has done nothing: whatever acts is a button that somebody presses."""
    _, ids = await everything(house.services, house.company)
    page = await house.phone_of(READER)
    pressed = []
    for address in every_address(create_app(house.services), ids):
        await page.goto(address)
        for action, name in await lines_of(page):
            if action.startswith("/console/calendar/"):
                continue  # its first button changes the note of the day that was typed, and says so
            before = await entries(house)
            await page.goto(address)
            for report in await page.locator("details.report").all():
                await report.evaluate("it => it.open = true")
            line = page.locator(f'form[action="{action}"]').locator(f'[name="{name}"]').first
            await line.fill(TYPED.get(await line.get_attribute("type") or "text", "无"))
            await line.press("Enter")
            await page.wait_for_load_state("networkidle")
            assert await entries(house) == before, (address, action, name)
            pressed.append((action, name))
    assert len(pressed) >= 10
