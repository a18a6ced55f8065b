"""What people read of a group on its page and in lists."""

from __future__ import annotations

import re

import pytest

from app.conversation.service import Asked
from app.database import transaction
from app.groups.directory.answers import find
from models.approvals import Request
from tests.builders import groups
from tests.pages.furnished import furnish
from tests.pages.operations import let
from tests.pages.world import Browser, House

RULES = "1. 本群用于工作，请实名。"


@pytest.mark.parametrize("address", ["/me/groups/{}", "/console/groups/{}"])
@pytest.mark.parametrize("charter", [f"群规\n{RULES}", "群规", RULES], ids=["headed", "bare", "unheaded"])
async def test_the_rules_of_a_group_have_one_heading(house: House, address: str, charter: str) -> None:
    async with transaction(house.services.sessions) as session:
        group = await groups.group(session, "研发部-新品项目", owner=house.person("wang"), charter=charter)
    await let(house.services, house.company, "wang", "administrator")
    wang = await house.signed_in("wang")
    page = await wang.get(address.format(group.id))
    assert page.status_code == 200
    said = rules_of(wang)
    assert said == charter.removeprefix("群规\n")


def rules_of(browser: Browser) -> str:
    """What stands under the heading, which stands once."""
    assert browser.page is not None
    found = re.findall(r'<h2>群规</h2><article class="card body">(.*?)</article>', browser.page.text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


async def test_an_application_that_is_open_is_said_where_one_would_apply(house: House) -> None:
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=house.clock.now())
    link = f'href="/me/requests/{things.join}"'
    li, sun = await house.signed_in("li"), await house.signed_in("sun")
    for address in ("/me/groups?list=directory", f"/me/groups/{things.group}"):
        assert link in (await li.get(address)).text
        assert "申请加入：审批中" in li.text
        assert "审批中" not in (await sun.get(address)).text


async def test_the_answer_to_the_name_of_a_group_says_it_too(house: House) -> None:
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=house.clock.now())
        request = await session.get_one(Request, things.join)
        said = [
            await find(session, Asked(house.person(userid), "新品项目", house.clock.now())) for userid in ("li", "sun")
        ]
    assert f"您的入群申请 #{request.number} 正在审批。" in said[0][0]
    assert f"/me/requests/{request.id}" in said[0][0]
    assert "要加入请申请" not in said[0][0]
    assert "您不在群里；要加入请申请。" in said[1][0]
