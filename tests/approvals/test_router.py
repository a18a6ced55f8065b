from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.approvals import service
from app.database import Sessions, transaction
from app.settings import Settings
from models.approvals import OutcomeState
from models.ids import RequestId
from tests.builders.approvals import Library, step
from tests.company import Company, found, serving
from tests.databases import register
from tests.fakes.clock import FakeClock

HEAD_THEN_HR = [step("部门负责人", "department_head"), step("人力资源", "role:hr")]


@dataclass
class Desk:
    """Another service of the company, calling the REST API for people."""

    http: httpx.AsyncClient
    library: Library
    company: Company
    sessions: Sessions
    clock: FakeClock

    async def apply(self, userid: str = "li", thing: str = "投影仪") -> dict[str, Any]:
        answer = await self.http.post(
            "/requests", json={"kind": "borrow", "requester": userid, "payload": {"thing": thing}, "reason": "客户演示"}
        )
        assert answer.status_code == 201, answer.text
        self.clock.advance(timedelta(minutes=1))
        body: dict[str, Any] = answer.json()
        return body

    async def decide(self, request: dict[str, Any], userid: str, verdict: str = "approve") -> httpx.Response:
        path = f"/requests/{request['id']}/decisions"
        return await self.http.post(path, json={"person": userid, "verdict": verdict, "comment": "好"})

    async def numbers(self, **filters: str) -> list[int]:
        answer = await self.http.get("/requests", params=filters)
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]


@pytest.fixture
async def desk(sessions: Sessions, clock: FakeClock, settings: Settings) -> AsyncIterator[Desk]:
    async with transaction(sessions) as session:
        company = await found(session)
    library = Library(HEAD_THEN_HR)
    register(sessions, kinds={library.name: library})
    async with serving(sessions, clock, settings, scopes=["requests:write", "requests:decide"]) as http:
        yield Desk(http, library, company, sessions, clock)


class TestApplying:
    """2.1: 入群须先申请 (here: borrowing, by the same steps)."""

    async def test_answers_with_steps_clause_and_policy_version(self, desk: Desk) -> None:
        request = await desk.apply()

        assert (request["state"], request["outcome"], request["requester"]) == ("pending", "none", "li")
        assert request["rule"]["clause"] == "2.1"
        assert request["rule"]["rule_key"] == "member.join"
        assert request["rule"]["policy_version"] == desk.company.policy.number
        assert [(one["name"], one["state"], one["approvers"]) for one in request["steps"]] == [
            ("部门负责人", "open", ["wang"]),
            ("人力资源", "waiting", []),
        ]
        assert request["fields"] == [["物品", "投影仪"]]
        assert request["submitted_by"].startswith("api_key:")

    async def test_reads_the_same_afterwards(self, desk: Desk) -> None:
        request = await desk.apply()
        assert (await desk.http.get(f"/requests/{request['id']}")).json() == request

    async def test_twice_is_a_conflict_that_names_the_open_one(self, desk: Desk) -> None:
        first = await desk.apply()
        answer = await desk.http.post(
            "/requests", json={"kind": "borrow", "requester": "LI", "payload": {"thing": "投影仪"}}
        )
        assert answer.status_code == 409
        assert (answer.json()["type"], answer.json()["request_id"]) == ("/problems/duplicate-request", first["id"])

    async def test_the_same_idempotency_key_is_the_same_request(self, desk: Desk) -> None:
        body = {"kind": "borrow", "requester": "li", "payload": {"thing": "相机"}}
        one, other = [
            await desk.http.post("/requests", json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(2)
        ]
        assert (one.status_code, other.status_code) == (201, 201)
        assert one.json()["id"] == other.json()["id"]

    @pytest.mark.parametrize(
        ("change", "status", "slug"),
        [
            ({"requester": "nobody"}, 404, "member-not-found"),
            ({"kind": "steal"}, 400, "unknown-request-kind"),
            ({"payload": {}}, 400, "unreadable-payload"),
            ({"payload": {"thing": "公章"}}, 400, "invalid"),
            ({"colour": "red"}, 422, "malformed"),
        ],
    )
    async def test_refusals_say_what_is_wrong(self, desk: Desk, change: dict[str, Any], status: int, slug: str) -> None:
        body = {"kind": "borrow", "requester": "li", "payload": {"thing": "投影仪"}} | change
        answer = await desk.http.post("/requests", json=body)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")


class TestDeciding:
    """F53: decide by API, in a person's name."""

    async def test_step_by_step_to_the_approval(self, desk: Desk) -> None:
        request = await desk.apply()
        await desk.decide(request, "wang")
        answer = await desk.decide(request, "han")

        body = answer.json()
        assert (answer.status_code, body["state"], body["outcome"]) == (201, "approved", "pending")
        assert [(one["decisions"][0]["person"], one["decisions"][0]["via"]) for one in body["steps"]] == [
            ("wang", "rest"),
            ("han", "rest"),
        ]
        assert len(desk.library.lent) == 1

    @pytest.mark.parametrize(
        ("userid", "status", "slug"),
        [("li", 403, "own-request"), ("sun", 403, "not-an-approver"), ("nobody", 404, "member-not-found")],
    )
    async def test_who_may_not(self, desk: Desk, userid: str, status: int, slug: str) -> None:
        answer = await desk.decide(await desk.apply(), userid)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")

    async def test_too_late_names_who_was_faster(self, desk: Desk) -> None:
        request = await desk.apply()
        await desk.decide(request, "wang")
        await desk.decide(request, "han", "reject")
        answer = await desk.decide(request, "sun")
        assert answer.status_code == 409
        assert "韩梅" in answer.json()["detail"]

    async def test_a_request_that_is_not_there(self, desk: Desk) -> None:
        assert (await desk.decide({"id": str(uuid4())}, "wang")).status_code == 404


class TestTheLists:
    """F53: every list: waiting for me, mine, by state and kind."""

    async def test_waiting_for_me_ends_with_my_decision(self, desk: Desk) -> None:
        request = await desk.apply()
        assert await desk.numbers(approver="wang") == [request["number"]]
        assert await desk.numbers(approver="han") == []

        await desk.decide(request, "wang")
        assert await desk.numbers(approver="wang") == []
        assert await desk.numbers(approver="han") == [request["number"]]

    async def test_mine_and_by_state_and_kind(self, desk: Desk) -> None:
        mine, other = await desk.apply("li"), await desk.apply("chen")
        await desk.decide(other, "wang", "reject")

        assert await desk.numbers(requester="li") == [mine["number"]]
        assert await desk.numbers(state="rejected") == [other["number"]]
        assert await desk.numbers(kind="borrow", state="pending") == [mine["number"]]
        assert await desk.numbers(kind="join") == []

    async def test_what_changed_since(self, desk: Desk) -> None:
        first, second = await desk.apply("li"), await desk.apply("chen")
        assert await desk.numbers(updated_since=second["updated_at"]) == [second["number"]]
        await desk.decide(first, "wang")
        assert await desk.numbers(updated_since=second["updated_at"]) == [first["number"], second["number"]]

    async def test_page_by_page(self, desk: Desk) -> None:
        numbers = [(await desk.apply("li", thing))["number"] for thing in ("笔", "本", "尺")]
        first = (await desk.http.get("/requests", params={"limit": 2})).json()
        rest = (await desk.http.get("/requests", params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert [item["number"] for item in first["items"] + rest["items"]] == numbers[::-1]
        assert rest["next_cursor"] is None


class TestWithdrawing:
    async def test_the_requester_takes_it_back(self, desk: Desk) -> None:
        request = await desk.apply()
        answer = await desk.http.post(f"/requests/{request['id']}/withdraw")
        assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")

    async def test_nobody_else_does(self, desk: Desk) -> None:
        request = await desk.apply()
        answer = await desk.http.post(f"/requests/{request['id']}/withdraw", json={"person": "wang"})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-the-requester")


class TestRetrying:
    """F59: approved-but-platform-failed is visible and retryable."""

    async def test_a_failed_outcome_shows_and_is_carried_out_again(self, desk: Desk) -> None:
        request = await desk.apply()
        await desk.decide(request, "wang")
        await desk.decide(request, "han")
        async with transaction(desk.sessions) as session:
            await service.finish_outcome(
                session,
                request_id=RequestId(desk.library.lent[0].id),
                outcome=OutcomeState.FAILED,
                detail="45009 接口调用超过限制",
                now=desk.clock.now(),
            )

        shown = (await desk.http.get(f"/requests/{request['id']}")).json()
        assert (shown["state"], shown["outcome"], shown["outcome_detail"]) == (
            "approved",
            "failed",
            "45009 接口调用超过限制",
        )
        again = await desk.http.post(f"/requests/{request['id']}/retry")
        assert (again.status_code, again.json()["outcome"]) == (200, "pending")
        assert len(desk.library.lent) == 2

    async def test_nothing_failed_nothing_to_retry(self, desk: Desk) -> None:
        request = await desk.apply()
        assert (await desk.http.post(f"/requests/{request['id']}/retry")).status_code == 409
