"""F193: what each key was used for, by day and route, and each request; written later, in one statement."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.access.keys.jobs import KEPT, prune_requests
from app.access.keys.request_log import MOST_WAITING, RequestLog
from app.bootstrap import Services
from app.database import async_url, create_engine, create_sessions, transaction
from app.jobs.job import Nothing
from models.api_requests import ApiRequest
from tests.builders import org
from tests.fakes.clock import FakeClock
from tests.web.conftest import Desk, desk

__all__ = ["desk"]


async def key_id(desk: Desk) -> str:
    return str((await desk.http.get("/api-keys")).json()["items"][0]["id"])


async def lines(services: Services) -> int:
    async with transaction(services.sessions) as session:
        return (await session.scalars(select(func.count()).select_from(ApiRequest))).one()


class TestWhatIsWritten:
    async def test_route_status_person_and_correlation_and_no_address(self, desk: Desk) -> None:
        async with transaction(desk.sessions) as session:
            await org.person(session, "li", "李军")
        key = await key_id(desk)
        headers = {"X-Correlation-Id": "corr-0123456789"}
        path = f"/tasks/{UUID(int=1)}/accept?secret=1"
        answered = await desk.http.post(path, json={"person": "li"}, headers=headers)
        assert answered.status_code == 404
        await desk.services.request_log.flush()
        last = (await desk.http.get(f"/api-keys/{key}/requests")).json()["items"][0]
        assert (last["method"], last["route"], last["status"]) == ("POST", "/api/v1/tasks/{task_id}/accept", 404)
        assert (last["person"], last["correlation_id"]) == ("li", "corr-0123456789")
        assert last["milliseconds"] >= 0
        assert "secret" not in str(last)

    async def test_a_request_without_a_key_is_nobodys(self, desk: Desk) -> None:
        async with desk.client("stw_nobody") as http:
            assert (await http.get("/departments")).status_code == 401
        await desk.services.request_log.flush()
        assert await lines(desk.services) == 0

    async def test_nothing_is_written_while_the_caller_waits(self, desk: Desk) -> None:
        await desk.http.get("/departments")
        assert await lines(desk.services) == 0
        await desk.services.request_log.flush()
        assert await lines(desk.services) == 1

    async def test_stopping_writes_the_last_lines(self, desk: Desk) -> None:
        request_log = desk.services.request_log
        await request_log.start()
        await desk.http.get("/departments")
        await request_log.stop()
        assert await lines(desk.services) == 1

    async def test_while_the_database_is_away_lines_wait_and_the_oldest_go(self, clock: FakeClock, desk: Desk) -> None:
        away = create_sessions(create_engine(async_url("postgresql://steward:x@127.0.0.1:9/steward")))
        request_log = RequestLog(away, clock)
        for number in range(MOST_WAITING + 5):
            request_log.note({"api_key_id": UUID(int=1), "milliseconds": number})
        await request_log.flush()
        assert [len(request_log.waiting), request_log.waiting[0]["milliseconds"]] == [MOST_WAITING, 5]


class TestUsage:
    async def test_per_day_of_the_company_and_route_with_what_failed(self, desk: Desk, clock: FakeClock) -> None:
        key = await key_id(desk)
        await desk.services.request_log.flush()
        clock.advance(timedelta(days=1))
        for path in ("/departments", "/departments", "/departments/4711"):
            await desk.http.get(path)
        await desk.services.request_log.flush()
        told = (await desk.http.get(f"/api-keys/{key}/usage")).json()["items"]
        assert [(row["day"], row["route"], row["requests"], row["failures"]) for row in told] == [
            ("2026-03-03", "/api/v1/departments", 2, 0),
            ("2026-03-03", "/api/v1/departments/{department_id}", 1, 1),
            ("2026-03-02", "/api/v1/api-keys", 1, 0),
        ]
        only = (await desk.http.get(f"/api-keys/{key}/usage", params={"days": 1})).json()["items"]
        assert {row["day"] for row in only} == {"2026-03-03"}

    async def test_pages_of_requests_and_those_that_failed(self, desk: Desk) -> None:
        key = await key_id(desk)
        for path in ("/departments", "/departments/4711", "/departments/4712"):
            await desk.http.get(path)
        await desk.services.request_log.flush()
        first = (await desk.http.get(f"/api-keys/{key}/requests", params={"limit": 1, "failed": "true"})).json()
        second = await desk.http.get(
            f"/api-keys/{key}/requests", params={"limit": 1, "failed": "true", "cursor": first["next_cursor"]}
        )
        assert [first["items"][0]["status"], second.json()["items"][0]["status"]] == [404, 404]
        assert second.json()["next_cursor"] is None

    @pytest.mark.parametrize("part", ["usage", "requests"])
    async def test_a_key_that_is_not_there_is_404(self, desk: Desk, part: str) -> None:
        assert (await desk.http.get(f"/api-keys/{UUID(int=9)}/{part}")).status_code == 404

    async def test_old_lines_go(self, desk: Desk, clock: FakeClock) -> None:
        await desk.http.get("/departments")
        await desk.services.request_log.flush()
        clock.advance(KEPT)
        await prune_requests(desk.services.job_context, Nothing())
        assert await lines(desk.services) == 1
        clock.advance(timedelta(seconds=1))
        await prune_requests(desk.services.job_context, Nothing())
        assert await lines(desk.services) == 0
