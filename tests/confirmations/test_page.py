"""F197 on a page: somebody reads what is asked and answers it; who has nothing to do with it sees nothing."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.confirmations import service
from app.confirmations.service import Wish
from app.database import transaction
from app.dual_control import TwoPersonAct
from app.policy.document import default_source
from app.policy.service import in_force
from models.announcements import Announcement
from models.confirmations import Confirmation, ConfirmationState
from tests.company import HEADQUARTERS, RESEARCH
from tests.pages.conftest import house
from tests.pages.world import Browser, House

__all__ = ["house"]

NEXT = default_source() + "\n# 修订"


@pytest.fixture
async def asked(house: House) -> UUID:
    """韩梅 wants a new version of the policy; 孙宁 may confirm it."""
    now = house.clock.now()
    async with transaction(house.services.sessions) as session:
        wish = Wish(TwoPersonAct.POLICY_ACTIVATE, {"source": NEXT}, house.person("han"), "年度修订")
        row = (await service.ask(session, wish, now=now)).row
    return row.id


async def row_of(house: House, confirmation_id: UUID) -> Confirmation:
    async with transaction(house.services.sessions) as session:
        return await session.get_one(Confirmation, confirmation_id)


async def test_from_the_home_to_the_answer(house: House, asked: UUID) -> None:
    browser = await house.signed_in("sun")
    assert "请您作为第二人确认 · 韩梅 启用制度" in browser.text
    here = f"/me/confirmations/{asked}"
    await browser.get(here)
    assert "年度修订" in browser.text
    assert "# 修订" in browser.text
    assert browser.hidden(f"{here}/confirm")["digest"] == (await row_of(house, asked)).payload_digest.hex()
    await browser.send(f"{here}/confirm", {"comment": "已核对"})
    assert "已确认并执行" in browser.text
    row = await row_of(house, asked)
    assert (row.state, row.via, row.comment) == (ConfirmationState.CONFIRMED, "page", "已核对")
    async with transaction(house.services.sessions) as session:
        assert str((await in_force(session, now=house.clock.now())).id) == row.result
    await browser.get("/me")
    assert "启用制度" not in browser.text


async def test_another_content_than_the_page_showed_is_not_confirmed(house: House, asked: UUID) -> None:
    browser = await house.signed_in("sun")
    here = f"/me/confirmations/{asked}"
    await browser.get(here)
    page = await browser.send(f"{here}/confirm", {"digest": "0" * 64})
    assert page.status_code == 409
    assert "内容与提出时不符" in browser.text
    assert (await row_of(house, asked)).state is ConfirmationState.ASKED


async def test_the_asker_sees_that_it_waits_and_can_only_withdraw(house: House, asked: UUID) -> None:
    browser = await house.signed_in("han")
    here = f"/me/confirmations/{asked}"
    await browser.get("/me/confirmations")
    assert "启用制度 等另一人确认" in browser.text
    await browser.get(here)
    assert "同意并执行" not in browser.text
    digest = (await row_of(house, asked)).payload_digest.hex()
    hidden = browser.hidden(f"{here}/withdraw") | {"digest": digest}
    refused = await browser.post(f"{here}/confirm", hidden)
    assert refused.status_code == 403
    assert (await row_of(house, asked)).state is ConfirmationState.ASKED
    await browser.get(here)
    await browser.send(f"{here}/withdraw")
    assert (await row_of(house, asked)).state is ConfirmationState.WITHDRAWN


async def test_for_anybody_else_there_is_no_such_thing(house: House, asked: UUID) -> None:
    browser = await house.signed_in("li")
    assert (await browser.get(f"/me/confirmations/{asked}")).status_code == 404
    await browser.get("/me/confirmations")
    assert "没有需要两个人的操作" in browser.text


class TestToEverybody:
    """What goes to the whole company is published when another person has agreed."""

    async def sent(self, house: House, *departments: int) -> Browser:
        browser = await house.signed_in("han")
        await browser.get("/console/announcements/new")
        said: dict[str, Any] = {"title": "放假", "body": "明天放假", "message_class": "work", "step": "publish"}
        said |= {"departments": [str(one) for one in departments]}
        await browser.look_and_send("/console/announcements/new", said)
        return browser

    async def test_it_waits_for_a_second_person(self, house: House) -> None:
        browser = await self.sent(house, HEADQUARTERS)
        assert "等另一人确认" in browser.text
        assert await titles(house) == []
        second = await house.signed_in("sun")
        (link,) = re.findall(r'href="(/me/confirmations/[^"]+)"', second.page.text if second.page else "")
        await second.get(link)
        assert "接收人 5 人" in second.text  # as the button had said: without its author
        await second.send(f"{link}/confirm")
        assert await titles(house) == [("放假", house.person("han").id)]

    async def test_what_goes_to_a_part_does_not(self, house: House) -> None:
        await self.sent(house, RESEARCH)
        assert await titles(house) == [("放假", house.person("han").id)]


async def titles(house: House) -> list[tuple[str, UUID]]:
    async with transaction(house.services.sessions) as session:
        rows = await session.execute(select(col(Announcement.title), col(Announcement.author_id)))
        return [(row[0], row[1]) for row in rows]


async def test_the_second_person_sees_what_the_version_changes(house: House) -> None:
    before, after = "群按部门、项目、活动等分类，便于", "群按部门、项目、主题等分类，便于"
    source = default_source().replace(before, after)
    async with transaction(house.services.sessions) as session:
        wish = Wish(TwoPersonAct.POLICY_ACTIVATE, {"source": source}, house.person("han"), "年度修订")
        row = (await service.ask(session, wish, now=house.clock.now())).row
    browser = await house.signed_in("sun")
    await browser.get(f"/me/confirmations/{row.id}")
    assert before in browser.text  # the text in force, which stands in the differences alone
    assert after in browser.text
    assert "改为" in browser.text
