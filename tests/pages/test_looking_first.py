"""What is done is what was seen: forms that first show what will happen, and what Enter presses in a form."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Final

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.database import transaction
from app.policy import service as policies
from app.policy.document import default_source
from models.announcements import Announcement
from models.approvals import Request
from models.confirmations import Confirmation
from models.org import Membership, Person, PersonStatus
from models.policy import PolicyVersion
from models.tasks import Task, TaskEntry
from tests.builders.org import crowd
from tests.company import RESEARCH
from tests.pages.every_address import every_address
from tests.pages.every_form import posted_in
from tests.pages.everything import READER, everything
from tests.pages.furnished import Furniture, furnish
from tests.pages.operations import let
from tests.pages.test_console_policy import alone
from tests.pages.world import Browser, House

ANNOUNCE: Final = "/console/announcements/new"
ASSIGN: Final = "/console/tasks/new"
POLICY: Final = "/console/policy/new"
CREATE: Final = "/me/apply/create_group"
WRITTEN: Final[dict[str, Any]] = {
    "title": "消防演练",
    "body": "周五。\n三点。",
    "message_class": "work",
    "people": "li",
}
TASK: Final[dict[str, Any]] = {
    "title": "整理样品间",
    "acceptance": "贴好标签",
    "due_at": "2026-03-06T18:00",
    "owner": "li",
}
CHANGED: Final = "内容在预览之后改过"
UNSEEN: Final = "请先看过会怎样"


@pytest.fixture
async def things(house: House) -> Furniture:
    async with transaction(house.services.sessions) as session:
        return await furnish(session, house.company, now=house.clock.now())


@pytest.fixture
async def administrator(house: House) -> Browser:
    await let(house.services, house.company, "chen", "administrator")
    return await house.signed_in("chen")


async def of(house: House, kind: Any) -> list[Any]:
    async with house.services.sessions() as session:
        return list(await session.scalars(select(kind)))


class TestDoneIsWhatWasSeen:
    @pytest.mark.parametrize(
        "other", [{"departments": [str(RESEARCH)]}, {"people": ["li", "sun"]}, {"body": "周六。"}, {"title": "放假"}]
    )
    async def test_an_announcement(self, house: House, things: Furniture, other: dict[str, Any]) -> None:
        han = await house.signed_in("han")
        before = len(await of(house, Announcement))
        await han.get(ANNOUNCE)
        await han.send(ANNOUNCE, WRITTEN | {"step": "look"})
        page = await han.send(ANNOUNCE, WRITTEN | other | {"step": "publish"})
        assert page.status_code == 409
        assert CHANGED in han.text
        assert "发布后会怎样" in han.text, "the page shows what it would do now"
        assert len(await of(house, Announcement)) == before
        page = await han.send(ANNOUNCE, WRITTEN | other | {"step": "publish"})
        assert "已发布。" in han.text
        assert len(await of(house, Announcement)) == before + 1

    async def test_the_same_text_with_the_lines_of_another_system(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        await han.get(ANNOUNCE)
        await han.send(ANNOUNCE, WRITTEN | {"step": "look"})
        await han.send(ANNOUNCE, WRITTEN | {"body": "周五。\r\n三点。", "step": "publish"})
        assert "已发布。" in han.text

    @pytest.mark.parametrize(("address", "fields", "step"), [(ANNOUNCE, WRITTEN, "publish"), (ASSIGN, TASK, "assign")])
    async def test_nothing_without_a_look(
        self, house: House, things: Furniture, address: str, fields: dict[str, Any], step: str
    ) -> None:
        han = await house.signed_in("han")
        await let(house.services, house.company, "han", "administrator")
        await han.get(address)
        page = await han.send(address, fields | {"step": step})
        assert page.status_code == 409
        assert UNSEEN in han.text

    @pytest.mark.parametrize("other", [{"owner": "chen"}, {"title": "盘点"}, {"due_at": "2026-03-09T18:00"}])
    async def test_a_task(self, house: House, things: Furniture, other: dict[str, Any]) -> None:
        wang = await house.signed_in("wang")
        before = len(await of(house, Task))
        await wang.get(ASSIGN)
        await wang.send(ASSIGN, TASK | {"step": "look"})
        page = await wang.send(ASSIGN, TASK | other | {"step": "assign"})
        assert page.status_code == 409
        assert CHANGED in wang.text
        assert len(await of(house, Task)) == before
        await wang.send(ASSIGN, TASK | other | {"step": "assign"})
        assert len(await of(house, Task)) == before + 1

    async def test_a_policy(self, house: House, administrator: Browser) -> None:
        page = await administrator.get(POLICY)
        await administrator.send(POLICY, {"source": source_in(page.text), "step": "look"})
        other = source_in(page.text) + "\n# 另一份\n"
        page = await administrator.send(POLICY, {"source": other, "step": "apply"})
        assert page.status_code == 409
        assert CHANGED in administrator.text
        assert await of(house, Confirmation) == []
        await administrator.send(POLICY, {"source": other, "step": "apply"})
        assert len(await of(house, Confirmation)) == 1

    async def test_an_application(self, house: House, things: Furniture) -> None:
        """Nobody has to look who will decide; whoever has looked submits what they looked at."""
        li = await house.signed_in("li")
        before = len(await of(house, Request))
        await li.get(CREATE)
        typed = {"type": "project", "name": "项目-新品", "purpose": "新品上市", "members": ["li", "chen", "wang"]}
        page = await li.send(CREATE, typed | {"step": "look"})
        assert page.status_code == 200, li.text
        page = await li.send(CREATE, typed | {"purpose": "新品上市的筹备", "step": "submit"})
        assert page.status_code == 409
        assert CHANGED in li.text
        assert "提交后由谁审批" in li.text
        assert "您的部门负责人" in li.text
        assert "李军 的部门负责人" not in li.text
        assert len(await of(house, Request)) == before
        await li.send(CREATE, typed | {"purpose": "新品上市的筹备", "step": "submit"})
        assert "申请已提交。" in li.text


class TestWhatChangesMeanwhileIsShownAgain:
    """What was typed is the same, and would do something else by now: nothing is done before its sender has seen it."""

    async def test_another_audience(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        before = len(await of(house, Announcement))
        to_research = WRITTEN | {"people": [], "departments": [str(RESEARCH)]}
        await han.get(ANNOUNCE)
        await han.send(ANNOUNCE, to_research | {"step": "look"})
        was = number_in(r"发布给 (\d+) 人", han.text)
        async with transaction(house.services.sessions) as session:
            person = await session.get_one(Person, house.person("li").id)
            person.status = PersonStatus.LEFT
        page = await han.send(ANNOUNCE, to_research | {"step": "publish"})
        assert page.status_code == 409
        assert f"收件人 “{was} 人”变为“{was - 1} 人”" in han.text
        assert "还没有办理" in han.text
        assert len(await of(house, Announcement)) == before
        await han.send(ANNOUNCE, to_research | {"step": "publish"})
        assert "已发布。" in han.text, "the next press counts"
        assert len(await of(house, Announcement)) == before + 1

    async def test_of_a_great_many_a_few_may_come_and_go(self, house: House, things: Furniture) -> None:
        """A sync goes on by day: whoever writes to ten thousand people would look for ever."""
        async with transaction(house.services.sessions) as session:
            await crowd(session, RESEARCH, 10_050)
        han = await house.signed_in("han")
        to_research = WRITTEN | {"people": [], "departments": [str(RESEARCH)]}
        await han.get(ANNOUNCE)
        await han.send(ANNOUNCE, to_research | {"step": "look"})
        was = number_in(r"发布给 ([\d,]+) 人", han.text)
        async with transaction(house.services.sessions) as session:
            await crowd(session, RESEARCH, 30, first=20_000)
        page = await han.send(ANNOUNCE, to_research | {"step": "publish"})
        assert page.status_code == 409
        assert f"收件人 “约 {was // 10 * 10:,} 人”变为“约 {(was + 30) // 10 * 10:,} 人”" in han.text
        async with transaction(house.services.sessions) as session:
            await crowd(session, RESEARCH, (was + 30) // 10 * 10 + 9 - (was + 30), first=30_000)
        await han.send(ANNOUNCE, to_research | {"step": "publish"})
        assert "已提出，等另一个人确认后发布。" in han.text

    async def test_who_presses_twice_has_done_it_once(self, house: House, administrator: Browser) -> None:
        """And does not read that the version in force has changed meanwhile: it was they."""
        async with transaction(house.services.sessions) as session:
            await policies.apply(session, source=alone(default_source()), now=house.clock.now(), actor=SYSTEM)
        page = await administrator.get(POLICY)
        source = source_in(page.text) + "\n# 另一份\n"
        await administrator.send(POLICY, {"source": source, "step": "look"})
        fields = administrator.hidden(POLICY) | {"source": source, "step": "apply"}
        for _ in range(2):
            await administrator.post(POLICY, fields)
            assert "已启用这一版制度" in administrator.text
        assert len(await of(house, PolicyVersion)) == 3

    async def test_another_day_for_a_policy(self, house: House, administrator: Browser) -> None:
        page = await administrator.get(POLICY)
        source = source_in(page.text) + "\n# 另一份\n"
        await administrator.send(POLICY, {"source": source, "effective_at": "2030-01-01T08:00", "step": "look"})
        assert "何时生效： 2030-01-01 08:00" in administrator.text
        page = await administrator.send(POLICY, {"source": source, "effective_at": "", "step": "apply"})
        assert page.status_code == 409
        assert "何时生效： 立即" in administrator.text
        assert await of(house, Confirmation) == []

    async def test_other_deciders(self, house: House, things: Furniture) -> None:
        li = await house.signed_in("li")
        before = len(await of(house, Request))
        await li.get(CREATE)
        typed = {"type": "project", "name": "项目-新品", "purpose": "新品上市", "members": ["li", "chen", "wang"]}
        await li.send(CREATE, typed | {"step": "look"})
        assert "王芳" in li.text
        async with transaction(house.services.sessions) as session:
            of_research = col(Membership.department_id) == RESEARCH
            is_new = col(Membership.person_id) == house.person("chen").id
            await session.execute(update(Membership).where(of_research).values(is_leader=is_new))
        page = await li.send(CREATE, typed | {"step": "submit"})
        assert page.status_code == 409
        assert "王芳”变为“" in li.text
        assert len(await of(house, Request)) == before


def number_in(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found is not None, text
    return int(found[1].replace(",", ""))


def source_in(page: str) -> str:
    found = re.search(r'<textarea[^>]*name="source"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


HARMLESS: Final = {"find", "look"}
SAYS_SO: Final = ("/console/calendar/",)
"""Its first button changes the note alone."""


class TestEnter:
    """It presses the first button of a form, whichever that is."""

    async def test_the_first_of_several_buttons_does_nothing_yet(self, house: House) -> None:
        """On every page, as it is drawn for those who may act on it."""
        _, ids = await everything(house.services, house.company)
        looked_at = set()
        for userid in (READER, "li"):
            browser = await house.signed_in(userid)
            for address in every_address(house.app, ids):
                page = await browser.get(address, follows=False)
                for form in posted_in(page.text):
                    if len(form.buttons) > 1 and form.lines and not form.address.startswith(SAYS_SO):
                        name, value = form.buttons[0]
                        assert name == "step", (address, form.buttons)
                        assert value in HARMLESS, (address, form.buttons)
                        looked_at.add(form.address)
        assert len(looked_at) >= 7
        assert any(one.endswith("/progress") for one in looked_at)

    async def test_in_the_report_of_a_task(self, house: House, things: Furniture) -> None:
        li = await house.signed_in("li")
        home = f"/me/tasks/{things.task}"
        await li.get(home)
        await li.send(f"{home}/accept")
        before = len(await of(house, TaskEntry))
        page = await li.send(f"{home}/progress", {"progress": "45", "note": "快好了", "step": "find"})
        assert page.status_code == 200
        assert 'value="45"' in page.text
        assert '<details class="report" open>' in page.text
        assert len(await of(house, TaskEntry)) == before
        await li.send(f"{home}/progress", {"progress": "45", "note": "快好了"})
        assert len(await of(house, TaskEntry)) == before + 1

    async def test_in_a_search_after_a_look(self, house: House, things: Furniture) -> None:
        """As a browser sends it: with the name of the first button."""
        han = await house.signed_in("han")
        before = len(await of(house, Announcement))
        await han.get(ANNOUNCE)
        page = await han.send(ANNOUNCE, WRITTEN | {"step": "look"})
        form = re.search(rf'<form method="post" action="{ANNOUNCE}".*?</form>', page.text, re.DOTALL)
        assert form is not None
        first = re.search(r'<button[^>]*name="step" value="(\w+)"', form[0])
        assert first is not None
        await han.send(ANNOUNCE, WRITTEN | {"people_search": "陈", "step": first[1]})
        assert len(await of(house, Announcement)) == before


class TestReceiptOfAnAnnouncement:
    """What REST takes, the page takes: whether a receipt is wanted, and until when."""

    async def test_both_stand_in_the_preview_and_in_what_is_published(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        wanted = WRITTEN | {"receipt": "yes", "deadline": "2026-03-05T17:30"}
        await han.get(ANNOUNCE)
        await han.look_and_send(ANNOUNCE, wanted | {"step": "publish"})
        assert "已发布。" in han.text
        [made] = [one for one in await of(house, Announcement) if one.title == WRITTEN["title"]]
        assert made.receipt_required
        assert made.deadline is not None
        assert made.deadline.astimezone(house.services.settings.zone).strftime("%m-%d %H:%M") == "03-05 17:30"

    async def test_the_preview_says_until_when(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        await han.get(ANNOUNCE)
        await han.send(ANNOUNCE, WRITTEN | {"step": "look"})
        assert "并请其确认，截止时间：发布后 1 个工作日" in han.text
        await han.send(ANNOUNCE, WRITTEN | {"deadline": "2026-03-05T17:30", "step": "look"})
        assert "截止时间：2026-03-05 17:30" in han.text
        await han.send(ANNOUNCE, WRITTEN | {"receipt": "no", "step": "look"})
        assert "并请其确认" not in han.text

    @pytest.mark.parametrize("other", [{"receipt": "no"}, {"deadline": "2026-03-06T18:00"}])
    async def test_a_change_of_either_is_shown_first(
        self, house: House, things: Furniture, other: dict[str, str]
    ) -> None:
        han = await house.signed_in("han")
        await han.get(ANNOUNCE)
        await han.send(ANNOUNCE, WRITTEN | {"step": "look"})
        page = await han.send(ANNOUNCE, WRITTEN | other | {"step": "publish"})
        assert page.status_code == 409
        assert CHANGED in han.text

    async def test_a_deadline_that_has_passed_is_told_at_its_field(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        await han.get(ANNOUNCE)
        page = await han.send(ANNOUNCE, WRITTEN | {"deadline": "2026-03-01T09:00", "step": "look"})
        assert page.status_code == 400
        assert 'id="e-deadline"' in page.text
        assert "截止时间要晚于现在" in han.text

    async def test_the_second_person_reads_both(self, house: House, things: Furniture, administrator: Browser) -> None:
        wanted = WRITTEN | {"people": [], "departments": ["1"], "deadline": "2026-03-05T17:30"}
        await administrator.get(ANNOUNCE)
        await administrator.look_and_send(ANNOUNCE, wanted | {"step": "publish"})
        [asked] = await of(house, Confirmation)
        assert asked.payload["receipt"] is None
        assert asked.payload["deadline"].startswith("2026-03-05T09:30")
