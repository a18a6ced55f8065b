"""F98, F189: `GET /events` gives everything that happened in order, waits for it, and says who comes too late."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from app.audit.actor import person_actor
from app.audit.why import Why
from app.database import transaction
from app.events.router import answer_who_waits
from app.events.service import catalogue, give_positions, prune, publish
from app.policy import service as policies
from models.ids import new_id
from tests.events.happenings import WHY, approved, given, say
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.web.conftest import Desk


async def feed(desk: Desk, status: int = 200, **asked: object) -> Any:
    answer = await desk.http.get("/events", params={name: str(value) for name, value in asked.items()})
    assert answer.status_code == status, answer.text
    return answer.json()


async def newest(desk: Desk) -> int:
    """Where the feed stands before the test says anything."""
    async with transaction(desk.sessions) as session:
        await give_positions(session)
    return int((await feed(desk))["newest_position"])


def numbers(told: Any) -> list[int]:
    return [item["data"]["number"] for item in told["items"]]


class TestWhatIsTold:
    async def test_who_did_what_under_which_version(self, desk: Desk, clock: FakeClock) -> None:
        before = await newest(desk)
        person, event = new_id(), approved(7)
        async with transaction(desk.sessions) as session:
            policy = await policies.in_force(session, now=clock.now())
            await publish(session, event, Why(person_actor(person), "approval.decide", policy.id), now=MONDAY_9AM)
        async with transaction(desk.sessions) as session:
            await give_positions(session)

        told = await feed(desk, after=before)

        (item,) = told["items"]
        assert len(item.pop("correlation_id")) == 32
        assert item.pop("id") > 0
        assert item == {
            "position": before + 1,
            "type": "request.approved",
            "time": "2026-03-02T01:00:00Z",
            "about": {"kind": "request", "id": str(event.request_id)},
            "actor": f"person:{person}",
            "rule_key": "approval.decide",
            "policy_version": 1,
            "data": {"request_id": str(event.request_id), "number": 7, "kind": "join"},
        }
        assert told["last_position"] == told["newest_position"] == before + 1

    async def test_the_next_answer_goes_on_where_the_last_ended(self, desk: Desk) -> None:
        after = await newest(desk)
        await given(desk.sessions, *range(5))
        found = []
        for _ in range(3):
            told = await feed(desk, after=after, limit=2)
            found += numbers(told)
            after = told["last_position"]
        assert found == [0, 1, 2, 3, 4]
        assert (await feed(desk, after=after))["items"] == []

    async def test_without_a_position_it_begins_with_the_oldest(self, desk: Desk) -> None:
        before = await newest(desk)
        await given(desk.sessions, 1, 2, 3)
        async with transaction(desk.sessions) as session:
            await prune(session, before=MONDAY_9AM + timedelta(days=1), limit=before + 2)
        told = await feed(desk)
        assert numbers(told) == [3]
        assert told["oldest_position"] == before + 3

    async def test_only_a_key_that_may(self, counter: Desk) -> None:
        async with counter.client(await counter.key_with("audit:read")) as other:
            answer = await other.get("/events")
        assert (answer.status_code, answer.json()["scope"]) == (403, "events:read")
        async with counter.client(await counter.key_with("events:read")) as other:
            assert (await other.get("/events")).status_code == 200


class TestTypes:
    async def test_a_reader_chooses_and_moves_on_where_it_sees_nothing(self, desk: Desk) -> None:
        before = await newest(desk)
        await given(desk.sessions, 1, 2)
        told = await feed(desk, after=before, types="task.done")
        assert told["items"] == []
        assert told["last_position"] == before + 2

    async def test_a_family_or_several_by_name(self, desk: Desk) -> None:
        before = await newest(desk)
        async with transaction(desk.sessions) as session:
            await say(session, 1)
            await publish(session, catalogue.TaskDone(task_id=new_id(), progress=100), WHY, now=MONDAY_9AM)
            await publish(session, catalogue.UseridLinked(person_id=new_id()), WHY, now=MONDAY_9AM)
        async with transaction(desk.sessions) as session:
            await give_positions(session)

        async def types(asked: str) -> list[str]:
            return [item["type"] for item in (await feed(desk, after=before, types=asked))["items"]]

        assert await types("request.*") == ["request.approved"]
        assert await types("task.done, userid.linked") == ["task.done", "userid.linked"]
        assert await types("") == ["request.approved", "task.done", "userid.linked"]

    @pytest.mark.parametrize("asked", ["request.aproved", "nothing.*", "*", "request"])
    async def test_an_unknown_one_is_named_with_those_there_are(self, counter: Desk, asked: str) -> None:
        problem = await feed(counter, 400, types=f"task.done,{asked}")
        assert problem["type"] == "/problems/unknown-event-type"
        assert f"不认识：{asked}；" in problem["detail"]
        assert "request.approved" in problem["detail"]


class TestBounds:
    async def test_who_comes_too_late_is_told_how_to_catch_up(self, desk: Desk) -> None:
        before = await newest(desk)
        await given(desk.sessions, 1, 2, 3)
        async with transaction(desk.sessions) as session:
            await prune(session, before=MONDAY_9AM + timedelta(days=1), limit=before + 2)
        problem = await feed(desk, 410, after=before + 1)
        assert problem["type"] == "/problems/events-gone"
        assert "updated_since" in problem["detail"]
        assert problem["oldest"] == before + 3
        assert numbers(await feed(desk, after=problem["resume_after"])) == [3]

    async def test_a_position_that_was_never_given_is_refused(self, counter: Desk) -> None:
        before = await newest(counter)
        problem = await feed(counter, 400, after=before + 1)
        assert problem["type"] == "/problems/position-ahead"
        assert problem["newest"] == before

    @pytest.mark.parametrize(
        "asked", [{"after": -1}, {"after": 2**63}, {"limit": 0}, {"limit": 1001}, {"wait": 31}, {"wait": "long"}]
    )
    async def test_what_makes_no_sense_is_malformed(self, counter: Desk, asked: dict[str, Any]) -> None:
        await feed(counter, 422, **asked)


class TestWaiting:
    async def test_the_answer_comes_with_the_first_event(self, desk: Desk) -> None:
        before = await newest(desk)
        waiting = asyncio.create_task(feed(desk, after=before, wait=30))
        await asyncio.sleep(0.4)
        assert not waiting.done()
        begun = time.monotonic()
        await given(desk.sessions, 7)
        told = await waiting
        assert numbers(told) == [7]
        assert time.monotonic() - begun < 5

    async def test_what_is_not_asked_for_does_not_wake(self, desk: Desk) -> None:
        before = await newest(desk)
        waiting = asyncio.create_task(feed(desk, after=before, wait=1, types="task.*"))
        await asyncio.sleep(0.3)
        await given(desk.sessions, 7)
        told = await waiting
        assert told["items"] == []
        assert told["last_position"] == before + 1

    async def test_a_process_that_ends_lets_nobody_wait(self, desk: Desk) -> None:
        before = await newest(desk)
        waiting = asyncio.create_task(feed(desk, after=before, wait=30))
        await asyncio.sleep(0.4)
        answer_who_waits(desk.app)
        async with asyncio.timeout(25):  # less than it asked to wait
            assert (await waiting)["last_position"] == before

    async def test_a_crowd_that_waits_holds_no_connection(self, desk: Desk) -> None:
        """More readers than the pool has connections, and others are served as ever."""
        before = await newest(desk)
        crowd = [asyncio.create_task(feed(desk, after=before, wait=30)) for _ in range(40)]
        await asyncio.sleep(0.5)
        for _ in range(20):
            assert (await desk.http.get("/api-keys")).status_code == 200
        assert not any(reader.done() for reader in crowd)
        await given(desk.sessions, 7)
        told = await asyncio.gather(*crowd)
        assert all(numbers(one) == [7] for one in told)
