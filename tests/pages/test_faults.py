"""What a domain finds wrong with what was typed stands at its fields, in the reader's words."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from app.audit.actor import SYSTEM
from app.database import transaction
from app.policy import service as policies
from app.policy.document import default_source
from tests.builders.groups import said_of
from tests.pages.furnished import furnish
from tests.pages.operations import let
from tests.pages.test_console_policy import alone
from tests.pages.world import Browser, House

MACHINE: Final = re.compile(r"payload|expires_at|act_as_departments|min_length")


def faults_on(browser: Browser) -> dict[str, str]:
    """By the id of the paragraph, which the field names as what describes it."""
    assert browser.page is not None
    return dict(re.findall(r'<p class="fault" id="e-(\w+)">(.*?)</p>', browser.page.text))


JOIN: Final = {
    "zh-CN": {"title": "请写明职务", "contact": "请写明联系方式（电话、分机或邮箱）", "reason": "请写明工作理由"},
    "en": {"title": "Say the title", "contact": "Say a contact", "reason": "Say the reason"},
}


@pytest.mark.parametrize("language", JOIN)
@pytest.mark.parametrize("step", ["look", "submit"])
async def test_an_application_that_says_too_little(house: House, language: str, step: str) -> None:
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=house.clock.now())
    zhou = await house.signed_in("sun", language=language)
    await zhou.get(f"/me/apply/join?group={things.group}")
    page = await zhou.send("/me/apply/join", {"title": " ", "contact": "", "reason": "", "step": step})
    assert page.status_code == 400
    found = faults_on(zhou)
    assert {name: said[: len(JOIN[language][name])] for name, said in found.items()} == JOIN[language]
    assert MACHINE.findall(zhou.text) == []


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"name": "", "type": "project", "purpose": "联调"}, "name"),
        ({"name": "项目-联调", "type": "project", "purpose": ""}, "purpose"),
        ({"name": "项目-联调", "type": "project", "purpose": "联调", "confidentiality": "secret"}, "confidentiality"),
    ],
)
async def test_a_new_group(house: House, typed: dict[str, Any], at: str) -> None:
    li = await house.signed_in("li")
    await li.get("/me/apply/create_group")
    page = await li.send("/me/apply/create_group", typed | {"step": "look"})
    assert page.status_code == 400
    assert set(faults_on(li)) == {at}
    assert MACHINE.findall(li.text) == []


@pytest.mark.parametrize("with_two", [True, False])
async def test_a_key_without_scopes(house: House, with_two: bool) -> None:
    for userid in ("chen", "sun"):
        await let(house.services, house.company, userid, "administrator")
    if not with_two:
        async with transaction(house.services.sessions) as session:
            source = alone(default_source()).replace("[key.create]", "[key.end]")
            await policies.apply(session, source=source, now=house.clock.now(), actor=SYSTEM)
    chen = await house.signed_in("chen")
    await chen.get("/console/keys/new")
    page = await chen.send("/console/keys/new", {"name": "考勤", "act_as": "departments", "departments": ""})
    assert page.status_code == 400
    assert "scopes" in faults_on(chen)
    assert MACHINE.findall(chen.text) == []


@pytest.mark.parametrize("step", ["look", "submit"])
async def test_a_refusal_that_names_an_application_leads_there(house: House, step: str) -> None:
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=house.clock.now())
    li = await house.signed_in("li")
    await li.get(f"/me/apply/join?group={things.group}")
    page = await li.send("/me/apply/join", {"reason": "再来一次", "step": step} | said_of("join"))
    assert page.status_code == 409
    assert "还在审批中 打开这份申请" in li.text
    assert f'<a href="/me/requests/{things.join}">' in page.text


async def test_it_leads_nobody_to_an_application_that_they_may_not_open(house: House) -> None:
    typed = {"type": "project", "name": "项目-新品", "purpose": "新品上市", "step": "submit"}
    for userid, members in (("han", ["han", "sun", "wang"]), ("li", ["li", "chen", "wang"])):
        browser = await house.signed_in(userid)
        await browser.get("/me/apply/create_group")
        page = await browser.send("/me/apply/create_group", typed | {"members": members})
    assert page.status_code == 409
    assert "还在审批中" in browser.text
    assert "打开这份申请" not in browser.text
