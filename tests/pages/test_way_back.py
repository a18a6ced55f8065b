"""Every page, and every answer to a form, knows the address that opens it: its filters, and no address of a form."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import pytest

from app.pages.visit import CAME_FROM
from models.ids import new_id
from tests.pages.every_address import Ids, every_address, routes_of
from tests.pages.every_form import DrawnForm, forms_in, posted_in
from tests.pages.everything import READER, everything
from tests.pages.test_walk import forms_of
from tests.pages.world import SERVICE, Browser, House

LANGUAGE = "/sign-in/language"
ENDS = {"/sign-out", LANGUAGE}
LISTS = (
    "/console/groups?name=新品&type=project",
    "/me/groups?list=directory",
    "/console/audit?action=request",
)


@dataclass
class Full:
    house: House
    ids: Ids
    browser: Browser


@pytest.fixture(scope="module")
async def full(shared_house: House) -> Full:
    _, ids = await everything(shared_house.services, shared_house.company)
    return Full(shared_house, ids, await shared_house.signed_in(READER))


def language_form(html: str) -> DrawnForm | None:
    return next((one for one in forms_in(html) if one.action == LANGUAGE), None)


async def test_every_form_that_is_drawn_says_which_page_it_stands_on(full: Full) -> None:
    """And when it is refused, the language and every list of the answer lead to pages that open."""
    browser, tried = full.browser, set()
    for address in every_address(full.house.app, full.ids):
        page = await browser.get(address, follows=False)
        for form in posted_in(page.text):
            if form.action not in ENDS:
                assert form.hidden[CAME_FROM] == address, form.action
                await _refuse(browser, form)
                tried.add(form.action)
    assert len(tried) > 20


async def _refuse(browser: Browser, form: DrawnForm) -> None:
    fields = {name: value for name, value in form.hidden.items() if name != "form_id"}
    answer = await browser.post(form.action, fields, follows=False)
    assert 200 <= answer.status_code < 500, form.action
    found = language_form(answer.text)
    assert found is not None, form.action
    assert found.hidden[CAME_FROM] == form.hidden[CAME_FROM], form.action
    ways = {found.hidden[CAME_FROM], *(one.action for one in forms_in(answer.text) if one.method == "get")}
    for way in ways:
        opened = await browser.get(way, follows=False)
        assert opened.status_code == 200, (form.action, way)


async def test_so_does_the_answer_to_a_form_that_does_not_say_it(full: Full) -> None:
    """Every route that takes forms, with an id of nobody and with one of somebody."""
    browser = full.browser
    await browser.get("/me/account")
    token = browser.hidden("/sign-out")["form_token"]
    posts = {path for path, methods in routes_of(full.house.app.routes) if "POST" in methods}
    known = {
        path.format(**{name: some[0] for name, some in full.ids.items()}) for path in posts if _is_known(path, full)
    }
    drawn = 0
    for address in sorted(known | set(forms_of(full.house))):
        answer = await browser.post(address, {"form_token": token, "step": "submit"}, follows=False)
        assert 200 <= answer.status_code < 500, address
        found = language_form(answer.text)
        if found is not None:
            drawn += 1
            opened = await browser.get(found.hidden[CAME_FROM], follows=False)
            assert opened.status_code == 200, (address, found.hidden[CAME_FROM])
    assert drawn > 15


def _is_known(path: str, full: Full) -> bool:
    names = {part[1:-1] for part in path.split("/") if part.startswith("{")}
    return path.startswith(("/me", "/console")) and names <= set(full.ids)


@pytest.mark.parametrize("address", LISTS)
async def test_another_language_keeps_the_filters(full: Full, address: str) -> None:
    browser = full.browser
    await browser.get(address)
    answer = await browser.send(LANGUAGE, {"language": "en"}, follows=False)
    asked = browser.went[-2]
    back = await browser.get(answer.headers["location"], follows=False)
    assert back.status_code == 200
    assert back.request.url == answer.request.url.join(asked)
    assert 'lang="en"' in back.text
    await browser.send(LANGUAGE, {"language": "zh"})


async def test_what_was_said_is_said_once(full: Full) -> None:
    browser = full.browser
    await browser.get(f"/console/groups?name=a&said={new_id()}")
    assert browser.hidden(LANGUAGE)[CAME_FROM] == "/console/groups?name=a"


@pytest.mark.parametrize("odd", ["https://evil.test/me", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""])
async def test_no_form_leads_elsewhere(full: Full, odd: str) -> None:
    browser = full.browser
    await browser.get("/console/groups")
    answer = await browser.send(LANGUAGE, {"language": "zh", CAME_FROM: odd}, follows=False)
    assert answer.headers["location"] == "/me"
    await browser.get("/console/groups")
    fields = browser.hidden("/console/groups/reconcile") | {CAME_FROM: odd, "form_id": ""}
    answer = await browser.post("/console/groups/reconcile", fields, follows=False)
    assert answer.status_code == 400
    assert browser.hidden(LANGUAGE)[CAME_FROM] == "/console/groups"


class TestLateForms:
    @pytest.mark.parametrize("address", ["/me/apply/join", "/console/keys/new", LANGUAGE])
    async def test_one_signs_in_and_comes_back_to_the_page_that_the_form_was_on(self, full: Full, address: str) -> None:
        came_from = "/console/groups?name=a"
        answer = await full.house.browser("").post(
            address, {CAME_FROM: came_from, "language": "en"}, follows=False, referer=f"{SERVICE}/me/elsewhere"
        )
        assert answer.headers["location"] == f"/sign-in?to={quote(came_from, safe='')}"

    @pytest.mark.parametrize("odd", ["", "https://evil.test/me", "//evil.test", "/me\\@evil.test"])
    @pytest.mark.parametrize(
        ("address", "home"), [("/me/apply/join", "/me/apply"), ("/console/keys/new", "/console/keys")]
    )
    async def test_from_elsewhere_one_comes_to_the_page_of_the_act(
        self, full: Full, odd: str, address: str, home: str
    ) -> None:
        answer = await full.house.browser("").post(address, {CAME_FROM: odd}, follows=False)
        assert answer.headers["location"] == f"/sign-in?to={quote(home, safe='')}"


async def test_a_form_that_is_not_taken_leads_back_to_its_page(full: Full) -> None:
    fields = {CAME_FROM: "/console/groups?name=a", "form_token": "x"}
    answer = await full.browser.post("/console/groups/reconcile", fields, follows=False)
    assert answer.status_code == 403
    assert 'href="/console/groups?name=a">返回刚才的页面' in answer.text


async def test_a_key_that_is_shown_once_is_not_lost_to_another_language(full: Full) -> None:
    """Its page answers a form: there is no address that would show it again."""
    browser = full.browser
    await browser.get("/console/keys/new")
    page = await browser.send("/console/keys/new", {"name": "报表二", "scopes": "groups:read"})
    assert "密钥已创建" in page.text
    assert language_form(page.text) is None
