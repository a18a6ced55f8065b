"""Whoever is signed in when the platform deletes, disables or renames them: their next click already knows (D20)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import transaction
from models.access import PersonSession
from tests.journeys.cast import CAST
from tests.journeys.world import Json, World, group_asked
from tests.pages.world import COMPUTER, SERVICE, Browser, Switch

PERSON = CAST.team[2]
NEW = "wang.meishi"

Change = Callable[[World, str], Awaitable[Any]]
GONE: dict[str, tuple[Change, str, str]] = {
    "deleted": (
        lambda world, userid: world.sandbox.delete_person(userid),
        "企业微信没有确认您的身份",
        "已停用或已注销",
    ),
    "disabled": (lambda world, userid: world.sandbox.disable(userid), "账号已停用", "请联系人力资源部"),
}
"""What an administrator does in WeCom, and what the page says then. Whom WeCom knows no more it vouches for no more."""


async def signed_in(world: World, userid: str, **more: Any) -> Browser:
    transport = Switch(service=httpx.ASGITransport(world.app, raise_app_exceptions=False), platform=world.line)
    http = httpx.AsyncClient(transport=transport, timeout=30)
    world.stack.push_async_callback(http.aclose)
    browser = Browser(http, userid, **more)
    page = await browser.get("/me")
    assert page.status_code == 200, page.text
    return browser


async def come_back(browser: Browser, code: Json) -> httpx.Response:
    """With a code that the client got while the platform still gave it one."""
    page = await browser.get("/sign-in?to=/me", follows=False)
    [state] = parse_qs(urlsplit(page.headers["location"]).query)["state"]
    return await browser.get(f"/sign-in/back?state={state}&code={code['code']}")


async def lets_in(browser: Browser, address: str = "/me") -> bool:
    """Whether the session that the browser has is enough."""
    page = await browser.get(address, follows=False)
    assert page.status_code == 200 or page.headers["location"].startswith("/sign-in?")
    return page.status_code == 200


async def endings(world: World) -> list[str]:
    """Why sessions have ended."""
    async with transaction(world.services.sessions) as session:
        ended = select(col(PersonSession.ended_because)).where(col(PersonSession.ended_at).is_not(None))
        return [str(because) for because in await session.scalars(ended)]


async def decision_open(world: World, browser: Browser) -> tuple[Json, str, dict[str, str]]:
    """A request that waits for this person, and the form of their decision as it stands on the page."""
    request = await world.apply("create_group", CAST.applicant, group_asked())
    await world.settled()
    page = f"/me/requests/{request['id']}"
    assert (await browser.get(page)).status_code == 200
    return request, f"{page}/decide", browser.hidden(f"{page}/decide") | {"verdict": "approve"}


@pytest.mark.parametrize("how", GONE)
class TestWhoIsGone:
    async def test_every_session_of_theirs_ends_and_nobody_elses(self, world: World, how: str) -> None:
        phone, computer = await signed_in(world, PERSON), await signed_in(world, PERSON, user_agent=COMPUTER)
        colleague = await signed_in(world, CAST.team[0])
        await GONE[how][0](world, PERSON)
        await world.settled()
        assert [await lets_in(one) for one in (phone, computer, colleague)] == [False, False, True]
        assert await endings(world) == ["departed", "departed"]

    async def test_their_next_click_says_what_to_do(self, world: World, how: str) -> None:
        go, *told = GONE[how]
        phone = await signed_in(world, PERSON)
        code = await world.sandbox.authorize(PERSON, f"{SERVICE}/sign-in/back", agent_id=world.platform.config.agent_id)
        await go(world, PERSON)
        await world.settled()
        page = await come_back(phone, code)
        assert page.status_code == 403
        assert [words for words in told if words not in phone.text] == []
        assert not await lets_in(phone)

    async def test_what_they_had_open_does_nothing_any_more(self, world: World, how: str) -> None:
        head = await signed_in(world, CAST.head)
        request, address, form = await decision_open(world, head)
        await GONE[how][0](world, CAST.head)
        await world.settled()
        page = await head.post(address, form, follows=False)
        assert (page.status_code, page.headers["location"].partition("?")[0]) == (303, "/sign-in")
        seen = await world.get(f"/requests/{request['id']}")
        assert seen["state"] == "pending"
        assert [decision for step in seen["steps"] for decision in step["decisions"]] == []


async def test_what_was_open_would_have_done_it(world: World) -> None:
    """The same form from somebody who is still here."""
    head = await signed_in(world, CAST.head)
    request, address, form = await decision_open(world, head)
    assert (await head.post(address, form)).status_code == 200
    [decision] = (await world.get(f"/requests/{request['id']}"))["steps"][0]["decisions"]
    assert decision["verdict"] == "approve"


async def test_whoever_is_enabled_again_signs_in_anew(world: World) -> None:
    phone = await signed_in(world, PERSON)
    await world.sandbox.disable(PERSON)
    await world.settled()
    await world.sandbox.enable(PERSON)
    await world.settled()
    assert not await lets_in(phone), "the session has ended, not slept"
    assert (await phone.get("/me")).status_code == 200
    assert await lets_in(phone)


async def test_whoever_is_renamed_stays_signed_in_under_the_new_name(world: World) -> None:
    """F23: a renamed userid is the same person, with what is theirs and what they had open."""
    head = await signed_in(world, CAST.head)
    request, address, form = await decision_open(world, head)
    await head.get("/me/account")
    assert CAST.head in head.text
    await world.sandbox.rename_userid(CAST.head, NEW)
    await world.settled()
    assert await lets_in(head, "/me/account")
    assert NEW in head.text
    assert CAST.head not in head.text
    assert await endings(world) == []
    assert (await head.post(address, form)).status_code == 200
    [decision] = (await world.get(f"/requests/{request['id']}"))["steps"][0]["decisions"]
    assert decision["person"] == NEW
    assert await lets_in(head, f"/me/requests/{request['id']}")
