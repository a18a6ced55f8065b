"""Choosing departments and groups: found by name however many there are, and what was chosen stays."""

from __future__ import annotations

import re

import pytest

from app.database import transaction
from app.org.search.keep import spell_departments
from models.org import Department
from tests.builders import groups
from tests.pages.operations import let
from tests.pages.world import Browser, House

NEW = "/console/announcements/new"
MANY = 60


@pytest.fixture(scope="module")
async def writer(shared_house: House) -> Browser:
    """Of a company with more departments and groups than anybody scrolls through."""
    house, now = shared_house, shared_house.clock.now()
    await let(house.services, house.company, "zhao", "administrator")
    async with transaction(house.services.sessions) as session:
        for number in range(MANY):
            session.add(Department(id=5000 + number, name=f"一科{number:02}", parent_id=1, updated_at=now))
            await groups.group(session, f"项目-甲{number:02}", owner=house.company.wang, now=now)
        session.add(Department(id=5999, name="质量监督处", parent_id=1, updated_at=now))
        await groups.group(session, "项目-最后一个", owner=house.company.wang, now=now)
        await session.flush()
        await spell_departments(session)
    return await house.signed_in("zhao")


def offered(page: str, name: str) -> list[str]:
    return re.findall(rf'<input type="checkbox" name="{name}" value="([^"]+)"', page)


def chosen(page: str, name: str) -> list[str]:
    return re.findall(rf'<input type="checkbox" name="{name}" value="([^"]+)" checked', page)


@pytest.mark.parametrize("typed", ["质量", "zhiliang", "zljd"])
async def test_a_department_is_found_by_name_pinyin_and_initials(writer: Browser, typed: str) -> None:
    page = await writer.get(NEW)
    assert "5999" not in offered(page.text, "departments"), "it is not among the first"
    page = await writer.send(NEW, {"step": "find", "departments_search": typed})
    assert "5999" in offered(page.text, "departments")


async def test_a_group_is_found_by_a_part_of_its_name(writer: Browser) -> None:
    await writer.get(NEW)
    page = await writer.send(NEW, {"step": "find", "groups_search": "最后"})
    assert len(offered(page.text, "groups")) == 1
    assert "项目-最后一个" in writer.text


async def test_what_was_chosen_stays_through_another_search(writer: Browser) -> None:
    await writer.get(NEW)
    fields = {"step": "find", "departments": ["5001", "5999"], "departments_search": "一科07", "title": "停电通知"}
    page = await writer.send(NEW, fields)
    assert chosen(page.text, "departments") == ["5001", "5999"]
    assert offered(page.text, "departments") == ["5001", "5999", "5007"]
    assert 'value="停电通知"' in page.text
    await writer.send(NEW, fields | {"departments_search": "一科01"})
    assert "没有找到" not in writer.text, "it is found, and chosen already"


async def test_what_is_no_choice_is_left_out(writer: Browser) -> None:
    await writer.get(NEW)
    fields = {"step": "find", "departments": ["x", "-1", "9" * 40, "4711"], "groups": ["x"], "groups_search": "没有"}
    page = await writer.send(NEW, fields)
    assert page.status_code == 200
    assert chosen(page.text, "departments") == chosen(page.text, "groups") == []
    assert "没有找到“没有”" in writer.text


async def test_who_heads_a_department_finds_no_other(shared_house: House, writer: Browser) -> None:
    wang = await shared_house.signed_in("wang")
    await wang.get(NEW)
    page = await wang.send(NEW, {"step": "find", "departments": ["5999"], "departments_search": "质量"})
    assert "5999" not in offered(page.text, "departments"), "not as a choice, and not by its number"


class TestListOfDepartments:
    @pytest.mark.parametrize("typed", ["zljd", "质量监督", "zhiliang", "监督处"])
    async def test_a_department_is_found_as_in_forms(self, writer: Browser, typed: str) -> None:
        page = await writer.get(f"/console/departments?name={typed}")
        assert "/console/departments/5999" in page.text

    async def test_a_search_that_finds_nothing_says_so(self, writer: Browser) -> None:
        await writer.get("/console/departments?name=没有这样的名称")
        assert "请换一个名称或拼音首字母" in writer.text
        assert "通讯录同步之后" not in writer.text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/console/access", ["哪个部门 （范围是一个部门时必填）", "哪个群 （范围是一个群时必填）"]),
        ("/console/keys/new", ["哪些部门（含下级） （限于部门时必填）"]),
        (NEW, [f"{to} （部门、群、个人至少选一种）" for to in ("发给部门（含下级）", "发到群", "发给个人")]),
        ("/console/tasks/new", ["发到群 （可不填）"]),
    ],
)
async def test_what_may_stay_empty_is_told_from_what_a_choice_needs(
    writer: Browser, address: str, said: list[str]
) -> None:
    page = await writer.get(address)
    legends = [re.sub("<[^>]+>", "", one) for one in re.findall(r"<legend>(.*?)</legend>", page.text)]
    assert [legend for legend in legends if legend in said] == said
