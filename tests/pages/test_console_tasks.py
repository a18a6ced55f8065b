"""Tasks on pages: assigned with who is told what beforehand, and taken back; by whom, and within what reach (D21)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.database import transaction
from app.org.search.keep import spell_people
from app.tasks import queries, service
from models.delivery import Delivery, Message
from models.ids import TaskId
from models.org import Person, PersonStatus
from models.tasks import Task, TaskEntry, TaskState
from tests.builders import groups
from tests.builders import tasks as builders
from tests.pages.furnished import Furniture, furnish
from tests.pages.world import Browser, House

NEW = "/console/tasks/new"
TYPED = {
    "title": "整理样品间",
    "acceptance": "样品全部贴好标签",
    "due_at": "2026-03-06T18:00",
    "owner": "li",
    "step": "assign",
}


@dataclass
class Desk:
    """In a company with something in it."""

    house: House
    things: Furniture

    async def of(self, userid: str) -> Browser:
        """Whoever it is, before the empty form."""
        browser = await self.house.signed_in(userid)
        await browser.get(NEW)
        return browser

    async def assigned(self) -> list[Task]:
        async with self.house.services.sessions() as session:
            return list(await session.scalars(select(Task).where(col(Task.title) == TYPED["title"])))

    async def task(self, task_id: UUID) -> Task:
        async with self.house.services.sessions() as session:
            return await session.get_one(Task, task_id)

    async def told(self, purpose: str) -> set[str]:
        """Names of whom a message of this purpose is for."""
        statement = (
            select(col(Person.name))
            .join(Delivery, col(Delivery.person_id) == col(Person.id))
            .join(Message, col(Message.id) == col(Delivery.message_id))
            .where(col(Message.purpose) == purpose)
        )
        async with self.house.services.sessions() as session:
            return set(await session.scalars(statement))


@pytest.fixture
async def desk(house: House) -> Desk:
    async with transaction(house.services.sessions) as session:
        things = await furnish(session, house.company, now=house.clock.now())
    return Desk(house, things)


class TestAssigning:
    async def test_it_says_who_is_told_what_and_tells_nobody(self, desk: Desk) -> None:
        wang = await desk.of("wang")
        fields = TYPED | {"collaborators": "chen", "group": str(desk.things.group), "step": "look"}
        await wang.look_and_send(NEW, fields)
        assert "责任人 李军" in wang.text
        assert "收到任务卡片，请其接受 协作人 陈晨 · 研发部 收到一则消息 群 研发部-新品项目" in wang.text
        assert "布置给李军" in wang.text
        assert await desk.assigned() == []

    async def test_a_head_assigns_to_their_people(self, desk: Desk) -> None:
        wang = await desk.of("wang")
        await wang.look_and_send(NEW, TYPED | {"collaborators": "chen", "group": str(desk.things.group)})
        [task] = await desk.assigned()
        assert "任务已布置。" in wang.text
        assert wang.went[-1].startswith(f"http://steward.test/console/tasks/{task.id}")
        assert (task.assigner_id, task.owner_id) == (desk.house.person("wang").id, desk.house.person("li").id)
        assert (task.group_id, task.acceptance) == (desk.things.group, "样品全部贴好标签")
        assert task.due_at.isoformat() == "2026-03-06T10:00:00+00:00", "as the company's clocks show it"
        assert await desk.told("task.collaboration") == {"陈晨"}
        async with desk.house.services.sessions() as session:
            [entry] = await queries.entries_of(session, TaskId(task.id))
        assert (entry.kind, entry.via) == ("assigned", "page")

    async def test_sent_twice_it_is_assigned_once(self, desk: Desk) -> None:
        wang = await desk.of("wang")
        await wang.send(NEW, TYPED | {"step": "look"})
        fields = wang.hidden(NEW) | TYPED
        first = await wang.post(NEW, fields, follows=False)
        second = await wang.post(NEW, fields, follows=False)
        assert first.status_code == second.status_code == 303
        assert first.headers["location"] == second.headers["location"]
        assert len(await desk.assigned()) == 1

    @pytest.mark.parametrize("userid", ["li", "chen"])
    async def test_who_runs_nothing_assigns_nothing(self, desk: Desk, userid: str) -> None:
        browser = await desk.house.signed_in(userid)
        fields = browser.hidden("/sign-in/language") | TYPED
        assert (await browser.get(NEW)).status_code == 403
        assert (await browser.post(NEW, fields)).status_code == 403
        assert "布置任务" not in (await browser.get("/me/tasks")).text
        assert await desk.assigned() == []

    @pytest.mark.parametrize("step", ["look", "assign"])
    @pytest.mark.parametrize("field", ["owner", "collaborators"])
    async def test_a_head_reaches_no_other_department(self, desk: Desk, field: str, step: str) -> None:
        wang = await desk.of("wang")
        page = await wang.look_and_send(NEW, TYPED | {field: "sun", "step": step})
        assert page.status_code == 400
        assert re.search(rf'id="e-{field}">您不能给这些人布置任务：孙宁<', page.text)
        assert await desk.assigned() == []

    async def test_human_resources_reach_everybody(self, desk: Desk) -> None:
        sun = await desk.of("sun")
        await sun.look_and_send(NEW, TYPED | {"owner": "zhao"})
        assert [task.owner_id for task in await desk.assigned()] == [desk.house.person("zhao").id]

    async def test_a_group_of_others_is_refused(self, desk: Desk) -> None:
        wang = await desk.of("wang")
        page = await wang.look_and_send(NEW, TYPED | {"group": str(desk.things.confidential)})
        assert page.status_code == 400
        assert re.search('id="e-group">您不能在这个群里布置任务<', page.text)
        assert "薪酬调整" not in page.text
        assert await desk.assigned() == []

    async def test_who_administers_a_group_assigns_to_its_members(self, desk: Desk) -> None:
        """The console shows them tasks of their group; what has no group they find among what they assigned."""
        company = desk.house.company
        async with transaction(desk.house.services.sessions) as session:
            group = await groups.group(session, "项目-展会", owner=company.li, members=[company.sun])
        li = await desk.of("li")
        assert (await li.look_and_send(NEW, TYPED | {"owner": "chen"})).status_code == 400, "not in the group"
        await li.get(f"{NEW}?owner=sun&group={group.id}")
        await li.look_and_send(NEW, TYPED | {"owner": "sun", "group": str(group.id)})
        assert "/console/tasks/" in li.went[-1]
        await li.get(NEW)
        page = await li.look_and_send(NEW, TYPED | {"owner": "sun"})
        assert page.status_code == 200
        assert "/me/tasks/" in li.went[-1]
        assert [task.group_id for task in await desk.assigned()] == [group.id, None]


class TestFaults:
    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"title": " "}, "title"),
            ({"acceptance": ""}, "acceptance"),
            ({"due_at": ""}, "due_at"),
            ({"due_at": "2020-01-01T09:00"}, "due_at"),
            ({"due_at": "0001-01-01T00:00"}, "due_at"),
            ({"owner": ""}, "owner"),
            ({"owner": "nobody"}, "owner"),
            ({"collaborators": ["chen", "nobody"]}, "collaborators"),
            ({"group": "x"}, "group"),
        ],
    )
    @pytest.mark.parametrize("step", ["look", "assign"])
    async def test_a_fault_stands_at_its_field_and_what_was_typed_stays(
        self, desk: Desk, wrong: dict[str, str], field: str, step: str
    ) -> None:
        wang = await desk.of("wang")
        fields = TYPED | {"description": "三楼东侧", "step": step} | wrong
        page = await wang.look_and_send(NEW, fields)
        assert page.status_code == 400
        assert f'id="e-{field}"' in page.text
        assert "三楼东侧" in page.text
        assert await desk.assigned() == []

    async def test_who_has_left_owns_nothing(self, desk: Desk) -> None:
        async with transaction(desk.house.services.sessions) as session:
            person = await session.get_one(Person, desk.house.person("li").id)
            person.status = PersonStatus.DISABLED
        wang = await desk.of("wang")
        page = await wang.look_and_send(NEW, TYPED)
        assert page.status_code == 400
        assert 'id="e-owner">李军 的账号' in page.text

    async def test_one_group_at_the_most_is_chosen_and_stays_through_a_search(self, desk: Desk) -> None:
        async with transaction(desk.house.services.sessions) as session:
            await spell_people(session, [desk.house.person("chen").id])
        wang = await desk.of("wang")
        page = await wang.send(NEW, TYPED | {"group": str(desk.things.group), "step": "find", "owner_search": "陈"})
        assert f'<input type="radio" name="group" value="{desk.things.group}" checked' in page.text
        assert '<input type="radio" name="owner" value="li" checked' in page.text
        assert '<input type="radio" name="owner" value="chen">' in page.text
        await wang.send(NEW, TYPED | {"owner": "chen", "step": "find", "owner_search": "陈"})
        assert "没有找到" not in wang.text, "she is found, and chosen already"
        page = await wang.send(NEW, TYPED | {"group": "", "step": "find"})
        assert '<input type="radio" name="group" value="" checked' in page.text


class TestWays:
    async def test_a_person_and_a_group_lead_to_the_form(self, desk: Desk) -> None:
        wang = await desk.house.signed_in("wang")
        li = desk.house.person("li")
        for address, way in [
            ("/console/tasks", NEW),
            ("/me/tasks", NEW),
            (f"/console/people/{li.id}", f"{NEW}?owner=li"),
            (f"/console/groups/{desk.things.group}", f"{NEW}?group={desk.things.group}"),
        ]:
            assert f'href="{way}"' in (await wang.get(address)).text, address
        page = await wang.get(f"{NEW}?owner=li")
        assert '<input type="radio" name="owner" value="li" checked' in page.text


class TestCancelling:
    def path(self, desk: Desk, face: str = "console") -> str:
        return f"/{face}/tasks/{desk.things.task}"

    @pytest.mark.parametrize("face", ["console", "me"])
    async def test_the_assigner_takes_it_back(self, desk: Desk, face: str) -> None:
        wang, path = await desk.house.signed_in("wang"), self.path(desk, face)
        page = await wang.get(path)
        assert f'href="{path}/cancel"' in page.text
        await wang.get(f"{path}/cancel")
        assert "责任人 李军" in wang.text
        assert "取消任务，并告知 1 人" in wang.text
        await wang.send(f"{path}/cancel", {"note": "样品间停用"})
        assert "任务已取消。" in wang.text
        assert "样品间停用" in wang.text
        assert (await desk.task(desk.things.task)).state is TaskState.CANCELLED
        page = await wang.get(path)
        assert f'href="{path}/cancel"' not in page.text
        assert (await wang.get(f"{path}/cancel")).status_code == 409, "it has ended"

    async def test_whom_it_says_is_whom_it_tells(self, desk: Desk) -> None:
        company = desk.house.company
        async with transaction(desk.house.services.sessions) as session:
            task = await builders.task(session, company.wang, company.li, collaborators=[company.chen])
        sun = await desk.house.signed_in("sun")
        await sun.get(f"/console/tasks/{task.id}/cancel")
        assert "李军 · 研发部 王芳 · 研发部 陈晨 · 研发部" in sun.text
        assert "取消任务，并告知 3 人" in sun.text
        await sun.send(f"/console/tasks/{task.id}/cancel")
        assert await desk.told("task.cancelled") == {"王芳", "陈晨", "李军"}
        async with desk.house.services.sessions() as session:
            entry = (await queries.entries_of(session, TaskId(task.id)))[-1]
        assert (entry.kind, entry.person_id) == ("cancelled", company.sun.id)

    @pytest.mark.parametrize("face", ["console", "me"])
    async def test_hr_takes_back_everybodys_on_both_faces(self, desk: Desk, face: str) -> None:
        """By the same rule as over REST: `task.assign` in the whole company (D21)."""
        sun, path = await desk.house.signed_in("sun"), self.path(desk, face)
        assert f'href="{path}/cancel"' in (await sun.get(path)).text
        await sun.get(f"{path}/cancel")
        await sun.send(f"{path}/cancel")
        assert "任务已取消。" in sun.text
        assert (await desk.task(desk.things.task)).state is TaskState.CANCELLED

    async def test_sent_twice_it_is_cancelled_once(self, desk: Desk) -> None:
        wang, path = await desk.house.signed_in("wang"), f"{self.path(desk)}/cancel"
        await wang.get(path)
        fields = wang.hidden(path) | {"note": "样品间停用"}
        answers = [await wang.post(path, fields, follows=False) for _ in range(2)]
        assert [one.status_code for one in answers] == [303, 303]
        async with desk.house.services.sessions() as session:
            statement = select(TaskEntry).where(
                col(TaskEntry.task_id) == desk.things.task, col(TaskEntry.kind) == "cancelled"
            )
            assert len(list(await session.scalars(statement))) == 1

    async def test_a_head_does_not_take_back_what_others_assigned(self, desk: Desk) -> None:
        """王芳 sees it, for it is about her people; 韩梅 has assigned it."""
        company = desk.house.company
        async with transaction(desk.house.services.sessions) as session:
            task = await builders.task(session, company.han, company.li)
        wang, path = await desk.house.signed_in("wang"), f"/console/tasks/{task.id}"
        page = await wang.get(path)
        assert page.status_code == 200
        assert f"{path}/cancel" not in page.text
        fields = wang.hidden("/sign-in/language")
        assert (await wang.get(f"{path}/cancel")).status_code == 403
        assert (await wang.post(f"{path}/cancel", fields)).status_code == 403
        assert (await desk.task(task.id)).state is TaskState.ASSIGNED

    async def test_the_owner_does_not_take_it_back(self, desk: Desk) -> None:
        li = await desk.house.signed_in("li")
        for face in ("console", "me"):
            await li.get("/me")
            fields = li.hidden("/sign-in/language")
            assert (await li.get(f"{self.path(desk, face)}/cancel")).status_code == 403
            assert (await li.post(f"{self.path(desk, face)}/cancel", fields)).status_code == 403
        assert (await desk.task(desk.things.task)).state is TaskState.ASSIGNED

    async def test_what_is_of_others_reads_like_what_does_not_exist(self, desk: Desk) -> None:
        company = desk.house.company
        async with transaction(desk.house.services.sessions) as session:
            task = await builders.task(session, company.han, company.sun)
        wang = await desk.house.signed_in("wang")
        assert (await wang.get(f"/console/tasks/{task.id}/cancel")).status_code == 404
        chen = await desk.house.signed_in("chen")
        assert (await chen.get(f"/me/tasks/{task.id}/cancel")).status_code == 404

    async def test_what_was_done_meanwhile_is_told(self, desk: Desk) -> None:
        wang, path = await desk.house.signed_in("wang"), f"{self.path(desk)}/cancel"
        await wang.get(path)
        now = desk.house.clock.now()
        async with transaction(desk.house.services.sessions) as session:
            await service.complete(
                session, task_id=TaskId(desk.things.task), person=desk.house.person("li"), via="rest", now=now
            )
        page = await wang.send(path)
        assert page.status_code == 409
        assert "任务已经结束" in wang.text
        assert (await desk.task(desk.things.task)).state is TaskState.DONE
