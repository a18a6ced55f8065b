"""What browsers send that no page asked them for: odd letters, huge numbers, late forms, addresses of nothing."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col
from starlette.routing import Mount

from app.announcements import service as announcements
from app.announcements.service import AudienceWanted, Draft
from app.audit.actor import person_actor
from app.bootstrap import REGISTRY
from app.confirmations import service as confirmations
from app.confirmations.service import Wish
from app.database import transaction
from app.dual_control import TwoPersonAct
from app.pages import route
from models.access import PersonSession
from models.confirmations import Confirmation, ConfirmationState
from tests.builders import groups
from tests.company import HEADQUARTERS, RESEARCH
from tests.pages.every_address import routes_of
from tests.pages.operations import let
from tests.pages.world import SERVICE, Browser, House

NUMBERS = ("²", "٣", "9" * 30, "9" * 60, str(2**63), "-1", "0")
POLLS = {"steward-poll": "yes", "hx-request": "true"}


@pytest.fixture
async def administrator(house: House) -> Browser:
    await let(house.services, house.company, "chen", "administrator")
    return await house.signed_in("chen")


class TestNumbers:
    async def test_of_a_department_that_a_group_is_for(self, house: House) -> None:
        browser = await house.signed_in("li")
        await browser.get("/me/apply/create_group")
        for number in NUMBERS:
            for step in ("look", "submit"):
                fields = {"department_id": number, "name": "新品", "type": "project", "step": step}
                page = await browser.send("/me/apply/create_group", fields)
                assert 400 <= page.status_code < 500, (number, step)

    async def test_of_a_department_that_an_announcement_is_for(self, administrator: Browser) -> None:
        for number in NUMBERS:
            for step in ("look", "publish"):
                await administrator.get("/console/announcements/new")
                fields = {"title": "放假", "body": "明天", "message_class": "work", "departments": number, "step": step}
                page = await administrator.send("/console/announcements/new", fields)
                assert 400 <= page.status_code < 500, (number, step)

    async def test_of_a_department_that_a_grant_is_for(self, administrator: Browser) -> None:
        for number in NUMBERS:
            await administrator.get("/console/access")
            fields = {"person": "li", "bundle": "it", "reach": "department", "department": number, "reason": "测试"}
            page = await administrator.send("/console/access", fields)
            assert page.status_code in {400, 422}, number
            assert "范围不对" in administrator.text, number

    async def test_of_a_department_that_a_key_acts_for(self, house: House, administrator: Browser) -> None:
        await let(house.services, house.company, "zhao", "administrator")
        for number in NUMBERS:
            await administrator.get("/console/keys/new")
            fields = {"name": "报表", "scopes": "org:read", "act_as": "departments", "departments": number}
            page = await administrator.send("/console/keys/new", fields)
            assert 400 <= page.status_code < 500, number


class TestLetters:
    @pytest.mark.parametrize("letter", ["\0", "\x1b", "\x85"])
    async def test_no_filter_takes_control_characters(self, administrator: Browser, letter: str) -> None:
        for page in REGISTRY.pages.values():
            for name in ("name", "kind", "q", "type", "state", "userid"):
                answer = await administrator.get(f"{page.path}?{name}=a{quote(letter)}", follows=False)
                assert answer.status_code in {403, 404}, (page.path, name)
                assert answer.headers["content-type"].startswith("text/html")

    async def test_nor_does_an_address(self, administrator: Browser) -> None:
        for address in ("/console/quota/a%00", "/console/audit%00", "/me/apply/join%00", "/sign-in/link/a%00"):
            assert (await administrator.get(address, follows=False)).status_code == 404

    async def test_a_form_is_read_without_them(self, house: House, administrator: Browser) -> None:
        await let(house.services, house.company, "zhao", "administrator")
        await administrator.get("/console/keys/new")
        await administrator.send("/console/keys/new", {"name": "报\0表\x1b", "scopes": "org:read"})
        async with house.services.sessions() as session:
            (asked,) = await session.scalars(select(Confirmation))
        assert asked.payload["name"] == "报表"

    async def test_lines_stay(self, house: House, administrator: Browser) -> None:
        await administrator.get("/console/announcements/new")
        fields = {"title": "放假", "body": "一\0\r\n\t二", "message_class": "work", "people": "li", "step": "publish"}
        await administrator.look_and_send("/console/announcements/new", fields)
        assert "已发布。" in administrator.text
        assert administrator.page is not None
        assert "一\r\n\t二" in administrator.page.text


class TestAddressesOfNothing:
    async def test_no_kind_of_request(self, house: House) -> None:
        browser = await house.signed_in("li")
        await browser.get("/me/apply/create_group")
        fields = browser.hidden("/me/apply/create_group") | {"step": "submit"}
        page = await browser.post("/me/apply/nope", fields)
        assert page.status_code == 404
        assert "没有这种申请" in browser.text

    @pytest.mark.parametrize(
        "address",
        [
            "/me/nope",
            "/me/",
            "/console/nope/further",
            "/sign-in/nope",
            "/sign-in/language",
            "/sign-out",
            "/me/account/sessions/1",
            "/console/keys/01890000-0000-7000-8000-000000000000/end",
        ],
    )
    async def test_they_are_told_by_a_page(self, house: House, address: str) -> None:
        for browser in (house.browser(""), await house.signed_in("li")):
            page = await browser.get(address, follows=False)
            assert page.status_code == 404
            assert "没有这个页面" in browser.text
            assert page.headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]

    async def test_so_is_a_form_to_nowhere(self, house: House) -> None:
        page = await house.browser("").post("/console/nope", {}, follows=False)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")

    @pytest.mark.parametrize("address", ["/api/v1/nope", "/metrics/nope", "/nope", "/meeting"])
    async def test_programs_are_answered_as_ever(self, house: House, address: str) -> None:
        page = await house.browser("").get(address, follows=False)
        assert page.headers["content-type"].startswith("application/problem+json")


class TestPeopleAtTheDoor:
    """A person who types the name of the service, or an address of nothing, reads a page; programs read a document."""

    ASKS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    async def ask(self, house: House, address: str, accept: str, method: str = "GET") -> httpx.Response:
        headers = {"accept": accept, "accept-language": "zh-CN"}
        return await house.browser("").http.request(method, f"{SERVICE}{address}", headers=headers)

    async def test_the_name_alone_leads_to_the_first_page(self, house: House) -> None:
        answer = await self.ask(house, "/", self.ASKS)
        assert (answer.status_code, answer.headers["location"]) == (303, "/me")
        assert (await self.ask(house, "/", "*/*")).headers["content-type"].startswith("application/problem+json")

    @pytest.mark.parametrize("address", ["/nope", "/meeting", "/nope/further?a=1", "/index.html", "//evil.test/me"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_an_address_of_nothing_is_told_by_a_page(self, house: House, address: str, method: str) -> None:
        answer = await self.ask(house, address, self.ASKS, method)
        assert answer.status_code == 404
        assert "没有这个页面" in answer.text
        assert 'href="/me"' in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]

    @pytest.mark.parametrize("first", sorted(route.FOR_PROGRAMS))
    async def test_where_only_programs_go_it_stays_a_document(self, house: House, first: str) -> None:
        answer = await self.ask(house, f"/{first}/nope/nope", self.ASKS)
        assert answer.status_code == 404
        assert not answer.headers["content-type"].startswith("text/html")

    def test_every_other_address_is_one_of_people(self, house: House) -> None:
        firsts = {path.split("/")[1] for path, _ in routes_of(house.app.routes)}
        firsts |= {one.path.split("/")[1] for one in house.app.routes if isinstance(one, Mount)}
        ours = {page.face for page in REGISTRY.pages.values()} | {"sign-in", "sign-out", "WW_verify_{random}.txt"}
        assert firsts - ours - route.FOR_PROGRAMS - {"openapi.json"} == set()


class TestFurtherPages:
    """The address of a further page that is broken or too old: people read of a page, and of no cursor."""

    @pytest.mark.parametrize("cursor", ["x", "W10", "bm8", "%F0%9F%92%A9", "WzEsMiwzXQ"])
    @pytest.mark.parametrize(
        "address",
        ["/console/groups?name=a", "/console/people?sort=name", "/console/audit?kind=group", "/me/requests?list=done"],
    )
    async def test_they_lead_to_the_first(self, administrator: Browser, address: str, cursor: str) -> None:
        page = await administrator.get(f"{address}&cursor={cursor}", follows=False)
        assert page.status_code == 400
        assert "这个页码无效" in administrator.text
        assert "cursor" not in page.text
        assert f'href="{address}">回到第一页' in page.text
        assert (await administrator.get(address, follows=False)).status_code == 200


class TestPolls:
    async def test_they_are_no_visits(self, house: House, administrator: Browser) -> None:
        path = await _published(house)
        page = await administrator.get(path)
        assert """hx-headers='{"steward-poll": "yes"}'""" in page.text
        idle = house.services.settings.session_idle
        for _ in range(3):
            seen = await _seen(house)
            house.clock.advance(idle / 4)
            assert (await _poll(administrator, path)).status_code == 200
            assert await _seen(house) == seen
        house.clock.advance(idle / 4 + timedelta(seconds=1))
        over = await _poll(administrator, path)
        assert (over.status_code, over.headers["hx-reswap"]) == (286, "none")
        assert (await administrator.get(path, follows=False)).status_code == 303


class TestTheSecondPerson:
    async def test_confirms_only_what_was_seen(self, house: House) -> None:
        row, browser = await _asked(house)
        here = f"/me/confirmations/{row.id}"
        await browser.get(here)
        for digest in ("", "x", "0" * 63):
            page = await browser.send(f"{here}/confirm", {"digest": digest})
            assert page.status_code == 409, digest
            assert (await _again(house, row)).state is ConfirmationState.ASKED
        await browser.send(f"{here}/confirm")
        assert (await _again(house, row)).state is ConfirmationState.CONFIRMED

    async def test_an_unknown_word_answers_nothing(self, house: House) -> None:
        row, browser = await _asked(house)
        here = f"/me/confirmations/{row.id}"
        await browser.get(here)
        page = await browser.post(f"{here}/nope", browser.hidden(f"{here}/confirm"))
        assert page.status_code == 404
        assert (await _again(house, row)).state is ConfirmationState.ASKED

    async def test_reads_until_when_a_key_works(self, house: House) -> None:
        row, browser = await _asked(house)
        await browser.get(f"/me/confirmations/{row.id}")
        assert "有效期至 2026-12-31 23:59" in browser.text

    async def test_reads_whom_an_announcement_is_for(self, house: House) -> None:
        now, wang, chen = house.clock.now(), house.person("wang"), house.person("chen")
        async with transaction(house.services.sessions) as session:
            group = await groups.group(session, "新品项目", owner=wang, members=[chen], now=now)
            audience = {"departments": [HEADQUARTERS, RESEARCH], "groups": [str(group.id)], "people": ["wang"]}
            wish = {"title": "放假", "body": "明天放假", "class": "work", "audience": audience}
            wanted = Wish(TwoPersonAct.ANNOUNCE_TO_EVERYBODY, wish, house.person("han"))
            row = (await confirmations.ask(session, wanted, now=now)).row
        browser = await house.signed_in("sun")
        await browser.get(f"/me/confirmations/{row.id}")
        assert "星辰科技及其下级；研发部及其下级；群“新品项目”；王芳" in browser.text


async def _asked(house: House) -> tuple[Confirmation, Browser]:
    """赵 wants a key; 陈晨 may confirm it."""
    for userid in ("chen", "zhao"):
        await let(house.services, house.company, userid, "administrator")
    payload = {"name": "报表", "scopes": ["org:read"], "expires_at": "2026-12-31T15:59:00Z"}
    async with transaction(house.services.sessions) as session:
        wish = Wish(TwoPersonAct.KEY_CREATE, payload, house.person("zhao"))
        row = (await confirmations.ask(session, wish, now=house.clock.now())).row
    return row, await house.signed_in("chen")


async def _again(house: House, row: Confirmation) -> Confirmation:
    async with house.services.sessions() as session:
        return await session.get_one(Confirmation, row.id)


async def _published(house: House) -> str:
    han = house.person("han")
    async with transaction(house.services.sessions) as session:
        draft = Draft("放假", "明天放假", "work", AudienceWanted(people=["li"]))
        row = await announcements.publish(session, draft, author=han, actor=person_actor(han.id), now=house.clock.now())
    return f"/console/announcements/{row.id}"


async def _poll(browser: Browser, path: str) -> httpx.Response:
    return await browser.http.get(f"{SERVICE}{path}", headers=POLLS)


async def _seen(house: House) -> list[object]:
    async with house.services.sessions() as session:
        return list(await session.scalars(select(col(PersonSession.seen_at)).order_by(col(PersonSession.id))))
