"""Sending: what is written, what arrives, and what the recipients come to."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from app.audit.actor import SYSTEM
from app.database import transaction
from app.delivery import service
from app.delivery.errors import EmptyText
from app.delivery.jobs import make_call
from app.ledger import service as ledger
from app.ledger.calls import Attempt
from app.ledger.claiming.claim import claim
from app.wecom.message_bodies.card import Card
from models.delivery import CallKind, CallState
from models.ids import new_id
from sandbox.config import SandboxConfig
from tests import databases
from tests.delivery.conftest import Desk


class TestEveryCallIsARowFirst:
    """P3: every mutating call is first a row, committed together with the decision that caused it."""

    async def test_a_message_waits_in_the_ledger_until_its_job_runs(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(3))

        assert await desk.account(message) == {"held": 3}
        assert await desk.reasons(message) == {"queued"}
        assert await desk.sent_bodies() == []

        await desk.work()

        assert await desk.account(message) == {"sent": 3}
        [call] = await desk.calls()
        assert (call.state, call.errcode, call.attempts) == (CallState.DONE, 0, 1)
        assert call.msgid

    async def test_a_rolled_back_decision_sends_nothing(self, desk: Desk) -> None:
        people = await desk.colleagues(1)
        async with desk.sessions() as session:
            await service.send_text(session, desk.header(), to=people, text="不该发出", now=desk.clock.now())
            await session.rollback()

        assert await desk.work() == 0
        assert await desk.calls() == []

    async def test_the_platform_gets_exactly_the_stored_bytes(self, desk: Desk) -> None:
        await desk.text(await desk.colleagues(2), "报告：已完成 ✅")
        await desk.work()

        [call] = await desk.calls()
        assert b"\\u" not in call.request_body
        assert "报告：已完成 ✅".encode() in call.request_body
        [body] = await desk.sent_bodies()
        assert body["enable_duplicate_check"] == 1
        assert body["duplicate_check_interval"] == 1800

    async def test_a_message_without_words_is_refused(self, desk: Desk) -> None:
        with pytest.raises(EmptyText):
            await desk.text(await desk.colleagues(1), " \n")


class TestTwoLawfulMessagesNeverLookAlike:
    """messaging §1.1: the platform shows a second text of the same bytes to nobody. Only such a text is marked."""

    async def test_the_same_words_twice_arrive_twice(self, desk: Desk) -> None:
        [person] = await desk.colleagues(1)
        for _ in range(3):
            await desk.text([person], "请确认")
        await desk.work()

        assert [body["text"]["content"] for body in await desk.sent_bodies()] == [
            "请确认",
            "请确认\n（内容同前，第 2 次发送）",
            "请确认\n（内容同前，第 3 次发送）",
        ]
        [userid] = desk.people
        assert len(await desk.phone(userid)) == 3

    async def test_other_people_or_another_time_need_no_mark(self, desk: Desk) -> None:
        one, another = await desk.colleagues(2)
        await desk.text([one], "请确认")
        await desk.text([another], "请确认")
        await desk.work()
        await desk.pass_time(minutes=35)
        await desk.text([one], "请确认")
        await desk.work()

        assert [body["text"]["content"] for body in await desk.sent_bodies()] == ["请确认"] * 3

    async def test_what_was_refused_was_not_said(self, desk: Desk) -> None:
        [person] = await desk.colleagues(1)
        await desk.sandbox.fail("message/send", errcode=40058)
        await desk.text([person], "请确认")
        await desk.work()
        [refused] = await desk.calls()
        assert refused.state is CallState.FAILED

        await desk.text([person], "请确认")
        await desk.work()
        [userid] = desk.people
        assert [said["text"] for said in await desk.phone(userid)] == ["请确认"]

    async def test_two_workers_at_once_do_not_both_say_it_unmarked(self, busy_desk: Desk) -> None:
        [person] = await busy_desk.colleagues(1)
        for _ in range(2):
            await busy_desk.text([person], "请确认")
        calls = await busy_desk.calls()
        first, second = busy_desk.sessions(), busy_desk.sessions()
        async with first, second:
            assert await claim(first, call_id=calls[0].id, now=busy_desk.clock.now()) is not None
            waiting = asyncio.create_task(claim(second, call_id=calls[1].id, now=busy_desk.clock.now()))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await first.commit()
            attempt = await waiting
        assert isinstance(attempt, Attempt)
        assert "（内容同前，第 2 次发送）" in attempt.body.decode()

    async def test_two_parts_of_equal_words_both_arrive(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1), "a" * 3968)
        await desk.work()

        [userid] = desk.people
        assert await desk.account(message) == {"sent": 2}
        assert len(await desk.phone(userid)) == 2


class TestWhoIsNotReached:
    """F70: `invaliduser` and `unlicenseduser` are failures."""

    async def test_unknown_and_unlicensed_recipients_have_failed_and_the_others_not(self, desk: Desk) -> None:
        good = await desk.colleagues(3)
        bad = await desk.know(["Nobody.Here"])
        await desk.sandbox.set_unlicensed([next(iter(desk.people))])
        message = await desk.text([*good, *bad])
        await desk.work()

        assert await desk.account(message) == {"sent": 2, "failed": 2}
        rows = {row.person_id: row.reason for row in await desk.deliveries(message)}
        assert (rows[good[0]], rows[bad[0]], rows[good[1]]) == ("unlicensed", "invalid_user", "")

    async def test_when_nobody_is_valid_everybody_has_failed(self, desk: Desk) -> None:
        message = await desk.text(await desk.know(["ghost1", "ghost2"]))
        await desk.work()

        assert await desk.account(message) == {"failed": 2}
        assert await desk.reasons(message) == {"invalid_user"}
        [call] = await desk.calls()
        assert (call.state, call.errcode) == (CallState.FAILED, 81013)

    async def test_a_person_without_a_userid_has_failed_at_once(self, desk: Desk) -> None:
        [stays] = await desk.colleagues(1)
        [left] = await desk.know(["gone"])
        await desk.forget_userid("gone")
        message = await desk.text([stays, left])

        assert await desk.account(message) == {"held": 1, "failed": 1}
        await desk.work()
        assert await desk.account(message) == {"sent": 1, "failed": 1}
        assert "left" in await desk.reasons(message)

    async def test_a_refusal_says_what_it_means_and_what_to_do(self, desk: Desk) -> None:
        await desk.sandbox.fail("message/send", errcode=60011)
        message = await desk.text(await desk.colleagues(1))
        await desk.work()

        [call] = await desk.calls()
        assert await desk.account(message) == {"failed": 1}
        assert await desk.reasons(message) == {"refused:60011"}
        assert "60011" in str(call.error)


class TestLargeAudiences:
    """messaging §1.1: one call names at most 1,000 people."""

    @pytest.fixture
    def sandbox_config(self) -> SandboxConfig:
        return SandboxConfig(people=1600, app_callback_url="http://steward.test/callbacks/app", callback_retries=1)

    async def test_1500_recipients_are_two_calls(self, desk: Desk) -> None:
        people = await desk.know([f"u{number}" for number in range(700)])
        people += await desk.colleagues(800)
        message = await desk.card(people)
        await desk.work()

        calls = await desk.calls()
        assert [len(body["touser"].split("|")) for body in await desk.sent_bodies()] == [1000, 500]
        assert len({call.task_id for call in calls}) == 2
        assert await desk.account(message) == {"sent": 800, "failed": 700}

    async def test_individually_everybody_has_a_card_of_their_own(self, desk: Desk) -> None:
        people = await desk.colleagues(3)
        await desk.card(people, individually=True)
        await desk.work()

        calls = await desk.calls()
        assert len({call.task_id for call in calls}) == 3
        assert all(call.response_code for call in calls)


class TestOrder:
    """D6: order is promised between the parts of a message and inside one ordering key."""

    async def test_the_second_part_waits_for_the_first(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1), "第一行\n" * 300)
        await desk.sandbox.fail("message/send", errcode=-1)
        await desk.work()

        first, second = await desk.calls()
        assert (first.state, second.state) == (CallState.HELD, CallState.HELD)
        assert await desk.account(message) == {"held": message.audience}

        await desk.pass_time(seconds=5)
        assert await desk.account(message) == {"sent": message.audience}
        said = [body["text"]["content"] for body in await desk.sent_bodies()]
        assert [line[-5:] for line in said] == ["（1/2）", "（2/2）"]

    async def test_a_failed_predecessor_does_not_block(self, desk: Desk) -> None:
        group = new_id()
        await desk.to_group("nosuchgroup", "一", group)
        second = await desk.to_group("nosuchgroup", "二", group)
        await desk.work()

        assert (await desk.call(second.id)).state is CallState.FAILED
        assert len(await desk.sent_bodies("appchat/send")) == 2

    async def test_an_unknown_post_holds_the_rest_of_its_message_and_is_visible(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        await desk.sandbox.fail("appchat/send", timeout=True, when="after")
        await desk.to_group(chatid, "第一行\n" * 500, group)
        await desk.work()

        first, *rest = await desk.calls(CallKind.APPCHAT_SEND)
        assert first.state is CallState.UNKNOWN
        assert len(rest) == 2
        assert {(call.state, call.hold_reason) for call in rest[:1]} == {(CallState.HELD, "unknown_before")}
        await desk.pass_time(hours=5)
        await desk.recover()
        await desk.work()
        assert len(await desk.sent_bodies("appchat/send")) == 1

    async def test_an_unknown_post_holds_up_no_change_of_the_roster_and_no_other_message(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        [joins] = await desk.colleagues(1)
        joiner = next(userid for userid, key in desk.people.items() if key == joins)
        await desk.sandbox.fail("appchat/send", timeout=True, when="after")
        await desk.to_group(chatid, "第一行\n" * 500, group)
        key = f"group:{group}"
        body = {"chatid": chatid, "add_user_list": [joiner]}
        change = await desk.request(CallKind.APPCHAT_UPDATE, body, ordering_key=key)
        other = await desk.to_group(chatid, "另一条", group)
        await desk.work()

        assert (await desk.call(change.id)).state is CallState.DONE
        assert (await desk.call(other.id)).state is CallState.DONE
        states = [call.state for call in await desk.calls(CallKind.APPCHAT_SEND)]
        assert states == [CallState.UNKNOWN, CallState.HELD, CallState.HELD, CallState.DONE]
        assert joiner in (await desk.sandbox.group(chatid))["userlist"]

    async def test_an_unknown_change_of_the_roster_holds_up_what_comes_behind_it(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        await desk.sandbox.fail("appchat/update", timeout=True)
        await desk.sandbox.fail("appchat/get", errcode=999_999, times=None)
        key = f"group:{group}"
        change = await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": "新名"}, ordering_key=key)
        post = await desk.to_group(chatid, "一", group)
        await desk.work()
        for _ in range(14):
            await desk.pass_time(minutes=11)

        assert (await desk.call(change.id)).state is CallState.UNKNOWN
        assert (await desk.call(post.id)).hold_reason == "unknown_before"

    async def test_a_call_may_ask_to_go_after_another(self, desk: Desk) -> None:
        people = await desk.colleagues(3)
        userids = [userid for userid, key in desk.people.items() if key in people]
        body = {"name": "群", "owner": userids[0], "userlist": userids, "chatid": "after1"}
        create = await desk.request(CallKind.APPCHAT_CREATE, body)
        rename = await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": "after1", "name": "新名"}, after=create.id)
        for payload in reversed(await desk.take_jobs()):
            await make_call(desk.ctx, payload)

        assert (await desk.call(rename.id)).hold_reason == "predecessor"
        await desk.work()
        assert (await desk.call(rename.id)).state is CallState.DONE


class TestHours:
    """F62: quiet hours hold a message and release it; the policy in force when it goes decides."""

    async def test_a_message_of_the_evening_goes_when_the_hours_begin(self, desk: Desk) -> None:
        desk.clock.advance(timedelta(hours=12))  # Monday 21:00 in Shanghai
        message = await desk.text(await desk.colleagues(1))
        await desk.work()

        [row] = await desk.deliveries(message)
        assert (row.state.value, row.reason) == ("held", "quiet_hours")
        assert row.until is not None
        assert await desk.sent_bodies() == []
        await desk.pass_time(seconds=(row.until - desk.clock.now()).total_seconds())
        assert await desk.account(message) == {"sent": 1}

    async def test_an_answer_to_ones_own_act_goes_at_any_hour(self, desk: Desk) -> None:
        desk.clock.advance(timedelta(hours=15))
        message = await desk.text(await desk.colleagues(1), message_class="answer")
        await desk.work()

        assert await desk.account(message) == {"sent": 1}


class TestLimitsOfThePlatform:
    """P7: the limits are kept before the call, because past them it drops silently (30 a minute to one member)."""

    async def test_the_31st_message_of_a_minute_waits(self, desk: Desk) -> None:
        people = await desk.colleagues(1)
        messages = [await desk.text(people, f"第 {number} 条") for number in range(31)]
        await desk.work()

        assert await desk.account(messages[29]) == {"sent": 1}
        assert await desk.account(messages[30]) == {"held": 1}
        assert await desk.reasons(messages[30]) == {"member_limit"}
        await desk.pass_time(seconds=30)
        assert await desk.account(messages[30]) == {"held": 1}
        await desk.pass_time(seconds=32)
        assert await desk.account(messages[30]) == {"sent": 1}

    async def test_a_block_told_by_the_platform_is_waited_out(self, desk: Desk) -> None:
        await desk.sandbox.fail("message/send", errcode=45009)
        message = await desk.text(await desk.colleagues(1))
        await desk.work()

        assert await desk.reasons(message) == {"platform_limit"}
        [row] = await desk.deliveries(message)
        assert row.until is not None
        await desk.pass_time(seconds=61)
        assert await desk.account(message) == {"sent": 1}


class TestTwoWorkers:
    """D4: jobs may overlap; each claims its row first."""

    async def test_of_two_workers_with_one_call_exactly_one_sends(self, busy_desk: Desk) -> None:
        message = await busy_desk.text(await busy_desk.colleagues(2))
        [payload] = await busy_desk.take_jobs()

        await asyncio.gather(*(make_call(busy_desk.ctx, payload) for _ in range(8)))

        assert len(await busy_desk.sent_bodies()) == 1
        assert await busy_desk.account(message) == {"sent": 2}

    async def test_workers_on_one_key_keep_its_order(self, busy_desk: Desk) -> None:
        chatid, group = await busy_desk.group(), new_id()
        for number in range(6):
            await busy_desk.to_group(chatid, f"第 {number} 条", group)
        payloads = await busy_desk.take_jobs()

        await asyncio.gather(*(make_call(busy_desk.ctx, payload) for payload in reversed(payloads)))
        await busy_desk.work()

        said = [body["text"]["content"] for body in await busy_desk.sent_bodies("appchat/send")]
        assert said == [f"第 {number} 条" for number in range(6)]


class TestOutcomes:
    """The domain that caused a call hears its outcome in the transaction that records it."""

    async def test_done_and_unknown_are_both_told(self, desk: Desk) -> None:
        heard: list[tuple[UUID, CallState]] = []

        async def hear(_session: object, call: object, _now: object) -> None:
            heard.append((call.id, call.state))  # type: ignore[attr-defined]

        databases.register(desk.sessions, outcomes={f"test.{id(heard)}": hear})
        chatid, group = await desk.group(), new_id()
        call = await desk.to_group(chatid, "一", group, purpose=f"test.{id(heard)}")
        await desk.sandbox.fail("appchat/send", drop=True, when="after")
        await desk.work()
        async with transaction(desk.sessions) as session:
            await ledger.resolve_call(
                session, call_id=call.id, resolution=ledger.Resolution.DONE, actor=SYSTEM, now=desk.clock.now()
            )

        assert heard == [(call.id, CallState.UNKNOWN), (call.id, CallState.DONE)]


class TestWordsToGroups:
    async def test_mentions_arrive_with_the_first_part(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        userid = next(iter(desk.people))
        await desk.to_group(chatid, "周报今天 18:00 截止", group, mentioned_userids=[userid])
        await desk.work()

        [body] = await desk.sent_bodies("appchat/send")
        assert body["text"]["mentioned_list"] == [userid]


class TestCardsThatNoTypeAllows:
    async def test_a_card_without_button_and_page_goes_as_text(self, desk: Desk) -> None:
        await desk.card(await desk.colleagues(1), Card("已同意", fields=[("群", "项目群")]))
        await desk.work()

        [body] = await desk.sent_bodies()
        assert body["text"]["content"].startswith("已同意\n群：项目群")
