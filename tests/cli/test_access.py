"""`steward access`: the first administrator's link, grants, and who may do what and why (D20, D21)."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from app.bootstrap import REGISTRY
from app.database import create_engine, create_sessions, transaction
from app.settings import Settings
from tests.cli.conftest import Steward
from tests.company import SIX, found
from tests.fakes.clock import FakeClock
from tests.pages.world import COMPUTER, Browser, open_house


@pytest.fixture
async def staffed(steward: Steward, database: str) -> Steward:
    """The company works there, and the default policy is in force."""
    engine = create_engine(database)
    async with transaction(create_sessions(engine, registry=REGISTRY)) as session:
        await found(session, SIX)
    await engine.dispose()
    return steward


class TestTheFirstAdministrator:
    async def test_the_link_lets_them_in_once(self, steward: Steward, database: str, settings: Settings) -> None:
        """Without WeCom: nobody could grant anything before."""
        async with open_house(database, FakeClock(datetime.now(UTC)), settings) as house:
            made = (await steward("access", "link", "zhao", "--json")).json()
            path = httpx.URL(made["url"]).path
            browser = house.browser("", user_agent=COMPUTER)
            page = await browser.get(path)
            assert page.status_code == 200
            assert "以 赵总 的身份登录" in browser.text
            await use(browser, path)
            assert browser.went[-1].endswith("/console")
            assert "授权" in browser.text
            again = house.browser("", user_agent=COMPUTER)
            assert (await again.get(path)).status_code == 410
            assert "链接已失效" in again.text
            ran = await steward("access", "link", "wang")
            assert ran.code == 1
            assert "赵总" in ran.err

    async def test_a_preview_of_the_link_spends_nothing(
        self, steward: Steward, database: str, settings: Settings
    ) -> None:
        async with open_house(database, FakeClock(datetime.now(UTC)), settings) as house:
            path = httpx.URL((await steward("access", "link", "zhao", "--json")).json()["url"]).path
            for _ in range(3):
                await house.browser("").get(path)
            browser = house.browser("")
            await browser.get(path)
            await use(browser, path)
            assert browser.went[-1].endswith("/console")

    async def test_nobody_sends_it_from_elsewhere(self, steward: Steward, database: str, settings: Settings) -> None:
        async with open_house(database, FakeClock(datetime.now(UTC)), settings) as house:
            path = httpx.URL((await steward("access", "link", "zhao", "--json")).json()["url"]).path
            browser = house.browser("")
            page = await browser.post(path, {"form_token": "forged"}, origin="https://evil.test", sec_fetch_site="")
            assert page.status_code == 403

    async def test_somebody_unknown(self, staffed: Steward) -> None:
        ran = await staffed("access", "link", "nobody")
        assert ran.code == 1
        assert "nobody" in ran.err


async def use(browser: Browser, path: str) -> None:
    await browser.send(path)


class TestGrants:
    async def test_granted_explained_and_revoked(self, staffed: Steward) -> None:
        assert (await staffed("access", "grant", "li", "auditor", "--reason", "年度审计")).code == 0
        (row,) = (await staffed("access", "list", "--json")).json()
        assert (row["person"], row["bundle"], row["reach"], row["reason"]) == ("li", "auditor", "company", "年度审计")
        explained = (await staffed("access", "explain", "li", "--json")).json()
        assert {one["bundle"] for one in explained} == {"employee", "colleague", "auditor"}
        assert next(one["because"] for one in explained if one["bundle"] == "auditor").startswith(
            "因为服务的管理员授予"
        )
        assert (await staffed("access", "revoke", row["id"])).code == 0
        assert (await staffed("access", "list", "--json")).json() == []

    async def test_the_last_administrators_are_revoked_with_a_word_on_what_now(self, staffed: Steward) -> None:
        assert (await staffed("access", "grant", "li", "administrator", "--reason", "接手")).code == 0
        assert (await staffed("access", "grant", "wang", "administrator", "--reason", "接手")).code == 0
        first, last = (await staffed("access", "list", "--json")).json()
        assert "steward access link" not in (await staffed("access", "revoke", first["id"])).out
        assert (
            "请用 steward access link <账号> 指定新的系统管理员" in (await staffed("access", "revoke", last["id"])).out
        )

    async def test_a_head_is_explained_by_what_they_are(self, staffed: Steward) -> None:
        explained = (await staffed("access", "explain", "wang", "--json")).json()
        assert "因为王芳是研发部负责人" in {one["because"] for one in explained}

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("li", "king"), "没有可以授予的权限组"),
            (("li", "it", "--department", "4711"), "范围不对"),
            (("li", "it", "--until", "2020-01-01"), "截止日期应在将来"),
        ],
    )
    async def test_what_cannot_be_granted_is_said(
        self, staffed: Steward, arguments: tuple[str, ...], says: str
    ) -> None:
        ran = await staffed("access", "grant", *arguments, "--reason", "试验")
        assert ran.code == 1
        assert says in ran.err
