"""An act from a page that was open for a while: what has changed since is said, and nothing is done twice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.access import service as access
from app.audit.actor import SYSTEM, person_actor
from app.database import transaction
from app.groups import service as groups
from app.policy import service as policies
from app.policy.document import default_source
from app.tasks import service as tasks
from app.tasks.service import ProgressReport
from models.access import ApiKey
from models.ids import GroupId, TaskId
from models.tasks import Task
from tests.pages.furnished import Furniture, furnish
from tests.pages.operations import let
from tests.pages.test_console_policy import alone
from tests.pages.world import House

NOT_DONE = "还没有办理"


@pytest.fixture
async def things(house: House) -> Furniture:
    async with transaction(house.services.sessions) as session:
        return await furnish(session, house.company, now=house.clock.now())


async def task_of(house: House, things: Furniture) -> Task:
    async with transaction(house.services.sessions) as session:
        return await session.get_one(Task, things.task)


def told(house: House, things: Furniture) -> dict[str, Any]:
    """By the owner of the task, elsewhere."""
    return {"task_id": TaskId(things.task), "person": house.person("li"), "now": house.clock.now()}


class TestTasks:
    @pytest.mark.parametrize(
        ("form", "word", "fields"),
        [
            ("accept", "accept", {}),
            ("progress", "progress", {"progress": "50"}),
            ("progress", "block", {"note": "缺料"}),
            ("progress", "complete", {"note": "做好了"}),
        ],
    )
    async def test_what_its_owner_says_counts_for_what_they_see(
        self, house: House, things: Furniture, form: str, word: str, fields: dict[str, Any]
    ) -> None:
        here = f"/me/tasks/{things.task}"
        li = await house.signed_in("li")
        await li.get(here)
        hidden = li.hidden(f"{here}/{form}")
        async with transaction(house.services.sessions) as session:
            of = told(house, things) | {"via": "card"}
            await tasks.accept(session, **of)
            await tasks.report_progress(session, ProgressReport(30, "过半"), **of)
        before = await task_of(house, things)
        page = await li.post(f"{here}/{word}", hidden | fields)
        assert page.status_code == 409
        assert "状态 “待接受”变为“进行中”；进展 “0%”变为“30%”" in li.text
        assert NOT_DONE in li.text
        after = await task_of(house, things)
        assert (after.state, after.progress, after.updated_at) == (before.state, before.progress, before.updated_at)

    @pytest.mark.parametrize("face", ["/me/tasks", "/console/tasks"])
    async def test_it_is_not_taken_back_when_it_is_further(self, house: House, things: Furniture, face: str) -> None:
        here = f"{face}/{things.task}/cancel"
        wang = await house.signed_in("wang")
        await wang.get(here)
        async with transaction(house.services.sessions) as session:
            of = told(house, things)
            await tasks.accept(session, via="card", **of)
        page = await wang.send(here)
        assert page.status_code == 409
        assert "状态 “待接受”变为“进行中”" in wang.text
        async with transaction(house.services.sessions) as session:
            await tasks.complete(session, via="card", note="", **told(house, things))
        page = await wang.send(here)
        assert page.status_code == 409
        assert "任务已经结束，不能再取消" in wang.text
        assert (await task_of(house, things)).state.value == "done"


class TestRosters:
    @pytest.mark.parametrize("change", ["members/add", "members/remove", "administration/deputy"])
    async def test_a_roster_that_has_changed_is_looked_at_first(
        self, house: House, things: Furniture, change: str
    ) -> None:
        await let(house.services, house.company, "han", "administrator")
        here = f"/console/groups/{things.group}"
        han = await house.signed_in("han")
        await han.get(here)
        hidden = han.hidden(f"{here}/members/add")
        async with transaction(house.services.sessions) as session:
            await groups.add_by_hand(
                session,
                group_id=GroupId(things.group),
                person=house.person("li"),
                reason="联调",
                actor=person_actor(house.person("wang").id),
                now=house.clock.now(),
            )
        page = await han.post(f"{here}/{change}", hidden | {"person": "li", "reason": "联调", "step": "act"})
        assert page.status_code == 409
        assert "登记的成员 “2 人”变为“3 人”" in han.text
        assert NOT_DONE in han.text


class TestKeys:
    async def key(self, house: House) -> UUID:
        async with transaction(house.services.sessions) as session:
            source = default_source()
            await policies.apply(session, source=alone(source), now=house.clock.now(), actor=SYSTEM)
            scopes = ["org:read", "requests:write"]
            row, _ = await access.create_key(session, name="监控", scopes=scopes, actor=SYSTEM, now=house.clock.now())
            return row.id

    @pytest.mark.parametrize("act", ["end", "whom"])
    async def test_a_key_that_was_renamed_is_looked_at_first(self, house: House, act: str) -> None:
        await let(house.services, house.company, "chen", "administrator")
        here = f"/console/keys/{await self.key(house)}"
        chen = await house.signed_in("chen")
        await chen.get(here)
        hidden = chen.hidden(f"{here}/{act}")
        async with transaction(house.services.sessions) as session:
            row = await session.get_one(ApiKey, UUID(here.rpartition("/")[2]))
            row.name = "考勤"
        page = await chen.post(f"{here}/{act}", hidden | {"act_as": "anybody"})
        assert page.status_code == 409
        assert "密钥 “监控”变为“考勤”" in chen.text
        async with transaction(house.services.sessions) as session:
            row = await session.get_one(ApiKey, row.id)
            assert (row.ended_at, row.act_as.value) == (None, "nobody")

    async def test_one_that_has_ended_is_not_ended_again(self, house: House) -> None:
        await let(house.services, house.company, "chen", "administrator")
        here = f"/console/keys/{await self.key(house)}"
        chen = await house.signed_in("chen")
        await chen.get(here)
        hidden = chen.hidden(f"{here}/end")
        async with transaction(house.services.sessions) as session:
            key_id = UUID(here.rpartition("/")[2])
            ended = await access.end_key(session, key_id=key_id, actor=SYSTEM, now=house.clock.now())
        page = await chen.post(f"{here}/end", hidden)
        assert page.status_code == 409
        assert "状态 “可用”变为“已停用或已过期”" in chen.text
        async with transaction(house.services.sessions) as session:
            assert (await session.get_one(ApiKey, key_id)).ended_at == ended.ended_at
