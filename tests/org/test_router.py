"""The organisation over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from app.access.service import find_caller, install_bootstrap_key
from app.database import transaction
from app.org.router import router
from app.sync.router import router as sync_router
from app.web import problems
from models.org import PersonStatus
from tests.org.world import World

KEY = "test-key-with-every-scope-0123456789"


@dataclass
class Rest:
    http: httpx.AsyncClient

    async def get(self, path: str, *, expect: int = 200, **query: Any) -> Any:
        return self._checked(await self.http.get(path, params=query), expect)

    async def post(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        return self._checked(await self.http.post(path, json=body), expect)

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def rest(world: World) -> AsyncIterator[Rest]:
    app = FastAPI()
    app.state.services = SimpleNamespace(
        find_caller=find_caller,
        sessions=world.sessions,
        clock=world.clock,
        settings=world.ctx.settings,
        platform=world.ctx.platform,
    )
    api = APIRouter(prefix="/api/v1")
    api.include_router(router)
    api.include_router(sync_router)
    app.include_router(api)
    problems.install(app)
    async with transaction(world.sessions) as session:
        await install_bootstrap_key(session, key=KEY, now=world.clock.now())
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://steward/api/v1/", headers=headers) as http:
        yield Rest(http)


class TestMembers:
    async def test_a_page_of_members_and_the_next(self, world: World, rest: Rest) -> None:
        await world.sync()
        seen: list[str] = []
        cursor = None
        while True:
            page = await rest.get("members", limit=25, **({"cursor": cursor} if cursor else {}))
            seen += [item["userid"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(person["userid"] for person in await world.sandbox.people())

    async def test_filters(self, world: World, rest: Rest) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[12]
        by_name = await rest.get("members", q=someone["name"])
        by_userid = await rest.get("members", q=someone["userid"].upper())
        inside = await rest.get("members", department=someone["department"][0])
        for page in (by_name, by_userid, inside):
            assert someone["userid"] in {item["userid"] for item in page["items"]}
        assert (await rest.get("members", status="left"))["items"] == []
        assert (await rest.get("members", updated_since="2099-01-01T00:00:00Z"))["items"] == []

    async def test_one_member_in_any_spelling(self, world: World, rest: Rest) -> None:
        await world.sync()
        someone = (await world.sandbox.people())[0]
        member = await rest.get(f"members/{someone['userid'].upper()}")
        assert member["userid"] == someone["userid"]
        assert {place["department_id"] for place in member["departments"]} == set(someone["department"])
        assert any(place["is_leader"] for place in member["departments"])

    async def test_nobody(self, rest: Rest) -> None:
        assert (await rest.get("members/nobody", expect=404))["type"].endswith("member-not-found")

    async def test_changes(self, world: World, rest: Rest) -> None:
        await world.sync()
        someone = (await world.userids(status=PersonStatus.ACTIVE))[0]
        await world.sandbox.set_name(someone, "新名字")
        await world.sync()
        page = await rest.get(f"members/{someone}/changes")
        assert [item["change"] for item in page["items"]] == ["updated", "created"]
        assert page["items"][0]["after"] == {"name": "新名字"}


class TestDepartments:
    async def test_flat_nested_and_one(self, world: World, rest: Rest) -> None:
        await world.sync()
        flat = await rest.get("departments")
        (top,) = (await rest.get("departments/tree"))["items"]
        assert len(flat["items"]) == 11
        assert (top["id"], top["name"]) == (1, "华信远景科技有限公司")
        assert len(top["children"]) == 9
        assert (await rest.get("departments/1"))["name"] == top["name"]
        assert await rest.get("departments/99999", expect=404)


class TestSyncRuns:
    async def test_started_followed_and_refused_while_running(self, world: World, rest: Rest) -> None:
        run = await rest.post("sync-runs", {"dry_run": True}, expect=202)
        assert (run["state"], run["phase"], run["dry_run"]) == ("running", "waiting", True)
        again = await rest.post("sync-runs", {}, expect=409)
        assert again["run_id"] == run["id"]
        assert (await rest.get(f"sync-runs/{run['id']}"))["state"] == "running"
        assert [item["id"] for item in (await rest.get("sync-runs"))["items"]] == [run["id"]]

    async def test_held_and_released(self, world: World, rest: Rest) -> None:
        await world.sync()
        world.spoil(
            "user/list",
            lambda _r, answer: answer | {"userlist": [user | {"status": 2} for user in answer["userlist"]]},
        )
        run = await world.sync()
        (held,) = (await rest.get("sync-runs", state="held"))["items"]
        assert held["id"] == str(run.id)
        assert (await rest.get(f"sync-runs/{run.id}"))["report"]["held"]["people"]

        released = await rest.post(f"sync-runs/{run.id}/release")
        assert (released["state"], released["decided_by"].split(":")[0]) == ("released", "api_key")
        assert (await rest.post(f"sync-runs/{run.id}/reject", expect=409))["state"] == "released"

    async def test_unknown(self, rest: Rest) -> None:
        nowhere = "00000000-0000-0000-0000-000000000000"
        await rest.get(f"sync-runs/{nowhere}", expect=404)
        await rest.post(f"sync-runs/{nowhere}/release", expect=404)
