"""REST: `deliveries`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from app.database import transaction
from app.delivery import service
from models.delivery import CallKind
from models.ids import new_id
from tests.company import answer
from tests.delivery.conftest import Desk


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with desk.serving("deliveries:read", "deliveries:write") as client:
        yield client


class TestReading:
    """The four states of a message's recipients, and the calls behind them."""

    async def test_recipients_of_a_message_by_state(self, desk: Desk, client: httpx.AsyncClient) -> None:
        message = await desk.text([*await desk.colleagues(2), *await desk.know(["Ghost"])])
        await desk.work()

        failed = await answer(client.get("/deliveries", params={"message": str(message.id), "state": "failed"}))
        [row] = failed["items"]
        assert (row["userid"], row["reason"], row["part"]) == ("Ghost", "invalid_user", 1)
        summary = await answer(client.get("/deliveries/summary", params={"message": str(message.id)}))
        assert (summary["audience"], summary["sent"], summary["failed"]) == (3, 2, 1)

    async def test_what_was_meant_for_a_person(self, desk: Desk, client: httpx.AsyncClient) -> None:
        people = await desk.colleagues(2)
        await desk.text(people)
        await desk.text(people[:1])

        userid = next(iter(desk.people))
        assert len((await answer(client.get("/deliveries", params={"userid": userid.upper()})))["items"]) == 2

    async def test_pages_follow_each_other(self, desk: Desk, client: httpx.AsyncClient) -> None:
        await desk.text(await desk.colleagues(3))
        first = await answer(client.get("/deliveries", params={"limit": 2}))
        rest = await answer(client.get("/deliveries", params={"limit": 2, "cursor": first["next_cursor"]}))

        assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)

    async def test_a_call_is_shown_without_its_body_and_its_code(self, desk: Desk, client: httpx.AsyncClient) -> None:
        await desk.card(await desk.colleagues(1))
        await desk.work()
        [call] = await desk.calls()

        [shown] = (await answer(client.get("/deliveries/calls", params={"state": "done"})))["items"]
        looked_into = await answer(client.get(f"/deliveries/calls/{call.id}"))
        assert shown.items() <= looked_into.items()
        assert str(call.response_code) not in str(looked_into)
        assert "request_body" not in looked_into

    async def test_what_does_not_exist_is_not_found(self, client: httpx.AsyncClient) -> None:
        await answer(client.get(f"/deliveries/calls/{new_id()}"), 404)
        await answer(client.get("/deliveries/summary", params={"message": str(new_id())}), 404)
        await answer(client.post("/deliveries/4711/retry"), 404)


class TestLookingInto:
    """F116: every attempt, what the answer means and what cures it; the bytes apart, for those who may read them."""

    async def test_what_a_refusal_means(self, desk: Desk, client: httpx.AsyncClient) -> None:
        message = await desk.text(await desk.know(["Ghost"]))
        await desk.work()
        [call] = await desk.calls()
        told = await answer(client.get(f"/deliveries/calls/{call.id}"))
        assert told["recipients"] == {"sent": 0, "failed": 1, "unknown": 0, "held": 0}
        assert told["meaning"]["errcode"] == call.errcode == 81013
        assert told["meaning"]["meaning_en"].isascii()
        assert told["meaning"]["cure"]
        assert [one["id"] for one in told["attempts_made"]] == [str(call.id)]
        listed = await answer(client.get("/deliveries", params={"call": str(call.id)}))
        assert [row["message_id"] for row in listed["items"]] == [str(message.id)]
        assert (await answer(client.get("/deliveries", params={"call": str(new_id())})))["items"] == []

    async def test_every_attempt_from_whichever_one_looks(self, desk: Desk, client: httpx.AsyncClient) -> None:
        chatid = await desk.group()
        first = await desk.to_group(chatid, "请查收", new_id())
        await desk.sandbox.fail("appchat/send", errcode=86008, times=1)
        await desk.work()
        again = await answer(client.post(f"/deliveries/calls/{first.id}/retry"))
        await desk.work()
        for call_id in (str(first.id), again["id"]):
            told = await answer(client.get(f"/deliveries/calls/{call_id}"))
            assert [one["id"] for one in told["attempts_made"]] == [str(first.id), again["id"]]

    async def test_the_bytes_are_for_who_may_read_what_people_are_told(
        self, desk: Desk, client: httpx.AsyncClient
    ) -> None:
        await desk.text(await desk.colleagues(1))
        await desk.work()
        [call] = await desk.calls()
        await answer(client.get(f"/deliveries/calls/{call.id}/content"), 403)
        async with desk.serving("deliveries:content") as reader:
            told = await answer(reader.get(f"/deliveries/calls/{call.id}/content"))
            await answer(reader.get(f"/deliveries/calls/{new_id()}/content"), 404)
        assert json.loads(told["request"]) == json.loads(call.request_body)
        assert "\n  " in told["request"]

    async def test_a_code_that_changes_a_card_is_shown_to_nobody(self, desk: Desk) -> None:
        body = {"response_code": "rc-1", "template_card": {"response_code": "rc-2"}, "userids": ["li"]}
        call = await desk.request(CallKind.CARD_UPDATE, body)
        async with transaction(desk.sessions) as session:
            content = await service.content_of_call(session, call_id=call.id)
        assert json.loads(content.request) == {
            "response_code": "…",
            "template_card": {"response_code": "…"},
            "userids": ["li"],
        }
        assert content.answer == ""


class TestDeciding:
    """P3: what nobody can tell waits for a person."""

    async def test_a_failed_recipient_is_retried(self, desk: Desk, client: httpx.AsyncClient) -> None:
        message = await desk.text(await desk.know(["latecomer"]))
        await desk.work()
        await desk.sandbox.hire("latecomer", "晚来的人")
        [row] = await desk.deliveries(message)

        retried = await answer(client.post(f"/deliveries/{row.id}/retry"))
        assert (retried["state"], retried["reason"]) == ("held", "queued")
        await desk.work()
        assert await desk.account(message) == {"sent": 1}

    async def test_a_sent_one_is_not_and_the_answer_says_why(self, desk: Desk, client: httpx.AsyncClient) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.work()
        [row] = await desk.deliveries(message)

        problem = await answer(client.post(f"/deliveries/{row.id}/retry"), 409)
        assert (problem["type"], problem["state"]) == ("/problems/nothing-to-retry", "sent")

    async def test_an_unknown_group_post_is_resolved(self, desk: Desk, client: httpx.AsyncClient) -> None:
        chatid = await desk.group()
        await desk.sandbox.fail("appchat/send", timeout=True, when="after")
        call = await desk.to_group(chatid, "通知", new_id())
        await desk.work()

        [waiting] = (await answer(client.get("/deliveries/calls", params={"state": "unknown"})))["items"]
        assert waiting["id"] == str(call.id)
        resolved = await answer(client.post(f"/deliveries/calls/{call.id}/resolve", json={"as": "done"}))
        assert resolved["state"] == "done"
        await answer(client.post(f"/deliveries/calls/{call.id}/resolve", json={"as": "failed"}), 409)

    async def test_reading_alone_does_not_decide(self, desk: Desk) -> None:
        async with desk.serving("deliveries:read") as reader:
            await answer(reader.post("/deliveries/1/retry"), 403)
