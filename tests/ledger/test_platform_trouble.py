"""Trouble that is not about what is said destroys nothing: calls are held, in order, until one gets through."""

from __future__ import annotations

import hashlib
import json

import httpx
import pytest
from sqlalchemy import select, update

from app.database import transaction
from app.ledger import rules
from app.ledger.calls import set_body
from app.ledger.recovery import MOST_REPEATS
from app.wecom.message_bodies.split_text import split_text
from models.delivery import CallKind, CallState, OutgoingCall
from models.ids import new_id
from models.installation import App
from models.limits import LimitBlock
from tests.delivery.conftest import Desk
from tests.platform import Answer

ABOUT_THE_APP = (-1, 40014, 42001, 48002, 50003, 60020, 301002)


async def several(desk: Desk, count: int = 3) -> list[str]:
    """Messages to the same person, in this order."""
    [person] = await desk.colleagues(1)
    said = [f"第{number}条" for number in range(1, count + 1)]
    for text in said:
        await desk.text([person], text)
    return said


async def seen(desk: Desk) -> list[str]:
    [userid] = desk.people
    return [split_text(message["text"])[0].split("\n")[0] for message in await desk.phone(userid)]


async def states(desk: Desk) -> set[tuple[CallState, str | None]]:
    return {(call.state, call.hold_reason) for call in await desk.calls()}


class TestHeld:
    @pytest.mark.parametrize("errcode", ABOUT_THE_APP)
    async def test_for_an_hour_and_all_arrive_in_order_with_nobody_doing_anything(
        self, desk: Desk, errcode: int
    ) -> None:
        said = await several(desk)
        await desk.sandbox.fail("message/send", errcode=errcode, times=None)
        await desk.work()
        for _ in range(12):
            assert await states(desk) == {(CallState.HELD, "platform_trouble")}
            assert all(call.not_before for call in await desk.calls()), "until when"
            await desk.pass_time(minutes=5)

        await desk.sandbox.clear_faults()
        await desk.pass_time(minutes=1)
        await desk.pass_time(seconds=5)

        assert await seen(desk) == said
        assert await states(desk) == {(CallState.DONE, None)}

    async def test_when_the_first_says_why_the_others_are_not_tried(self, desk: Desk) -> None:
        await several(desk, 5)
        await desk.sandbox.fail("message/send", errcode=60020, times=None)
        await desk.work()

        assert len(await desk.sandbox.calls("message/send")) == 1
        [first, *_] = await desk.calls()
        assert first.errcode == 60020
        assert "企业可信IP" in str(first.error)

    async def test_a_cut_line_holds_everything_too(self, desk: Desk) -> None:
        said = await several(desk)
        desk.line.is_cut = True
        await desk.work()
        for _ in range(10):
            await desk.pass_time(minutes=10)
        assert await states(desk) == {(CallState.HELD, "platform_trouble")}

        desk.line.is_cut = False
        await desk.pass_time(minutes=1)
        await desk.pass_time(seconds=5)

        assert await seen(desk) == said

    @pytest.mark.parametrize("errcode", [40001, 40013, 40058, 999_999])
    async def test_a_wrong_answer_of_gettoken_concerns_no_message(self, desk: Desk, errcode: int) -> None:
        said = await several(desk)
        desk.line.rewrites["gettoken"] = lambda _request, _answer: {"errcode": errcode, "errmsg": "wrong"}
        await desk.work()
        assert await states(desk) == {(CallState.HELD, "platform_trouble")}

        del desk.line.rewrites["gettoken"]
        await desk.pass_time(minutes=2)
        await desk.pass_time(seconds=5)

        assert await seen(desk) == said

    async def test_one_good_answer_ends_the_wait_of_all(self, desk: Desk) -> None:
        await several(desk, 1)
        await desk.sandbox.fail("message/send", errcode=-1, times=4)
        await desk.work()
        for _ in range(3):
            await desk.pass_time(seconds=20)
        [waiting] = await desk.calls()
        assert waiting.not_before is not None
        await desk.text([next(iter(desk.people.values()))], "后来的")

        await desk.pass_time(seconds=20)
        await desk.work()

        assert await states(desk) == {(CallState.DONE, None)}
        async with desk.sessions() as session:
            assert (await session.scalars(select(LimitBlock))).all() == []

    async def test_groups_and_cards_are_held_likewise(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        for endpoint in ("appchat/send", "appchat/update"):
            await desk.sandbox.fail(endpoint, errcode=60020, times=None)
        await desk.to_group(chatid, "一", group)
        await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": "新名"}, ordering_key=f"group:{group}")
        await desk.work()
        await desk.pass_time(hours=2)
        post, update = (await desk.calls())[-2:]
        assert (post.hold_reason, update.hold_reason) == ("platform_trouble", "predecessor")

        await desk.sandbox.clear_faults()
        await desk.pass_time(minutes=1)

        assert {call.state for call in (await desk.calls())[-2:]} == {CallState.DONE}


class TestACodeNobodyKnows:
    """P3: it may have had its effect: never a certain failure, never blindly twice."""

    async def test_a_message_is_asked_for_again_only_while_duplicates_are_dropped(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))

        def strange(_request: httpx.Request, _answer: Answer) -> Answer:
            return {"errcode": 999_999, "errmsg": "new"}

        desk.line.rewrites["message/send"] = strange
        await desk.work()
        assert await desk.account(message) == {"unknown": 1}

        del desk.line.rewrites["message/send"]
        await desk.pass_time(seconds=5)

        assert await desk.account(message) == {"sent": 1}
        [userid] = desk.people
        assert len(await desk.phone(userid)) == 1

    async def test_a_group_post_waits_for_a_person(self, desk: Desk) -> None:
        chatid = await desk.group()
        await desk.sandbox.fail("appchat/send", errcode=999_999)
        call = await desk.to_group(chatid, "一", new_id())
        await desk.work()
        await desk.pass_time(hours=5)

        assert (await desk.call(call.id)).state is CallState.UNKNOWN
        assert len(await desk.sandbox.calls("appchat/send")) == 1


class TestTheAgentIdOfNow:
    @pytest.mark.parametrize("errcode", [40056, 301002])
    async def test_what_was_held_for_a_wrong_agentid_goes_with_the_corrected_one(
        self, desk: Desk, errcode: int
    ) -> None:
        said = await several(desk)
        await desk.sandbox.fail("message/send", errcode=errcode, times=None)
        await desk.work()
        right = json.loads((await desk.calls())[0].request_body)["agentid"]
        async with transaction(desk.sessions) as session:
            for call in await session.scalars(select(OutgoingCall)):
                set_body(call, rules.body_of(call) | {"agentid": right + 1})

        await desk.sandbox.clear_faults()
        await desk.pass_time(minutes=2)
        await desk.pass_time(seconds=5)

        assert await seen(desk) == said
        for call in await desk.calls():
            assert json.loads(call.request_body)["agentid"] == right
            assert hashlib.sha256(call.request_body).digest() == call.request_sha256

    async def test_a_call_that_may_have_had_its_effect_keeps_its_bytes(self, desk: Desk) -> None:
        await several(desk, 1)
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        async with transaction(desk.sessions) as session:
            await session.execute(update(App).values(agent_id=1_000_099))
        await desk.pass_time(seconds=5)
        first, second = await desk.sent_bodies()
        assert first == second


class TestAnAnswerThatIsLostWhenAnOutageBegins:
    """It may have arrived, and for an hour and a half nobody can ask: once the platform is back, it is made sure of."""

    @pytest.mark.parametrize("arrived", [True, False])
    @pytest.mark.parametrize("kind", [CallKind.APPCHAT_CREATE, CallKind.APPCHAT_UPDATE, CallKind.MENU_CREATE])
    async def test_nobody_has_to_look(self, desk: Desk, kind: CallKind, arrived: bool) -> None:
        call = await self._asked_for(desk, kind)
        await desk.sandbox.fail(kind.value, timeout=True, when="after" if arrived else "before")
        await desk.work()
        desk.line.is_cut = True
        for _ in range(90):
            await desk.pass_time(minutes=1)
        waiting = await desk.call(call.id)
        assert (waiting.state, waiting.hold_reason) == (CallState.READY, "platform_trouble")
        assert waiting.attempts > MOST_REPEATS
        assert waiting.sent_at is not None

        desk.line.is_cut = False
        for _ in range(3):
            await desk.pass_time(minutes=5)

        ended = {one.state for one in await desk.calls(kind) if call.id in {one.id, one.previous_id}}
        assert ended <= {CallState.DONE, CallState.REPLACED}
        assert CallState.DONE in ended
        assert len(await desk.sandbox.groups()) == (0 if kind is CallKind.MENU_CREATE else 1)

    @staticmethod
    async def _asked_for(desk: Desk, kind: CallKind) -> OutgoingCall:
        if kind is CallKind.APPCHAT_UPDATE:
            return await desk.request(kind, {"chatid": await desk.group(), "name": "新名"}, ordering_key="group:1")
        if kind is CallKind.MENU_CREATE:
            return await desk.request(kind, {"button": [{"type": "click", "name": "我的待办", "key": "todo"}]})
        await desk.colleagues(3)
        userids = list(desk.people)
        return await desk.request(
            kind, {"name": "项目群", "owner": userids[0], "userlist": userids, "chatid": "project1"}
        )


class TestAnAnswerThatProvesNothing:
    """An HTTP 200 without `errcode` says nothing about the effect: the call goes the way of a lost answer (D6)."""

    @pytest.mark.parametrize("answer", [{}, {"errmsg": "ok"}, {"msgid": ""}])
    async def test_a_message_is_asked_for_again_in_the_window_and_arrives_once(
        self, desk: Desk, answer: dict[str, str]
    ) -> None:
        [said] = await several(desk, 1)
        desk.line.rewrites["message/send"] = lambda _request, _answer: answer
        await desk.work()
        [call] = await desk.calls()
        assert (call.state, call.hold_reason, call.msgid) == (CallState.READY, "recovering", None)
        del desk.line.rewrites["message/send"]
        await desk.pass_time(seconds=5)
        assert await states(desk) == {(CallState.DONE, None)}
        assert await seen(desk) == [said]

    async def test_the_id_of_the_message_is_proof_enough(self, desk: Desk) -> None:
        await several(desk, 1)
        desk.line.rewrites["message/send"] = lambda _request, answer: {"msgid": answer["msgid"]}
        await desk.work()
        assert await states(desk) == {(CallState.DONE, None)}
