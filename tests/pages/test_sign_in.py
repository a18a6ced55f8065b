"""A person is who WeCom says (D20): the way there and back, who is turned away, and what cannot be forged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.access import service as access
from app.access.sign_in.attempts import LIFETIME, own_path
from app.audit.actor import SYSTEM
from app.database import transaction
from app.pages.security import form_token
from models.access import PersonSession, SignInAttempt
from models.org import Person, PersonStatus
from tests.fakes.clock import MONDAY_9AM
from tests.pages.world import COMPUTER, SERVICE, Browser, House


class TestTheWay:
    async def test_inside_the_client_nobody_is_asked_anything(self, house: House) -> None:
        browser = await house.signed_in("li")
        assert "李军" in browser.text
        assert any("/connect/oauth2/authorize" in address for address in browser.went)

    async def test_on_a_computer_the_code_is_scanned(self, house: House) -> None:
        browser = await house.signed_in("li", user_agent=COMPUTER)
        assert "李军" in browser.text
        assert any("/wwlogin/sso/login" in address for address in browser.went)

    async def test_one_comes_to_the_page_that_was_asked_for(self, house: House) -> None:
        browser = house.browser("li")
        await browser.get("/me/account?tab=1")
        assert browser.went[-1] == f"{SERVICE}/me/account?tab=1"

    async def test_signed_in_once_the_platform_is_not_asked_again(self, house: House) -> None:
        browser = await house.signed_in("li")
        browser.went.clear()
        await browser.get("/me")
        assert browser.went == [f"{SERVICE}/me"]

    async def test_nobody_who_is_not_signed_in_sees_anything(self, house: House) -> None:
        page = await house.browser("").get("/me", follows=False)
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in?to=%2Fme")
        assert page.text == ""


class TestWhoIsTurnedAway:
    """Each gets a page that says what to do, and nobody goes round."""

    async def test_somebody_who_is_no_member(self, house: House) -> None:
        browser = house.browser("o-visitor")
        page = await browser.get("/me")
        assert page.status_code == 403
        assert "仅限企业成员使用" in browser.text

    @pytest.mark.parametrize(
        ("status", "title"),
        [
            (PersonStatus.INVISIBLE, "您不在应用的可见范围内"),
            (PersonStatus.NOT_ACTIVATED, "账号还没有激活"),
            (PersonStatus.DISABLED, "账号已停用"),
            (PersonStatus.LEFT, "账号已注销"),
        ],
    )
    async def test_somebody_who_may_not_act(self, house: House, status: PersonStatus, title: str) -> None:
        await become(house, "li", status)
        browser = house.browser("li")
        page = await browser.get("/me")
        assert page.status_code == 403
        assert title in browser.text

    async def test_somebody_whom_no_sync_has_read(self, house: House) -> None:
        await house.platform.client.hire("fresh", "新来的")
        browser = house.browser("fresh")
        await browser.get("/me")
        assert "还没有您的资料" in browser.text
        assert "重新登录" in browser.text

    async def test_somebody_of_a_linked_corp(self, house: House) -> None:
        house.platform.line.rewrites["auth/getuserinfo"] = lambda _, body: body | {"userid": "wwother/li"}
        browser = house.browser("li")
        await browser.get("/me")
        assert "您属于关联企业" in browser.text

    async def test_somebody_who_does_not_agree(self, house: House) -> None:
        browser = house.browser("li", user_agent=COMPUTER)
        page = await browser.get("/sign-in?to=/me", follows=False)
        state = state_of(page.headers["location"])
        await browser.get(f"/sign-in/back?state={state}")
        assert "您没有同意登录" in browser.text

    async def test_a_browser_that_keeps_no_cookie_ends_at_a_page(self, house: House) -> None:
        browser = house.browser("li", keeps_cookies=False)
        page = await browser.get("/me")
        assert page.status_code == 403
        assert "登录没有完成" in browser.text

    async def test_a_browser_that_loses_only_the_session_ends_at_a_page(self, house: House) -> None:
        browser = house.browser("li")
        page = await browser.get("/sign-in/kept?to=/me")
        assert page.status_code == 403
        assert "浏览器没有保存登录" in browser.text

    async def test_while_the_platform_is_away_one_reads_so(self, house: House) -> None:
        browser = house.browser("li")
        page = await browser.get("/sign-in?to=/me", follows=False)
        state = state_of(page.headers["location"])
        house.platform.line.is_cut = True
        page = await browser.get(f"/sign-in/back?state={state}&code=any")
        assert page.status_code == 503
        assert "企业微信暂时没有回应" in browser.text

    async def test_english_readers_read_english(self, house: House) -> None:
        browser = house.browser("o-visitor", language="en-GB,en;q=0.9")
        await browser.get("/me")
        assert "For members of the company only" in browser.text


class TestWhatCannotBeForged:
    async def test_a_state_is_used_once(self, house: House) -> None:
        browser = await house.signed_in("li")
        back = next(address for address in browser.went if "/sign-in/back" in address)
        page = await browser.get(back)
        assert page.status_code == 403
        assert "登录没有完成" in browser.text

    async def test_a_state_belongs_to_its_browser(self, house: House) -> None:
        """Whoever gets somebody to open their own link would sign them in as themselves."""
        attacker = house.browser("li")
        page = await attacker.get("/sign-in?to=/me", follows=False)
        location = page.headers["location"]
        answer = await house.platform.client.authorize(
            "li", f"{SERVICE}/sign-in/back", state=state_of(location), agent_id=house.platform.config.agent_id
        )
        victim = house.browser("chen")
        page = await victim.get(answer["location"])
        assert page.status_code == 403
        assert "session" not in " ".join(victim.http.cookies)

    async def test_a_state_of_nobody(self, house: House) -> None:
        browser = house.browser("li")
        page = await browser.get("/sign-in/back?state=" + "a" * 48 + "&code=stolen")
        assert page.status_code == 403

    async def test_a_state_lives_for_minutes(self, house: House) -> None:
        browser = house.browser("li")
        page = await browser.get("/sign-in?to=/me", follows=False)
        house.clock.advance(LIFETIME + timedelta(seconds=1))
        await browser.get(f"/sign-in/back?state={state_of(page.headers['location'])}&code=any")
        assert "登录没有完成" in browser.text

    async def test_whoever_only_goes_away_leaves_nothing(self, house: House) -> None:
        """A page that is reloaded, and a program that keeps no cookies."""
        browser, program = house.browser("li"), house.browser("li", keeps_cookies=False)
        for _ in range(5):
            await browser.get("/sign-in?to=/me", follows=False)
            await program.get("/sign-in?to=/me", follows=False)
        async with house.services.sessions() as session:
            assert (await session.scalars(select(SignInAttempt))).all() == []

    async def test_every_tab_comes_to_its_page(self, house: House) -> None:
        """Two pages of an old session, opened at once: neither takes the other's way."""
        browser = house.browser("li")
        first = (await browser.get("/sign-in?to=/me/tasks", follows=False)).headers["location"]
        await browser.get("/sign-in?to=/me/groups", follows=False)
        await browser.get(first)
        assert browser.went[-1] == f"{SERVICE}/me/tasks"

    async def test_nobody_makes_a_state_for_a_browser_without_a_cookie(self, house: House) -> None:
        """Sealed with nothing it would be anybody's: whoever follows the link would be signed in as its maker."""
        made = access.begin_attempt(browser="", way=access.Way.CLIENT, return_path="/me", now=house.clock.now())
        victim = house.browser("chen")
        page = await victim.get(f"/sign-in/back?state={made.state}&code=any")
        assert page.status_code == 403
        assert "登录没有完成" in victim.text

    @pytest.mark.parametrize("place", [0, 5, 30, 60, 100])
    async def test_a_state_that_was_touched(self, house: House, place: int) -> None:
        browser = house.browser("li")
        state = state_of((await browser.get("/sign-in?to=/me", follows=False)).headers["location"])
        other = "d" if state[place] != "d" else "c"
        await browser.get(f"/sign-in/back?state={state[:place]}{other}{state[place + 1 :]}&code=any")
        assert "登录没有完成" in browser.text

    async def test_of_two_at_once_one_comes_in(self, house: House) -> None:
        made = access.begin_attempt(browser="b", way=access.Way.CLIENT, return_path="/me", now=house.clock.now())

        async def spend() -> access.Attempt | None:
            async with transaction(house.services.sessions) as session:
                return await access.spend_attempt(
                    session, state=made.state, browser="b", return_path="/me", now=house.clock.now()
                )

        spent = await asyncio.gather(spend(), spend())
        assert [one is not None for one in spent].count(True) == 1

    @pytest.mark.parametrize("path", ["//evil.test/", "https://evil.test/", "/\\evil.test"])
    async def test_the_way_back_leads_nowhere_else(self, house: House, path: str) -> None:
        browser = house.browser("li")
        location = (await browser.get("/sign-in?to=/me", follows=False)).headers["location"]
        await browser.get(location.replace(quote("to=%2Fme", safe=""), quote(f"to={quote(path, safe='')}", safe="")))
        assert browser.went[-1] == f"{SERVICE}/me"

    def test_a_state_is_one_that_wecom_takes(self) -> None:
        """Letters and digits, 128 at most (callbacks §6.1)."""
        for way in (access.Way.CLIENT, access.Way.DESKTOP):
            made = access.begin_attempt(browser=access.new_token(), way=way, return_path="/me", now=MONDAY_9AM)
            assert made.state.isascii()
            assert made.state.isalnum()
            assert len(made.state) <= 128

    async def test_a_code_that_the_platform_refuses(self, house: House) -> None:
        browser = house.browser("li")
        await refused(browser)
        assert "企业微信没有确认您的身份" in browser.text

    @pytest.mark.parametrize("status", [PersonStatus.LEFT, PersonStatus.DISABLED])
    async def test_whoever_has_left_reads_that_signing_in_again_cannot_help(
        self, house: House, status: PersonStatus
    ) -> None:
        """WeCom vouches for no member whom it has deleted: their own cookie says who they were."""
        browser = await house.signed_in("li")
        await become(house, "li", status)
        await refused(browser)
        assert "重新登录没有用" in browser.text
        assert "请联系人力资源部" in browser.text

    async def test_strangers_learn_nothing_of_who_has_left(self, house: House) -> None:
        await house.signed_in("li")
        await become(house, "li", PersonStatus.LEFT)
        stranger = house.browser("li")
        await refused(stranger)
        assert "重新登录没有用" not in stranger.text
        assert "请联系人力资源部" in stranger.text, "what to do when it goes on"

    async def test_who_is_still_here_is_asked_to_sign_in_again(self, house: House) -> None:
        browser = await house.signed_in("li")
        await end_sessions(house, "li")
        await refused(browser)
        assert "请重新登录一次" in browser.text
        assert "重新登录没有用" not in browser.text

    async def test_a_form_of_a_browser_without_a_cookie(self, house: House) -> None:
        """Everybody can make the token that belongs to nothing."""
        async with transaction(house.services.sessions) as session:
            token = await access.create_link(session, house.person("zhao"), actor=SYSTEM, now=house.clock.now())
        page = await house.browser("").post(f"/sign-in/link/{token}", {"form_token": form_token("")})
        assert page.status_code == 403

    async def test_a_token_that_is_no_ascii(self, house: House) -> None:
        browser = await house.signed_in("li")
        await browser.get("/me/account")
        page = await browser.send("/sign-out", {"form_token": "令牌"})
        assert page.status_code == 403
        assert "这个表单不是从本页面提交的" in browser.text

    async def test_a_session_brought_along_is_not_the_one_that_begins(self, house: House) -> None:
        """Fixation: whoever planted a cookie does not know the one that counts."""
        browser = house.browser("li")
        browser.http.cookies.set("steward_session", "planted", domain="steward.test")
        await browser.get("/me")
        assert browser.http.cookies.get("steward_session", domain="steward.test") != "planted"

    @pytest.mark.parametrize(
        "path",
        [
            "https://evil.test/",
            "//evil.test/",
            "/\\evil.test",
            "\\\\evil.test",
            "/\t/evil.test",
            "javascript:alert(1)",
            "///evil.test",
            "me",
            "",
            "/" + "a" * 2_000,
            "http:evil.test",
            "//[evil",
        ],
    )
    def test_nobody_is_sent_elsewhere(self, path: str) -> None:
        assert own_path(path, otherwise="/me") == "/me"

    def test_own_pages_are_kept(self) -> None:
        assert own_path("/me/requests/1?said=2#a", otherwise="/me") == "/me/requests/1?said=2#a"

    async def test_an_address_elsewhere_leads_home(self, house: House) -> None:
        browser = house.browser("li")
        await browser.get("/sign-in?to=//evil.test/")
        assert browser.went[-1] == f"{SERVICE}/me"


class TestSessions:
    async def test_a_leaver_sees_nothing_any_more(self, house: House) -> None:
        browser = await house.signed_in("li")
        await become(house, "li", PersonStatus.LEFT)
        page = await browser.get("/me", follows=False)
        assert page.status_code == 303

    async def test_a_renamed_account_keeps_its_session(self, house: House) -> None:
        browser = await house.signed_in("li")
        async with transaction(house.services.sessions) as session:
            person = await session.get(Person, house.person("li").id)
            assert person is not None
            person.name = "李军军"
        await browser.get("/me")
        assert "李军军" in browser.text

    async def test_it_ends_when_nobody_comes(self, house: House) -> None:
        browser = await house.signed_in("li")
        house.clock.advance(house.services.settings.session_idle + timedelta(seconds=1))
        assert (await browser.get("/me", follows=False)).status_code == 303

    async def test_it_lives_on_while_somebody_comes(self, house: House) -> None:
        browser = await house.signed_in("li")
        for _ in range(3):
            house.clock.advance(house.services.settings.session_idle - timedelta(minutes=1))
            assert (await browser.get("/me", follows=False)).status_code == 200

    async def test_it_ends_at_last_however_often_somebody_comes(self, house: House) -> None:
        browser = await house.signed_in("li")
        lived = timedelta()
        while lived < house.services.settings.session_longest:
            house.clock.advance(timedelta(hours=11))
            lived += timedelta(hours=11)
            page = await browser.get("/me", follows=False)
        assert page.status_code == 303

    async def test_signing_out_ends_it(self, house: House) -> None:
        browser = await house.signed_in("li")
        kept = browser.http.cookies.get("steward_session", domain="steward.test")
        await browser.get("/me/account")
        await browser.send("/sign-out")
        assert "您已退出" in browser.text
        browser.http.cookies.set("steward_session", str(kept), domain="steward.test")
        assert (await browser.get("/me", follows=False)).status_code == 303

    async def test_one_ends_ones_session_elsewhere(self, house: House) -> None:
        phone, computer = await house.signed_in("li"), await house.signed_in("li", user_agent=COMPUTER)
        await phone.get("/me/account")
        assert "Chrome（Windows）" in phone.text
        assert phone.page is not None
        address = phone.page.text.split('action="/me/account/sessions/')[1].split('"')[0]
        await phone.send(f"/me/account/sessions/{address}")
        assert "那里的登录已结束" in phone.text
        assert (await computer.get("/me", follows=False)).status_code == 303
        assert (await phone.get("/me", follows=False)).status_code == 200

    async def test_signing_in_ends_what_the_browser_had(self, house: House) -> None:
        """Somebody else takes over the computer while the page of the first is open."""
        browser = await house.signed_in("li")
        kept = str(browser.http.cookies.get("steward_session", domain="steward.test"))
        browser.http.cookies.delete("steward_session", domain="steward.test")
        page = await browser.get("/sign-in?to=/me", follows=False)
        browser.userid = "chen"
        browser.http.cookies.set("steward_session", kept, domain="steward.test")
        await browser.get(page.headers["location"])
        assert "陈晨" in browser.text
        async with house.services.sessions() as session:
            rows = list(await session.scalars(select(PersonSession).order_by(col(PersonSession.id))))
        assert [(row.person_id, row.ended_because) for row in rows] == [
            (house.person("li").id, "replaced"),
            (house.person("chen").id, None),
        ]

    async def test_so_does_the_first_administrators_link(self, house: House) -> None:
        browser = await house.signed_in("li")
        async with transaction(house.services.sessions) as session:
            token = await access.create_link(session, house.person("zhao"), actor=SYSTEM, now=house.clock.now())
        await browser.get(f"/sign-in/link/{token}")
        await browser.send(f"/sign-in/link/{token}")
        async with house.services.sessions() as session:
            rows = list(await session.scalars(select(PersonSession).order_by(col(PersonSession.id))))
        assert [row.ended_because for row in rows] == ["replaced", None]

    async def test_nobody_ends_somebody_elses(self, house: House) -> None:
        li, chen = await house.signed_in("li"), await house.signed_in("chen")
        second = await house.signed_in("chen", user_agent=COMPUTER)
        await chen.get("/me/account")
        assert chen.page is not None
        address = chen.page.text.split('action="/me/account/sessions/')[1].split('"')[0]
        await li.get("/me/account")
        page = await li.post(f"/me/account/sessions/{address}", li.hidden("/sign-out"))
        assert page.status_code == 404
        assert (await second.get("/me", follows=False)).status_code == 200


class TestTheFirstAdministratorsLink:
    async def test_it_opens_no_form_when_there_is_an_administrator(self, house: House) -> None:
        async with transaction(house.services.sessions) as session:
            now = house.clock.now()
            token = await access.create_link(session, house.person("li"), actor=SYSTEM, now=now)
            wanted = access.Wanted(house.person("zhao"), "administrator", "系统管理员")
            await access.grant(session, wanted, actor=SYSTEM, authority=None, now=now)
        browser = house.browser("li")
        page = await browser.get(f"/sign-in/link/{token}")
        assert page.status_code == 409
        assert "已有系统管理员：赵总" in browser.text
        assert "<form" not in page.text.partition("<main")[2]


class TestTheDomain:
    async def test_the_ownership_file_is_served_as_named(self, house: House) -> None:
        house.app.state.services = with_domain_files(house, "WW_verify_AbC123.txt,WW_verify_X.txt")
        page = await house.browser("").get("/WW_verify_AbC123.txt")
        assert (page.text, page.headers["content-type"]) == ("AbC123", "text/plain; charset=utf-8")

    async def test_no_other_file_is(self, house: House) -> None:
        assert (await house.browser("").get("/WW_verify_AbC123.txt")).status_code == 404


def state_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["state"][0]


async def become(house: House, userid: str, status: PersonStatus) -> None:
    async with transaction(house.services.sessions) as session:
        person = await session.get(Person, house.person(userid).id)
        assert person is not None
        person.status = status


async def end_sessions(house: House, userid: str) -> None:
    async with transaction(house.services.sessions) as session:
        await access.end_for(session, house.person(userid).id, by=SYSTEM, now=house.clock.now())


async def refused(browser: Browser) -> None:
    """Come back with a code that WeCom does not take."""
    page = await browser.get("/sign-in?to=/me", follows=False)
    page = await browser.get(f"/sign-in/back?state={state_of(page.headers['location'])}&code=forged")
    assert page.status_code == 403


def with_domain_files(house: House, names: str) -> object:

    wecom = house.services.settings.wecom.model_copy(update={"domain_files": names})
    return replace(house.services, settings=house.services.settings.model_copy(update={"wecom": wecom}))
