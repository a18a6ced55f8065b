"""REST of received events: list, read, replay (F14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from app.database import Sessions, transaction
from app.inbox import service
from app.inbox.processor import InboxProcessor
from app.inbox.router import router
from app.inbox.rules import DONE, Outcome
from app.settings import Settings
from app.web import problems
from app.web.keys import install_bootstrap_key
from models.inbox import ReceivedEvent
from tests.builders.callbacks import arrival, payload
from tests.fakes.clock import MONDAY_9AM, FakeClock


@dataclass(frozen=True)
class Services:
    settings: Settings
    sessions: Sessions
    clock: FakeClock


@pytest.fixture
async def http(sessions: Sessions, settings: Settings, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    assert settings.bootstrap_api_key is not None
    key = settings.bootstrap_api_key.get_secret_value()
    async with transaction(sessions) as session:
        await install_bootstrap_key(session, key=key, now=clock.now())
    app = FastAPI()
    app.state.services = Services(settings, sessions, clock)
    api = APIRouter(prefix="/api/v1")
    api.include_router(router)
    app.include_router(api)
    problems.install(app)
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://steward.test/api/v1", headers=headers) as http:
        yield http


async def store(sessions: Sessions, count: int = 1, **facts: str) -> None:
    async with transaction(sessions) as session:
        await service.store(session, arrivals=[arrival(**facts) for _ in range(count)])  # type: ignore[arg-type]  # texts only


async def finish(sessions: Sessions, clock: FakeClock) -> None:
    async def nothing(*_arguments: object) -> Outcome:
        return DONE

    await InboxProcessor(sessions, clock, nothing).drain()


class TestTheList:
    async def test_pages_hold_every_event_once_the_newest_first(
        self, http: httpx.AsyncClient, sessions: Sessions
    ) -> None:
        await store(sessions, 5)
        found: list[int] = []
        cursor: str | None = None
        while True:
            page = (await http.get("/callbacks", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert found == sorted(found, reverse=True)
        assert len(set(found)) == 5

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"subject": "user:li"}, 2),
            ({"event_type": "view"}, 2),
            ({"subject": "user:li", "event_type": "view"}, 1),
            ({"state": "pending"}, 3),
            ({"state": "parked"}, 0),
        ],
    )
    async def test_it_is_filtered(
        self, query: dict[str, str], count: int, http: httpx.AsyncClient, sessions: Sessions
    ) -> None:
        for subject, event_type in (("user:li", "click"), ("user:li", "view"), ("user:wang", "view")):
            await store(sessions, subject=subject, event_type=event_type)

        assert len((await http.get("/callbacks", params=query)).json()["items"]) == count

    async def test_it_says_what_became_of_each_and_holds_no_bodies(
        self, http: httpx.AsyncClient, sessions: Sessions
    ) -> None:
        await store(sessions)
        (item,) = (await http.get("/callbacks")).json()["items"]

        assert (item["channel"], item["event_type"], item["subject"]) == ("app", "enter_agent", "user:li")
        assert (item["state"], item["attempts"], item["repeats"], item["reason"]) == ("pending", 0, 0, None)
        assert "body" not in item

    @pytest.mark.parametrize("query", [{"state": "lost"}, {"limit": "1000"}])
    async def test_a_malformed_question_is_refused(self, query: dict[str, str], http: httpx.AsyncClient) -> None:
        assert (await http.get("/callbacks", params=query)).status_code == 422

    async def test_a_key_is_needed(self, http: httpx.AsyncClient) -> None:
        assert (await http.get("/callbacks", headers={"Authorization": ""})).status_code == 401


class TestOneEvent:
    async def test_it_comes_with_its_decrypted_body(self, http: httpx.AsyncClient, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            await service.store(session, arrivals=[arrival(body=payload("message__text"))])
        (item,) = (await http.get("/callbacks")).json()["items"]

        detail = (await http.get(f"/callbacks/{item['id']}")).json()

        assert detail["body"] == payload("message__text").decode()
        assert len(detail["digest"]) == 64

    @pytest.mark.parametrize("path", ["/callbacks/404", "/callbacks/9223372036854775807"])
    async def test_what_does_not_exist_is_404(self, path: str, http: httpx.AsyncClient) -> None:
        answer = await http.get(path)

        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/callback-not-found")

    @pytest.mark.parametrize("path", ["/callbacks/0", "/callbacks/x", "/callbacks/9223372036854775808"])
    async def test_what_is_no_id_is_422(self, path: str, http: httpx.AsyncClient) -> None:
        assert (await http.get(path)).status_code == 422


class TestReplay:
    async def test_a_finished_event_waits_again_under_its_id(
        self, http: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        await store(sessions)
        await finish(sessions, clock)
        (item,) = (await http.get("/callbacks")).json()["items"]
        assert item["state"] == "done"

        answer = await http.post(f"/callbacks/{item['id']}/replay", headers={"Idempotency-Key": "once"})
        again = await http.post(f"/callbacks/{item['id']}/replay", headers={"Idempotency-Key": "once"})

        assert (answer.status_code, answer.json()["state"]) == (200, "pending")
        assert answer.json()["id"] == item["id"]
        assert again.json() == answer.json()
        await finish(sessions, clock)
        async with transaction(sessions) as session:
            event = await session.get_one(ReceivedEvent, item["id"])
            assert (event.state, event.replayed_at) == ("done", MONDAY_9AM)

    async def test_what_still_waits_is_409_with_a_sentence(self, http: httpx.AsyncClient, sessions: Sessions) -> None:
        await store(sessions)
        (item,) = (await http.get("/callbacks")).json()["items"]

        answer = await http.post(f"/callbacks/{item['id']}/replay")

        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/callback-still-waiting")
        assert "重放" in answer.json()["detail"]

    async def test_what_does_not_exist_is_404(self, http: httpx.AsyncClient) -> None:
        assert (await http.post("/callbacks/404/replay")).status_code == 404
