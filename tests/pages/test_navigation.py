"""The navigation links what opens, and nothing else: the whole company is for who holds it there (D21)."""

from __future__ import annotations

import re

import httpx
import pytest

from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.database import transaction
from app.manifest import Page
from app.permissions import Reach
from tests.pages.world import Browser, House

CONSOLE = [page for page in REGISTRY.pages.values() if page.face == "console" and page.place is not None]
WHOLE = [page for page in CONSOLE if page.whole_company]
METHODS = ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND")
ADDRESSES = ("/me", "/me/requests", "/console", "/console/keys", "/console/nope", "/sign-in", "/sign-out", "/me/nope")


async def with_bundle(house: House, bundle: str, reach: Reach, place: str = "") -> Browser:
    async with transaction(house.services.sessions) as session:
        wanted = Wanted(house.company.chen, bundle, "试验", reach, place)
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=house.clock.now())
    return await house.signed_in("chen")


def linked(answer: httpx.Response) -> set[str]:
    """Every address of a page of the console that stands on this one."""
    return set(re.findall(r'href="(/console[^"?#]*)"', answer.text))


@pytest.mark.parametrize("bundle", ["administrator", "it", "auditor"])
class TestWhoHoldsADepartment:
    async def test_sees_no_way_to_what_does_not_open(self, house: House, bundle: str) -> None:
        browser = await with_bundle(house, bundle, Reach.DEPARTMENT, "2")
        ways = linked(await browser.get("/console"))
        assert "/console/people" in ways
        for page in CONSOLE:
            status = (await browser.get(page.path, follows=False)).status_code
            assert status == (200 if page.path in ways else 403), page.path

    async def test_does_not_come_to_the_whole_company(self, house: House, bundle: str) -> None:
        browser = await with_bundle(house, bundle, Reach.DEPARTMENT, "2")
        for page in WHOLE:
            assert (await browser.get(page.path, follows=False)).status_code == 403, page.path

    async def test_comes_there_with_all_of_it(self, house: House, bundle: str) -> None:
        browser = await with_bundle(house, bundle, Reach.COMPANY)
        ways = linked(await browser.get("/console"))
        assert ways >= {page.path for page in WHOLE if opens(house, bundle, page)}


def opens(house: House, bundle: str, page: Page) -> bool:
    return page.permission in access.bundles_of(house.company.policy.document)[bundle].permissions


async def test_what_is_about_the_whole_company_says_so() -> None:
    names = {page.name for page in WHOLE}
    assert names >= {"keys", "access", "audit", "trace", "settings", "doctor", "deliveries", "calls", "callbacks"}
    assert not names & {"people", "departments", "groups", "requests", "tasks", "announcements"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_page_answers_a_browser_like_a_program(house: House, method: str, address: str) -> None:
    browser = await house.signed_in("li")
    answer = await browser.http.request(method, f"http://steward.test{address}")
    assert answer.status_code == 405
    assert answer.headers["content-type"].startswith("text/html")
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]
    if method != "HEAD":
        assert "请回到页面上再试" in answer.text


async def test_programs_are_answered_like_programs(house: House) -> None:
    answer = await house.browser("").http.request("PATCH", "http://steward.test/api/v1/groups")
    assert answer.status_code == 405
    assert not answer.headers["content-type"].startswith("text/html")
