"""One person: what they were sent, whether they have confirmed, and by when they should (F116)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.access import service as access
from app.access.service import Wanted
from app.announcements import service as announcements
from app.announcements.service import AudienceWanted, Draft
from app.audit.actor import SYSTEM, person_actor
from app.database import transaction
from tests.pages.furnished import Furniture, furnish
from tests.pages.world import House


@pytest.fixture
async def things(house: House) -> Furniture:
    now = house.clock.now()
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=now)
        wanted = Wanted(house.company.zhao, "auditor", "审计")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=now)
    return things


async def write(house: House, author: str, title: str, count: int = 1, *, receipt: bool | None = None) -> None:
    writer, now = house.person(author), house.clock.now()
    async with transaction(house.services.sessions) as session:
        for number in range(count):
            draft = Draft(f"{title}{number}", "内容", "work", AudienceWanted(people=["li"]), receipt=receipt)
            at = now + timedelta(minutes=number + 1)
            await announcements.publish(session, draft, author=writer, actor=person_actor(writer.id), now=at)


class TestReceipts:
    async def test_what_was_sent_and_how_it_stands(self, house: House, things: Furniture) -> None:
        await write(house, "han", "无需确认", receipt=False)
        auditor = await house.signed_in("zhao")
        page = await auditor.get(f"/console/people/{house.person('li').id}")
        assert f'href="/console/announcements/{things.to_research}"' in page.text
        assert "国庆放假安排" in auditor.text
        assert "不需要回执" in auditor.text
        assert "未送达" in auditor.text
        assert str(things.to_personnel) not in page.text, "it went to somebody else"

    async def test_the_latest_and_a_page_of_all(self, house: House, things: Furniture) -> None:
        assert things
        await write(house, "han", "第", 60)
        auditor = await house.signed_in("zhao")
        li = house.person("li").id
        page = await auditor.get(f"/console/people/{li}")
        assert page.text.count('href="/console/announcements/') == 10
        assert "第59" in auditor.text
        assert f'href="/console/people/{li}/receipts"' in page.text
        everything = await auditor.get(f"/console/people/{li}/receipts")
        assert everything.text.count('href="/console/announcements/') == 50
        assert 'rel="next"' in everything.text

    async def test_they_are_for_those_who_follow_the_announcement(self, house: House, things: Furniture) -> None:
        """王芳 heads 李军 and sees what research writes; what personnel writes to both is not hers to follow."""
        await write(house, "wang", "研发内部")
        head = await house.signed_in("wang")
        li = house.person("li").id
        for address in (f"/console/people/{li}", f"/console/people/{li}/receipts"):
            page = await head.get(address)
            assert page.status_code == 200
            assert "研发内部0" in head.text
            assert str(things.to_research) not in page.text

    async def test_a_person_out_of_sight_has_none(self, house: House, things: Furniture) -> None:
        assert things
        head = await house.signed_in("wang")
        page = await head.get(f"/console/people/{house.person('sun').id}/receipts", follows=False)
        assert page.status_code == 404
