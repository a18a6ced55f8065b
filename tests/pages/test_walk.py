"""Three roles walk over every page and every id: what a list hides, a detail refuses, and the other way round (D21)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.database import transaction
from app.manifest import Page
from models.ids import new_id
from tests.pages.every_address import routes_of
from tests.pages.furnished import Furniture, furnish
from tests.pages.world import Browser, House

ROLES = ("li", "wang", "han", "sun", "zhao")
"""An employee, the head of research, the head of personnel, a colleague of hers with the tag of the role `hr`, and
the president, to whom IT was granted.
"""

LISTS = {
    "requests": "/console/requests",
    "groups": "/console/groups",
    "announcements": "/console/announcements",
    "tasks": "/console/tasks",
    "people": "/console/people",
    "departments": "/console/departments",
}


@dataclass
class Walk:
    house: House
    things: Furniture
    browsers: dict[str, Browser]

    def ids(self) -> dict[str, list[str]]:
        things = self.things
        return {
            "requests": [str(things.join)],
            "groups": [str(things.group), str(things.confidential)],
            "announcements": [str(things.to_research), str(things.to_personnel)],
            "tasks": [str(things.task)],
            "people": [str(person.id) for person in self.house.company.people.values()],
            "departments": ["1", "2", "3"],
        }


@pytest.fixture(scope="module")
async def walk(shared_house: House) -> Walk:
    house, now = shared_house, shared_house.clock.now()
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=now)
        wanted = Wanted(house.company.zhao, "it", "负责系统运行")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=now)
    return Walk(house, things, {userid: await house.signed_in(userid) for userid in ROLES})


@pytest.mark.parametrize("userid", ROLES)
@pytest.mark.parametrize("page", list(REGISTRY.pages.values()), ids=lambda page: page.path)
async def test_every_page_opens_for_whom_it_is(walk: Walk, page: Page, userid: str) -> None:
    async with transaction(walk.house.services.sessions) as session:
        person = walk.house.company.people[userid]
        authority = await access.authority_of(session, person, now=walk.house.clock.now())
    counting = authority.beyond_own() if page.face == "console" else authority
    may = page.permission is None or counting.holds(page.permission)
    answer = await walk.browsers[userid].get(page.path, follows=False)
    assert answer.status_code == (200 if may else 403), answer.text


@pytest.mark.parametrize("userid", ROLES)
@pytest.mark.parametrize("kind", LISTS)
async def test_a_list_shows_what_its_pages_show(walk: Walk, kind: str, userid: str) -> None:
    browser = walk.browsers[userid]
    listing = await browser.get(LISTS[kind], follows=False)
    shown = set(re.findall(rf'href="{LISTS[kind]}/([^"?/]+)"', listing.text)) if listing.status_code == 200 else set()
    for one in walk.ids()[kind]:
        detail = await browser.get(f"{LISTS[kind]}/{one}", follows=False)
        assert (detail.status_code == 200) == (one in shown), (kind, one, detail.status_code, sorted(shown))


@pytest.mark.parametrize("userid", ROLES)
@pytest.mark.parametrize("kind", ["requests", "announcements", "tasks", "groups"])
async def test_what_is_of_others_reads_like_what_does_not_exist(walk: Walk, kind: str, userid: str) -> None:
    browser = walk.browsers[userid]
    nothing = await browser.get(f"/me/{kind}/{new_id()}", follows=False)
    assert nothing.status_code == 404
    for one in walk.ids()[kind]:
        page = await browser.get(f"/me/{kind}/{one}", follows=False)
        assert page.status_code in {200, 404}
        if page.status_code == 404:
            assert browser.text.replace(one, "") == _text_of(nothing.text, browser)


def _text_of(html: str, browser: Browser) -> str:
    kept, browser.page = browser.page, type("Page", (), {"text": html})()
    try:
        return browser.text
    finally:
        browser.page = kept


def forms_of(house: House) -> list[str]:
    """The address of every form of the pages, with an id of nobody in it."""
    found = [path for path, methods in routes_of(house.app.routes) if "POST" in methods]
    ours = [path for path in found if path.startswith(("/me", "/console"))]
    return [re.sub(r"\{[^}]+\}", str(new_id()), path) for path in ours]


async def test_no_form_is_taken_from_elsewhere(walk: Walk) -> None:
    """CSRF: on every act of every page, with a session and without our token, or from another site."""
    browser = walk.browsers["han"]
    addresses = forms_of(walk.house)
    assert len(addresses) > 10
    for address in addresses:
        forged = await browser.post(address, {"form_id": str(new_id()), "step": "submit"}, follows=False)
        assert forged.status_code in {403, 404}, (address, forged.status_code)
        await browser.get("/me/account")
        token = browser.hidden("/sign-out")["form_token"]
        fields = {"form_token": token, "form_id": str(new_id()), "step": "submit"}
        elsewhere = {"origin": "https://evil.test", "sec_fetch_site": "cross-site"}
        foreign = await browser.post(address, fields, follows=False, **elsewhere)
        assert foreign.status_code in {403, 404}, (address, foreign.status_code)


async def test_no_act_without_a_session(walk: Walk) -> None:
    browser = walk.house.browser("")
    for address in forms_of(walk.house):
        answer = await browser.post(address, {}, follows=False)
        assert answer.status_code in {303, 404}, address
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/sign-in?to=")


async def test_every_page_says_who_may_frame_and_keep_it(walk: Walk) -> None:
    """Clickjacking, inline scripts, and caches that keep private pages."""
    browser = walk.browsers["han"]
    for page in REGISTRY.pages.values():
        answer = await browser.get(page.path, follows=False)
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "<script>" not in answer.text
        assert not re.search(r'\sstyle="|\son\w+="', answer.text)
