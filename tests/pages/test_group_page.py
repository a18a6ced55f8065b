"""What the page of a group says."""

from __future__ import annotations

import re

import pytest

from app.database import transaction
from tests.builders import groups
from tests.pages.operations import let
from tests.pages.world import Browser, House

CHARTER = "群规\n1. 本群用于工作，请实名。"


@pytest.mark.parametrize("address", ["/me/groups/{}", "/console/groups/{}"])
@pytest.mark.parametrize("charter", [CHARTER, "群规", CHARTER.removeprefix("群规\n")], ids=["headed", "bare", "unheaded"])
async def test_the_rules_of_a_group_have_one_heading(house: House, address: str, charter: str) -> None:
    async with transaction(house.services.sessions) as session:
        group = await groups.group(session, "研发部-新品项目", owner=house.person("wang"), charter=charter)
    await let(house.services, house.company, "wang", "administrator")
    wang = await house.signed_in("wang")
    page = await wang.get(address.format(group.id))
    assert page.status_code == 200
    said = rules_of(wang)
    assert said == (charter.removeprefix("群规\n"))


def rules_of(browser: Browser) -> str:
    """What stands under the heading, which stands once."""
    assert browser.page is not None
    found = re.findall(r'<h2>群规</h2><article class="card body">(.*?)</article>', browser.page.text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])
