"""Whoever loses a phone is signed out everywhere, by a program or by an administrator, and the trail says by whom."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app import addresses
from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.database import transaction
from app.permissions import Reach
from models.access import PersonSession
from models.audit import AuditDetail, AuditEntry
from tests.company import PERSONNEL, RESEARCH, answer
from tests.pages.conftest import house
from tests.pages.world import COMPUTER, Browser, House
from tests.web.conftest import client_of

__all__ = ["house"]

SESSIONS = "/members/li/sessions"


async def let(house: House, userid: str, bundle: str = "administrator", **more: Any) -> None:
    wanted = Wanted(house.person(userid), bundle, "试验", **more)
    async with transaction(house.services.sessions) as session:
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=house.clock.now())


async def program(house: House, *scopes: str) -> httpx.AsyncClient:
    async with transaction(house.services.sessions) as session:
        _, key = await access.create_key(
            session, name="安全平台", scopes=list(scopes), actor=SYSTEM, now=house.clock.now()
        )
    return client_of(house.app, key)


async def is_signed_in(browser: Browser) -> bool:
    return (await browser.get("/me", follows=False)).status_code == 200


async def endings(house: House) -> list[tuple[str, Any]]:
    """Who ended sessions, and why."""
    async with transaction(house.services.sessions) as session:
        ended = (
            select(col(AuditEntry.actor_kind), col(AuditEntry.actor_id), col(AuditDetail.details))
            .join(AuditDetail, col(AuditDetail.entry_id) == col(AuditEntry.id))
            .where(col(AuditEntry.action) == "session.ended")
            .order_by(col(AuditEntry.id))
        )
        return [(f"{kind}:{number}", told["because"]) for kind, number, told in await session.execute(ended)]


class TestByAProgram:
    async def test_listed_and_ended(self, house: House) -> None:
        phone, computer = await house.signed_in("li"), await house.signed_in("li", user_agent=COMPUTER)
        other = await house.signed_in("chen")
        async with await program(house, "admin:write") as http:
            items = (await answer(http.get(SESSIONS)))["items"]
            assert [one["way"] for one in items] == ["desktop", "client"]
            assert {"token", "token_hash", "person_id"} & set(items[0]) == set()
            assert await answer(http.delete(SESSIONS)) == {"ended": 2}
            assert (await answer(http.get(SESSIONS)))["items"] == []
            assert await answer(http.delete(SESSIONS)) == {"ended": 0}
        assert [await is_signed_in(one) for one in (phone, computer, other)] == [False, False, True]
        assert [(actor.partition(":")[0], because) for actor, because in await endings(house)] == [
            ("api_key", "ended_for_them")
        ] * 2

    async def test_in_pages(self, house: House) -> None:
        for _ in range(3):
            await house.signed_in("li")
        async with await program(house, "admin:read") as http:
            first = await answer(http.get(SESSIONS, params={"limit": 2}))
            rest = await answer(http.get(SESSIONS, params={"limit": 2, "cursor": first["next_cursor"]}))
        assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)

    @pytest.mark.parametrize("scopes", [["admin:read"], ["org:write", "personal:read"]])
    async def test_not_without_the_scope(self, house: House, scopes: list[str]) -> None:
        li = await house.signed_in("li")
        async with await program(house, *scopes) as http:
            await answer(http.delete(SESSIONS), 403)
        assert await is_signed_in(li)

    async def test_of_nobody(self, house: House) -> None:
        async with await program(house, "admin:write") as http:
            for call in (http.get("/members/nobody/sessions"), http.delete("/members/nobody/sessions")):
                assert (await answer(call, 404))["type"] == "/problems/member-not-found"


class TestOnThePage:
    async def test_an_administrator_ends_them(self, house: House) -> None:
        await let(house, "zhao")
        li, zhao = await house.signed_in("li"), await house.signed_in("zhao", user_agent=COMPUTER)
        here = addresses.console_person(house.person("li").id)
        await zhao.get(here)
        assert "登录的地方" in zhao.text
        assert "企业微信本身的登录不受影响" in zhao.text
        await zhao.send_seen(f"{here}/sessions/end")
        assert "此人的登录已全部结束。" in zhao.text
        assert "没有在任何地方登录。" in zhao.text
        assert not await is_signed_in(li)
        assert await is_signed_in(zhao)
        assert await endings(house) == [(f"person:{house.person('zhao').id}", "ended_for_them")]

    async def test_who_signs_in_anew_is_in_again(self, house: House) -> None:
        """What ended is the session, not the account."""
        await let(house, "zhao")
        li, zhao = await house.signed_in("li"), await house.signed_in("zhao")
        here = addresses.console_person(house.person("li").id)
        await zhao.get(here)
        await zhao.send_seen(f"{here}/sessions/end")
        assert (await li.get("/me")).status_code == 200

    async def test_over_a_department_those_in_it(self, house: House) -> None:
        await let(house, "chen", reach=Reach.DEPARTMENT, place=str(RESEARCH))
        await let(house, "chen", "auditor", reach=Reach.DEPARTMENT, place=str(PERSONNEL))
        li, sun, chen = [await house.signed_in(userid) for userid in ("li", "sun", "chen")]
        inside, outside = [addresses.console_person(house.person(userid).id) for userid in ("li", "sun")]
        await chen.get(outside)
        assert chen.page is not None
        assert chen.page.status_code == 200
        assert "登录的地方" not in chen.text
        await chen.get(inside)
        hidden = chen.hidden(f"{inside}/sessions/end")
        assert (await chen.post(f"{outside}/sessions/end", hidden)).status_code == 404
        assert await is_signed_in(sun)
        await chen.get(inside)
        await chen.send_seen(f"{inside}/sessions/end")
        assert not await is_signed_in(li)

    async def test_not_by_who_only_looks(self, house: House) -> None:
        """王芳 heads 李军, and grants nothing."""
        li, wang = await house.signed_in("li"), await house.signed_in("wang")
        here = addresses.console_person(house.person("li").id)
        assert (await wang.get(here)).status_code == 200
        assert "登录的地方" not in wang.text
        await wang.get("/me/account")
        token = wang.hidden("/sign-out")
        assert (await wang.post(f"{here}/sessions/end", token)).status_code == 403
        assert await is_signed_in(li)


async def test_what_is_kept_of_them_says_why(house: House) -> None:
    await house.signed_in("li")
    async with transaction(house.services.sessions) as session:
        await access.end_for(session, house.person("li").id, by=SYSTEM, now=house.clock.now())
    async with transaction(house.services.sessions) as session:
        assert (await session.scalars(select(col(PersonSession.ended_because)))).one() == "ended_for_them"
