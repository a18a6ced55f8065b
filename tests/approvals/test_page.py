"""A decision on a page counts for the step that the page showed (style of pages: what is stale is never applied)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import person_actor
from app.database import transaction
from app.settings import Settings
from models.approvals import Decision, Request, RequestState
from tests.builders import groups
from tests.builders.groups import said_of
from tests.fakes.clock import FakeClock
from tests.pages.world import Browser, House, open_house


@pytest.fixture
async def house(database: str, clock: FakeClock, settings: Settings) -> AsyncIterator[House]:
    async with open_house(database, clock, settings) as house:
        yield house


async def applied(house: House) -> str:
    """孙宁 asks to join a group; 韩梅 heads her department and is human resources: two steps ask her."""
    async with transaction(house.services.sessions) as session:
        sun = house.company.sun
        group = await groups.group(session, "研发部-联调", owner=house.company.wang, group_type="department")
        payload = {"group_id": str(group.id), **said_of("join")}
        application = Application("join", sun, payload, submitted_by=person_actor(sun.id), reason="参加联调")
        made = await approvals.submit(session, application, now=house.clock.now())
        return f"/me/requests/{made.id}"


async def decisions(house: House) -> list[str]:
    async with house.services.sessions() as session:
        return [str(one) for one in await session.scalars(select(col(Decision.verdict)).order_by(col(Decision.id)))]


async def state(house: House) -> RequestState:
    async with house.services.sessions() as session:
        return (await session.scalars(select(Request))).one().state


async def opened(house: House, userid: str, page: str) -> tuple[Browser, dict[str, str]]:
    browser = await house.signed_in(userid)
    await browser.get(page)
    return browser, browser.hidden(f"{page}/decide")


class TestAnotherStep:
    async def test_what_was_drawn_for_one_step_decides_no_other(self, house: House) -> None:
        page = await applied(house)
        first, agree = await opened(house, "han", page)
        second, refuse = await opened(house, "han", page)
        await first.post(f"{page}/decide", agree | {"verdict": "approve"})
        assert "您的决定已记录。" in first.text
        assert await state(house) is RequestState.PENDING, "the next step waits for her too"
        answer = await second.post(f"{page}/decide", refuse | {"verdict": "reject"})
        assert answer.status_code == 409
        assert "您打开页面之后，这份申请已到另一步" in second.text
        assert "韩梅" in second.text
        assert await decisions(house) == ["approve"]
        assert await state(house) is RequestState.PENDING

    async def test_the_page_says_that_it_is_another_step(self, house: House) -> None:
        page = await applied(house)
        browser, fields = await opened(house, "han", page)
        said = "前面的步骤您已经办过"
        assert said not in browser.text
        await browser.post(f"{page}/decide", fields | {"verdict": "approve"})
        assert said in browser.text
        await browser.send(f"{page}/decide", {"verdict": "approve"})
        assert await decisions(house) == ["approve", "approve"]
        assert await state(house) is RequestState.APPROVED

    async def test_a_decision_names_its_step(self, house: House) -> None:
        page = await applied(house)
        browser, fields = await opened(house, "han", page)
        del fields["position"]
        assert (await browser.post(f"{page}/decide", fields | {"verdict": "reject"})).status_code == 400
        assert await decisions(house) == []

    async def test_after_the_result_it_says_the_result(self, house: House) -> None:
        page = await applied(house)
        first, fields = await opened(house, "han", page)
        second, stale = await opened(house, "han", page)
        await first.post(f"{page}/decide", fields | {"verdict": "approve"})
        await first.send(f"{page}/decide", {"verdict": "reject", "comment": "暂缓"})
        assert await state(house) is RequestState.REJECTED
        answer = await second.post(f"{page}/decide", stale | {"verdict": "approve"})
        assert answer.status_code == 409
        assert "这一步已有结果" in second.text
