"""Runs of the sync over REST."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text

from app.access.service import Wanted, grant
from app.audit.actor import SYSTEM
from app.confirmations import service as confirmations
from app.confirmations.service import Answer, Wish
from app.database import transaction
from app.dual_control import TwoPersonAct
from models.org import SyncRun, SyncState
from tests.builders import org
from tests.builders.policy import policy_in_force
from tests.sync.world import Rest, World


async def everything(rest: Rest, path: str, **wanted: Any) -> list[dict[str, Any]]:
    """The items of all pages."""
    found: list[dict[str, Any]] = []
    while True:
        page = await rest.get(path, limit="7", **wanted)
        found += page["items"]
        wanted["cursor"] = page["next_cursor"]
        if wanted["cursor"] is None:
            return found


class TestSyncRuns:
    async def test_started_followed_and_refused_while_running(self, world: World, rest: Rest) -> None:
        run = await rest.post("sync-runs", {"dry_run": True}, expect=202)
        assert (run["state"], run["phase"], run["dry_run"]) == ("running", "waiting", True)
        again = await rest.post("sync-runs", {}, expect=409)
        assert again["run_id"] == run["id"]
        assert (await rest.post("sync-runs", {"dry_run": True}, expect=202))["id"] == run["id"]
        assert (await rest.get(f"sync-runs/{run['id']}"))["state"] == "running"
        assert [item["id"] for item in (await rest.get("sync-runs"))["items"]] == [run["id"]]

    async def test_fifty_who_ask_at_once_get_one_run(self, world: World, rest: Rest) -> None:
        answers = await asyncio.gather(*(rest.post("sync-runs", {}, expect=202) for _ in range(50)))
        (run,) = (await rest.get("sync-runs"))["items"]
        assert {answer["id"] for answer in answers} == {run["id"]}
        async with transaction(world.sessions) as session:
            jobs = await session.execute(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'org.sync'"))
            assert jobs.scalar_one() == 1

    async def test_without_a_body_it_is_no_dry_run(self, rest: Rest) -> None:
        assert (await rest.post("sync-runs", expect=202))["dry_run"] is False

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

    async def test_what_a_run_has_changed_with_names(self, world: World, rest: Rest) -> None:
        first = await world.sync()
        people = await everything(rest, f"sync-runs/{first.id}/changes", object_kind="person")
        members = {one["userid"]: one["name"] for one in await everything(rest, "members")}
        assert {one["userid"]: one["name"] for one in people} == members
        assert {one["change"] for one in people} == {"created"}
        [department, *_] = await everything(rest, f"sync-runs/{first.id}/changes", object_kind="department")
        departments = {str(one["id"]): one["name"] for one in await everything(rest, "departments")}
        assert department["name"] == departments[department["object_id"]]
        places = await everything(rest, f"sync-runs/{first.id}/changes", object_kind="membership")
        assert {one["name"] for one in places} <= set(members.values())

        world.spoil(
            "user/list",
            lambda _r, answer: answer | {"userlist": [user | {"position": "顾问"} for user in answer["userlist"]]},
        )
        second = await world.sync()
        updated = await everything(rest, f"sync-runs/{second.id}/changes", object_kind="person", change="updated")
        assert {one["after"]["position"] for one in updated} == {"顾问"}
        assert await everything(rest, f"sync-runs/{second.id}/changes", change="created") == []

    async def test_two_people_release_what_was_held(self, world: World) -> None:
        """F197: one asks, another confirms, and the losses take effect in the asker's name."""
        await world.sync()
        world.spoil(
            "user/list",
            lambda _r, answer: answer | {"userlist": [user | {"status": 2} for user in answer["userlist"]]},
        )
        run = await world.sync()
        async with transaction(world.sessions) as session:
            await policy_in_force(session)
            li, chen = [await org.person(session, userid, name) for userid, name in (("li", "李军"), ("chen", "陈晨"))]
            for person in (li, chen):
                wanted = Wanted(person, "it", "值班")
                await grant(session, wanted, actor=SYSTEM, authority=None, now=world.clock.now())
            wish = Wish(TwoPersonAct.SYNC_RELEASE, {"run_id": str(run.id)}, li)
            row = (await confirmations.ask(session, wish, now=world.clock.now())).row
        async with transaction(world.sessions) as session:
            await confirmations.confirm(session, row.id, Answer(chen, "rest"), now=world.clock.now())
        async with transaction(world.sessions) as session:
            released = await session.get_one(SyncRun, run.id)
        assert (released.state, released.decided_by) == (SyncState.RELEASED, f"person:{li.id}")

    async def test_unknown(self, rest: Rest) -> None:
        nowhere = "00000000-0000-0000-0000-000000000000"
        await rest.get(f"sync-runs/{nowhere}", expect=404)
        await rest.get(f"sync-runs/{nowhere}/changes", expect=404)
        await rest.post(f"sync-runs/{nowhere}/release", expect=404)
