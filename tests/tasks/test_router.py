"""REST: `tasks`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.database import Sessions, transaction
from app.settings import Settings
from models.access import ApiKey
from models.audit import AuditDetail, AuditEntry
from models.groups import GroupState
from models.ids import new_id
from tests.builders import groups
from tests.builders.tasks import everything_delivered
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import FakeClock

TASK: dict[str, Any] = {
    "title": "整理验收单",
    "acceptance": "验收单全部勾选并上传",
    "assigner": "wang",
    "owner": "li",
    "collaborators": ["chen"],
    "due_at": "2026-03-06T18:00:00+08:00",
}


@pytest.fixture
async def sessions(shared_engine: AsyncEngine) -> AsyncIterator[Sessions]:
    async with rolled_back(shared_engine) as sessions:
        yield sessions


@pytest.fixture
async def company(sessions: Sessions) -> Company:
    async with transaction(sessions) as session:
        return await found(session)


@pytest.fixture
async def client(
    sessions: Sessions, company: Company, clock: FakeClock, settings: Settings
) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(sessions, clock, settings, scopes=["tasks:write", "tasks:act"]) as client:
        yield client


async def assign(client: httpx.AsyncClient, **changes: Any) -> Any:
    return await answer(client.post("/tasks", json=TASK | changes), 201)


async def tell(client: httpx.AsyncClient, task: Any, word: str, status: int = 200, **said: Any) -> Any:
    return await answer(client.post(f"/tasks/{task['id']}/{word}", json=said), status)


class TestAssigning:
    """4.1: 任务写明责任人、协作人、期限和完成标准，在所属群内发布。"""

    async def test_everything_about_it_is_in_the_answer(self, client: httpx.AsyncClient) -> None:
        task = await assign(client)
        assert (task["assigner"], task["owner"], task["collaborators"]) == ("wang", "li", ["chen"])
        assert (task["state"], task["progress"], task["late"]) == ("assigned", 0, False)
        assert task["due_at"] == "2026-03-06T10:00:00Z"
        assert (task["rule_key"], task["clause"], task["policy_version"]) == ("task.assign", "4.1", 1)
        assert task["delivery"] == {"sent": 0, "failed": 0, "unknown": 0, "held": 1}
        assert [(entry["kind"], entry["person"]) for entry in task["entries"]] == [("assigned", "wang")]
        assert await answer(client.get(f"/tasks/{task['id']}")) == task

    async def test_the_same_idempotency_key_assigns_once(self, client: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "1"}
        first = await answer(client.post("/tasks", json=TASK, headers=headers), 201)
        again = await answer(client.post("/tasks", json=TASK, headers=headers), 201)
        assert first["id"] == again["id"]
        assert len((await answer(client.get("/tasks")))["items"]) == 1

    @pytest.mark.parametrize(
        ("changes", "status", "slug"),
        [
            ({"owner": "nemo"}, 404, None),
            ({"collaborators": ["nemo"]}, 404, None),
            ({"group": str(new_id())}, 404, "unknown-group"),
            ({"due_at": "2026-03-02T09:00:00+08:00"}, 400, "due-in-the-past"),
            ({"due_at": "2026-03-06T18:00:00"}, 422, None),
            ({"due_at": "9999-12-31T23:59:59-14:00"}, 422, "malformed"),
            ({"acceptance": " "}, 422, None),
            ({"unheard_of": 1}, 422, None),
        ],
    )
    async def test_what_is_refused(
        self, client: httpx.AsyncClient, changes: dict[str, Any], status: int, slug: str | None
    ) -> None:
        refused = await answer(client.post("/tasks", json=TASK | changes), status)
        if slug:
            assert refused["type"] == f"/problems/{slug}"
        assert (await answer(client.get("/tasks")))["items"] == []

    async def test_a_group_that_is_not_active(
        self, client: httpx.AsyncClient, sessions: Sessions, company: Company
    ) -> None:
        async with transaction(sessions) as session:
            group = await groups.group(session, policy=company.policy, owner=company.wang, state=GroupState.CREATING)
        refused = await answer(client.post("/tasks", json=TASK | {"group": str(group.id)}), 409)
        assert refused["type"] == "/problems/task-group-not-active"


class TestReporting:
    """4.2, 4.3: accept, report, ask for help, complete; by REST with numbers and notes."""

    async def test_from_assigned_to_done(self, client: httpx.AsyncClient, sessions: Sessions) -> None:
        task = await assign(client)
        async with transaction(sessions) as session:
            await everything_delivered(session)
        await tell(client, task, "accept", person="LI")
        await tell(client, task, "progress", person="chen", progress=40, note="三号楼完成")
        assert (await tell(client, task, "blocked", person="li", note="缺少钥匙"))["state"] == "blocked"
        await tell(client, task, "progress", person="li", progress=80)
        done = await tell(client, task, "done", person="li", note="已上传")
        assert (done["state"], done["progress"], done["late"]) == ("done", 100, False)
        assert [(entry["kind"], entry["person"], entry["progress"], entry["note"]) for entry in done["entries"]] == [
            ("assigned", "wang", 0, ""),
            ("accepted", "li", 0, ""),
            ("progressed", "chen", 40, "三号楼完成"),
            ("blocked", "li", 40, "缺少钥匙"),
            ("progressed", "li", 80, ""),
            ("done", "li", 100, "已上传"),
        ]

    async def test_a_repeat_is_answered_alike(self, client: httpx.AsyncClient) -> None:
        task = await assign(client)
        first = await tell(client, task, "accept", person="li")
        assert await tell(client, task, "accept", person="li") == first

    async def test_the_trail_names_the_key_beside_the_person(
        self, client: httpx.AsyncClient, sessions: Sessions
    ) -> None:
        """P5: an act in a person's name is the person's and the key's."""
        task = await assign(client)
        await tell(client, task, "accept", person="li")
        async with transaction(sessions) as session:
            key = (await session.scalars(select(col(ApiKey.id)))).one()
            acts = await session.execute(
                select(col(AuditEntry.actor_kind), col(AuditDetail.details))
                .join(AuditDetail, col(AuditDetail.entry_id) == col(AuditEntry.id))
                .where(col(AuditEntry.action) == "task.accepted")
            )
            ((kind, details),) = acts.all()
        assert (kind, details["recorded_by"]) == ("person", f"api_key:{key}")

    async def test_who_may_not_is_told_so(self, client: httpx.AsyncClient) -> None:
        task = await assign(client)
        for word, person in (("accept", "chen"), ("done", "chen"), ("cancel", "li")):
            assert (await tell(client, task, word, 403, person=person))["type"] == "/problems/not-your-task"
        refused = await tell(client, task, "progress", 403, person="sun", progress=10)
        assert refused["type"] == "/problems/not-your-task"

    async def test_done_is_final(self, client: httpx.AsyncClient) -> None:
        task = await assign(client)
        await tell(client, task, "done", person="li")
        refused = await tell(client, task, "progress", 409, person="li", progress=10)
        assert refused["type"] == "/problems/task-finished"

    @pytest.mark.parametrize("progress", [-1, 101, None])
    async def test_progress_is_a_percentage(self, client: httpx.AsyncClient, progress: int | None) -> None:
        await tell(client, await assign(client), "progress", 422, person="li", progress=progress)

    async def test_a_task_or_a_person_that_is_not_there(self, client: httpx.AsyncClient) -> None:
        await tell(client, await assign(client), "accept", 404, person="nemo")
        missing = await tell(client, {"id": UUID(int=0)}, "accept", 404, person="li")
        assert missing["type"] == "/problems/no-such-task"
        await answer(client.get(f"/tasks/{UUID(int=0)}"), 404)


class TestCancelling:
    """The assigner, whoever may assign in the whole company, or an administrator's key."""

    async def test_in_the_name_of_who_may_assign_in_the_whole_company(self, client: httpx.AsyncClient) -> None:
        cancelled = await tell(client, await assign(client), "cancel", person="sun")
        assert (cancelled["state"], cancelled["entries"][-1]["person"]) == ("cancelled", "sun")

    async def test_in_the_name_of_anybody_else(self, client: httpx.AsyncClient) -> None:
        task = await assign(client, assigner="han")
        for userid in ("wang", "li", "chen"):
            assert (await tell(client, task, "cancel", 403, person=userid))["type"] == "/problems/not-your-task"

    async def test_by_the_assigner(self, client: httpx.AsyncClient) -> None:
        cancelled = await tell(client, await assign(client), "cancel", person="wang", note="不再需要")
        assert (cancelled["state"], cancelled["entries"][-1]["note"]) == ("cancelled", "不再需要")

    async def test_without_a_person_the_key_must_be_an_administrators(
        self, client: httpx.AsyncClient, sessions: Sessions, clock: FakeClock, settings: Settings
    ) -> None:
        task = await assign(client)
        assert (await tell(client, task, "cancel", 403))["type"] == "/problems/missing-scope"
        async with serving(
            sessions, clock, settings, scopes=["tasks:write", "tasks:act", "admin:write"]
        ) as administrator:
            cancelled = await tell(administrator, task, "cancel")
        assert (cancelled["state"], cancelled["entries"][-1]["person"]) == ("cancelled", None)


class TestListing:
    """By owner, assigner, state, group and change; the latest change first."""

    async def test_filters(
        self, client: httpx.AsyncClient, sessions: Sessions, company: Company, clock: FakeClock
    ) -> None:
        async with transaction(sessions) as session:
            group = await groups.group(session, policy=company.policy, owner=company.wang, members=[company.li])
        await assign(client, group=str(group.id))
        later = clock.advance(timedelta(hours=1)).isoformat()
        second = await assign(client, title="第二个", owner="chen", assigner="han", collaborators=[])
        await tell(client, second, "accept", person="chen")
        for wanted in (
            {"owner": "chen"},
            {"assigner": "han"},
            {"state": "accepted"},
            {"updated_since": later},
            {"limit": "1"},
        ):
            found = await answer(client.get("/tasks", params=wanted))
            assert [row["id"] for row in found["items"]] == [second["id"]], wanted
        in_group = await answer(client.get("/tasks", params={"group": str(group.id)}))
        assert [row["title"] for row in in_group["items"]] == ["整理验收单"]

    async def test_a_page_at_a_time(self, client: httpx.AsyncClient) -> None:
        for title in ("一", "二", "三"):
            await assign(client, title=title)
        first = await answer(client.get("/tasks", params={"limit": 2}))
        rest = await answer(client.get("/tasks", params={"limit": 2, "cursor": first["next_cursor"]}))
        assert [row["title"] for row in first["items"] + rest["items"]] == ["三", "二", "一"]
        assert rest["next_cursor"] is None

    async def test_of_a_person_nobody_knows(self, client: httpx.AsyncClient) -> None:
        await answer(client.get("/tasks", params={"owner": "nemo"}), 404)
