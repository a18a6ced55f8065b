"""REST of received events: list, read, replay (F14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest

from app.access.service import create_key
from app.audit.actor import SYSTEM
from app.database import Sessions, transaction
from app.inbox import refusals, service
from app.inbox.processor import InboxProcessor
from app.inbox.refusals import Attempts
from app.inbox.rules import DONE, Outcome
from app.settings import Settings
from models.inbox import ReceivedEvent
from models.intake import CallbackGap, GapReason
from tests.builders.callbacks import arrival, payload
from tests.company import serving
from tests.fakes.clock import MONDAY_9AM, FakeClock


@pytest.fixture
async def http(sessions: Sessions, settings: Settings, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(sessions, clock, settings) as http:
        yield http


async def store(sessions: Sessions, count: int = 1, **facts: str) -> None:
    async with transaction(sessions) as session:
        await service.store(session, arrivals=[arrival(**facts) for _ in range(count)])  # type: ignore[arg-type]  # texts only


async def note(sessions: Sessions, clock: FakeClock) -> None:
    """Three gaps, the oldest closed; three callers that were turned away."""
    now = clock.now()
    async with transaction(sessions) as session:
        for hours in (3, 2, 1):
            ended = now - timedelta(hours=hours)
            gap = CallbackGap(
                reason=GapReason.NOT_SERVED,
                server="box:1",
                started_at=ended - timedelta(seconds=40),
                ended_at=ended,
                not_stored=hours,
                recorded_at=ended,
                closed_at=now if hours == 3 else None,
            )
            session.add(gap)
            await session.flush()
        attempts = [
            Attempts("app", "bad_signature", "token", "203.0.113.8", 2, now, now, "c-1"),
            Attempts("contacts", "stale_timestamp", "clock", "203.0.113.9", 1, now, now + timedelta(seconds=1), "c-2"),
            Attempts("unknown", "unknown_channel", "", "", 7, now, now + timedelta(seconds=2), "c-3"),
        ]
        await refusals.note(session, attempts)


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


class TestGaps:
    """F17."""

    async def test_the_newest_comes_first_and_every_one_once(
        self, http: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        await note(sessions, clock)

        first = (await http.get("/callbacks/gaps", params={"limit": 2})).json()
        second = (await http.get("/callbacks/gaps", params={"limit": 2, "cursor": first["next_cursor"]})).json()

        assert [gap["not_stored"] for gap in first["items"] + second["items"]] == [1, 2, 3]
        assert second["next_cursor"] is None
        gap = first["items"][0]
        assert datetime.fromisoformat(gap["started_at"]) == MONDAY_9AM - timedelta(hours=1, seconds=40)
        assert (gap["reason"], gap["server"], gap["closed_at"], gap["closed_by"]) == ("not_served", "box:1", None, None)

    @pytest.mark.parametrize(("wanted", "lost"), [("true", [1, 2]), ("false", [3])])
    async def test_the_open_ones_can_be_asked_for(
        self, wanted: str, lost: list[int], http: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        await note(sessions, clock)

        items = (await http.get("/callbacks/gaps", params={"open": wanted})).json()["items"]

        assert [gap["not_stored"] for gap in items] == lost


class TestRefusals:
    """F2."""

    async def test_the_latest_comes_first_with_what_to_do(
        self, http: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        await note(sessions, clock)

        first = (await http.get("/callbacks/refusals", params={"limit": 2})).json()
        second = (await http.get("/callbacks/refusals", params={"limit": 2, "cursor": first["next_cursor"]})).json()

        found = first["items"] + second["items"]
        assert [(each["channel"], each["times"]) for each in found] == [("unknown", 7), ("contacts", 1), ("app", 2)]
        assert (found[2]["caller"], found[2]["disagrees"]) == ("203.0.113.8", "token")
        assert "只有 Token 不一致" in found[2]["explanation"]

    async def test_one_address_can_be_asked_for(
        self, http: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
    ) -> None:
        await note(sessions, clock)

        items = (await http.get("/callbacks/refusals", params={"channel": "contacts"})).json()["items"]

        assert [each["reason"] for each in items] == ["stale_timestamp"]
        assert (await http.get("/callbacks/refusals", params={"channel": "robot"})).status_code == 422


@pytest.mark.parametrize("path", ["/callbacks/gaps", "/callbacks/refusals"])
async def test_the_intake_is_shown_to_who_may_read_callbacks(
    path: str, http: httpx.AsyncClient, sessions: Sessions, clock: FakeClock
) -> None:
    async with transaction(sessions) as session:
        made = [
            (await create_key(session, name=scope, scopes=[scope], actor=SYSTEM, now=clock.now()))[1]
            for scope in ("callbacks:read", "org:read")
        ]

    answers = [await http.get(path, headers={"Authorization": f"Bearer {key}"}) for key in made]

    assert [answer.status_code for answer in answers] == [200, 403]


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
        shown = (await http.get(f"/callbacks/{item['id']}")).json()
        assert [one["at"] for one in shown["replays"]] == ["2026-03-02T01:00:00Z"]
        assert shown["replays"][0]["actor"].startswith("api_key:")
        assert {"name": "Event", "value": "enter_agent"} in shown["fields"]

    async def test_what_still_waits_is_409_with_a_sentence(self, http: httpx.AsyncClient, sessions: Sessions) -> None:
        await store(sessions)
        (item,) = (await http.get("/callbacks")).json()["items"]

        answer = await http.post(f"/callbacks/{item['id']}/replay")

        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/callback-still-waiting")
        assert "重放" in answer.json()["detail"]

    async def test_what_does_not_exist_is_404(self, http: httpx.AsyncClient) -> None:
        assert (await http.post("/callbacks/404/replay")).status_code == 404
