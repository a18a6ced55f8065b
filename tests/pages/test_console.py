"""What the console does beyond showing: files of what is filtered, members by hand, grants, publishing within reach."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.access import service as access
from app.access.service import Wanted
from app.audit.actor import SYSTEM
from app.database import transaction
from app.permissions import Reach
from models.access import AccessGrant
from models.announcements import Announcement
from models.ids import new_id
from tests.builders import groups
from tests.pages.furnished import Furniture, furnish
from tests.pages.world import House


@pytest.fixture
async def things(house: House) -> Furniture:
    now = house.clock.now()
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=now)
        wanted = Wanted(house.company.zhao, "administrator", "系统管理员")
        await access.grant(session, wanted, actor=SYSTEM, authority=None, now=now)
    return things


class TestFiles:
    @pytest.mark.parametrize("kind", ["requests", "tasks"])
    async def test_a_file_holds_what_the_list_shows(self, house: House, things: Furniture, kind: str) -> None:
        zhao = await house.signed_in("zhao")
        file = await zhao.get(f"/console/{kind}/export.csv")
        assert file.status_code == 200
        assert len(file.text.strip().splitlines()) == 2, "a heading and one line"
        none = await zhao.get(f"/console/{kind}/export.csv?state={'withdrawn' if kind == 'requests' else 'done'}")
        assert len(none.text.strip().splitlines()) == 1

    async def test_it_holds_nothing_that_its_reader_may_not_see(self, house: House, things: Furniture) -> None:
        """陈晨 runs nothing, 王芳 research, 李军 is a recipient: the receipts are for none of them."""
        chen, wang, li = [await house.signed_in(userid) for userid in ("chen", "wang", "li")]
        assert (await chen.get("/console/requests/export.csv")).status_code == 403
        assert (await li.get(f"/console/announcements/{things.to_research}/receipts.csv")).status_code == 403
        assert (await wang.get(f"/console/announcements/{things.to_research}/receipts.csv")).status_code == 404

    async def test_a_workbook_is_one(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        file = await han.get(f"/console/announcements/{things.to_research}/receipts.xlsx")
        assert file.content.startswith(b"PK")


class TestGrants:
    async def test_given_and_taken_back(self, house: House, things: Furniture) -> None:
        zhao, li, chen = [await house.signed_in(userid) for userid in ("zhao", "li", "chen")]
        assert (await li.get("/console/audit", follows=False)).status_code == 403
        wanted = {"person": "li", "bundle": "auditor", "reason": "年度审计", "reach": "company"}
        await zhao.get("/console/access")
        await zhao.send("/console/access", wanted)
        assert "steward access grant 再授予一个人" in zhao.text
        async with transaction(house.services.sessions) as session:
            second = Wanted(house.company.chen, "administrator", "第二位")
            await access.grant(session, second, actor=SYSTEM, authority=None, now=house.clock.now())
        await zhao.get("/console/access")
        await zhao.send("/console/access", wanted)
        assert "已请另一个人确认" in zhao.text
        assert zhao.page is not None
        assert (await li.get("/console/audit", follows=False)).status_code == 403
        here = zhao.page.url.path
        await chen.get(here)
        await chen.send(f"{here}/confirm")
        assert (await li.get("/console/audit", follows=False)).status_code == 200
        async with transaction(house.services.sessions) as session:
            statement = select(col(AccessGrant.id)).where(col(AccessGrant.bundle) == "auditor")
            grant_id = (await session.scalars(statement)).one()
        await zhao.get("/console/access")
        await zhao.send_seen(f"/console/access/{grant_id}/revoke")
        assert (await li.get("/console/audit", follows=False)).status_code == 403

    async def test_in_a_department_it_is_given_at_once(self, house: House, things: Furniture) -> None:
        zhao, li = await house.signed_in("zhao"), await house.signed_in("li")
        await zhao.get("/console/access")
        await zhao.send(
            "/console/access",
            {"person": "li", "bundle": "auditor", "reason": "年度审计", "reach": "department", "department": "2"},
        )
        assert "已授予“李军”。" in zhao.text
        assert (await li.get("/console/people", follows=False)).status_code == 200

    async def test_nobody_gives_more_than_they_hold(self, house: House, things: Furniture) -> None:
        """韩梅 reads who may what as HR, and grants nothing."""
        han = await house.signed_in("han")
        await han.get("/console/access")
        fields = han.hidden("/sign-in/language") | {"person": "han", "bundle": "administrator", "reason": "方便"}
        assert (await han.post("/console/access", fields)).status_code == 403

    async def test_who_reads_them_in_a_department_does_not_read_everybodys(
        self, house: House, things: Furniture
    ) -> None:
        async with transaction(house.services.sessions) as session:
            wanted = Wanted(house.company.chen, "administrator", "试验", Reach.DEPARTMENT, "2")
            await access.grant(session, wanted, actor=SYSTEM, authority=None, now=house.clock.now())
        chen = await house.signed_in("chen")
        assert (await chen.get("/console/access")).status_code == 403
        assert "系统管理员" not in chen.text
        assert "需要时请向 赵总 申请" in chen.text

    async def test_a_fault_stands_at_its_field_and_what_was_typed_stays(self, house: House, things: Furniture) -> None:
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/access")
        page = await zhao.send(
            "/console/access", {"person": "li", "bundle": "auditor", "reason": "", "reach": "company"}
        )
        assert page.status_code == 400
        assert 'id="e-reason"' in page.text
        assert 'value="li" checked' in page.text


class TestFormsActOnce:
    async def test_a_script_carries_nothing_out(self, house: House, things: Furniture) -> None:
        """Looking for people while one types sends the whole form: it must never be taken for the button."""
        zhao = await house.signed_in("zhao")
        await zhao.get("/console/access")
        fields = zhao.hidden("/console/access") | {"person": "li", "bundle": "auditor", "reason": "年度审计"}
        assert (await zhao.post("/console/access", fields, follows=False, hx_request="true")).status_code == 403
        async with transaction(house.services.sessions) as session:
            made = select(func.count()).where(col(AccessGrant.bundle) == "auditor")
            assert (await session.scalars(made)).one() == 0

    async def test_sent_twice_it_acts_once(self, house: House, things: Furniture) -> None:
        han = await house.signed_in("han")
        await han.get("/console/announcements/new")
        typed = {
            "title": "消防演练",
            "body": "周五下午三点。",
            "message_class": "work",
            "people": "li",
            "step": "publish",
        }
        await han.send("/console/announcements/new", typed | {"step": "look"})
        fields = han.hidden("/console/announcements/new") | typed
        first = await han.post("/console/announcements/new", fields, follows=False)
        second = await han.post("/console/announcements/new", fields, follows=False)
        assert first.status_code == second.status_code == 303
        assert first.headers["location"] == second.headers["location"]
        async with transaction(house.services.sessions) as session:
            statement = select(func.count()).where(col(Announcement.title) == "消防演练")
            assert (await session.scalars(statement)).one() == 1

    async def test_a_refused_form_can_be_sent_again(self, house: House, things: Furniture) -> None:
        """What was refused has left nothing: the same form, put right, acts."""
        han = await house.signed_in("han")
        await han.get("/console/announcements/new")
        typed = {"message_class": "work", "title": "演练", "body": "周五。", "people": "li", "step": "publish"}
        await han.send("/console/announcements/new", typed | {"step": "look"})
        fields = han.hidden("/console/announcements/new") | typed
        assert (await han.post("/console/announcements/new", fields | {"title": ""})).status_code == 400
        done = await han.post("/console/announcements/new", fields, follows=False)
        assert done.status_code == 303

    async def test_a_head_publishes_to_their_own_people_alone(self, house: House, things: Furniture) -> None:
        wang = await house.signed_in("wang")
        await wang.get("/console/announcements/new")
        typed = {"title": "周会", "body": "周一九点。", "message_class": "work", "people": "sun", "step": "publish"}
        page = await wang.look_and_send("/console/announcements/new", typed)
        assert page.status_code == 403
        assert "接收范围超出了您可以发布的范围" in wang.text


class TestHtml:
    async def test_names_and_texts_are_never_markup(self, house: House, things: Furniture) -> None:
        async with transaction(house.services.sessions) as session:
            person = house.company.li
            person.name = "<script>alert(1)</script>"
            session.add(person)
        wang = await house.signed_in("wang")
        for path in ("/me", f"/me/requests/{things.join}", "/console/people", "/console/requests"):
            page = await wang.get(path)
            assert "<script>alert" not in page.text
            assert "&lt;script&gt;" in page.text or "alert(1)" not in page.text

    async def test_a_page_that_does_not_exist_is_a_page(self, house: House, things: Furniture) -> None:
        page = await (await house.signed_in("li")).get(f"/me/requests/{new_id()}")
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")


class TestTheConsoleIsForThoseWhoRunSomething:
    """What is one's own is on the employees' pages; it opens no register, and no list of others."""

    async def test_a_recipient_does_not_read_the_receipts_of_others(self, house: House, things: Furniture) -> None:
        li = await house.signed_in("li")
        assert (await li.get(f"/console/announcements/{things.to_research}")).status_code == 403
        assert (await li.get(f"/me/announcements/{things.to_research}")).status_code == 200

    async def test_a_member_does_not_open_the_register(self, house: House, things: Furniture) -> None:
        chen = await house.signed_in("chen")
        assert (await chen.get(f"/console/groups/{things.group}")).status_code == 403
        assert "管理台" not in chen.text

    async def test_a_head_reads_the_receipts_of_their_own_people(self, house: House, things: Furniture) -> None:
        """Both were written by personnel: 王芳 sees neither in the console, and her own receipt on her page."""
        wang = await house.signed_in("wang")
        assert (await wang.get(f"/console/announcements/{things.to_research}")).status_code == 404

    async def test_a_persons_page_shows_no_group_that_its_reader_may_not_know(
        self, house: House, things: Furniture
    ) -> None:
        async with transaction(house.services.sessions) as session:
            hidden = await groups.group(
                session,
                "人力资源部-裁员名单",
                owner=house.company.han,
                members=[house.company.li],
                confidentiality="confidential",
            )
        wang = await house.signed_in("wang")
        page = await wang.get(f"/console/people/{house.company.li.id}")
        assert page.status_code == 200
        assert "裁员名单" not in page.text
        assert (await wang.get(f"/console/groups/{hidden.id}")).status_code == 404

    async def test_nobody_applies_to_a_group_they_may_not_know(self, house: House, things: Furniture) -> None:
        li = await house.signed_in("li")
        await li.get(f"/me/apply/join?group={things.group}")
        fields = li.hidden("/me/apply/join") | {
            "group_id": str(things.confidential),
            "reason": "想加入",
            "step": "submit",
        }
        page = await li.post("/me/apply/join", fields)
        assert page.status_code == 404
        assert "薪酬调整" not in page.text
