"""Calls whose outcome is unknown: each kind's way back, and a person's decision where there is none."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import text

from app.audit.actor import SYSTEM
from app.database import transaction
from app.delivery import service
from app.delivery.errors import NothingToRetry, RecipientGone
from app.ledger import calls
from app.ledger import service as ledger
from app.ledger.claiming.claim import claim
from app.ledger.errors import NotUnknown
from models.delivery import CallKind, CallState
from models.ids import new_id
from tests.delivery.conftest import Desk
from tests.platform import Killed


class TestResendInTheWindow:
    """D6: `message/send` with the duplicate check on from the first attempt, byte-identical."""

    async def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", timeout=True, when="after")
        await desk.work()

        assert await desk.account(message) == {"unknown": 2}
        assert await desk.reasons(message) == {"recovering"}
        [before] = await desk.calls()

        await desk.pass_time(seconds=5)

        assert await desk.account(message) == {"sent": 2}
        [call] = await desk.calls()
        assert call.request_body == before.request_body
        assert hashlib.sha256(call.request_body).digest() == call.request_sha256
        first, second = await desk.sent_bodies()
        assert first == second
        for userid in desk.people:
            assert len(await desk.phone(userid)) == 1

    @pytest.mark.parametrize("answer", ["full", "bare"])
    async def test_whatever_a_suppressed_duplicate_answers_with_errcode_0_is_sent(
        self, desk: Desk, answer: str
    ) -> None:
        await desk.sandbox.configure(duplicate_answer=answer)
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        await desk.pass_time(seconds=5)

        assert await desk.account(message) == {"sent": 1}

    async def test_a_suppressed_duplicate_that_answers_with_an_error_stays_unknown(self, desk: Desk) -> None:
        await desk.sandbox.configure(duplicate_answer="error")
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", drop=True, when="after")
        await desk.work()
        for _ in range(40):
            await desk.pass_time(minutes=1)

        assert await desk.account(message) == {"unknown": 1}
        [userid] = desk.people
        assert len(await desk.phone(userid)) == 1

    async def test_a_partial_failure_is_seen_in_the_answer_to_the_resend(self, desk: Desk) -> None:
        people = [*await desk.colleagues(1), *await desk.know(["ghost"])]
        message = await desk.text(people)
        await desk.sandbox.fail("message/send", timeout=True, when="after")
        await desk.work()
        await desk.pass_time(seconds=5)

        assert await desk.account(message) == {"sent": 1, "failed": 1}

    async def test_after_the_window_it_waits_for_a_person(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", http_status=502, times=None)
        await desk.work()
        for _ in range(12):
            await desk.pass_time(minutes=10)
        await desk.sandbox.clear_faults()
        sent = len(await desk.sent_bodies())
        await desk.pass_time(hours=10)
        await desk.recover()
        await desk.work()

        assert await desk.account(message) == {"unknown": 1}
        [call] = await desk.calls()
        assert call.state is CallState.UNKNOWN
        assert len(await desk.sent_bodies()) == sent

    async def test_a_worker_that_comes_back_after_the_window_does_not_send(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", timeout=True, when="after")
        await desk.work()
        await desk.pass_time(hours=1)

        assert await desk.account(message) == {"unknown": 1}
        assert len(await desk.sent_bodies()) == 1

    async def test_what_never_left_the_house_is_simply_sent_later(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        desk.line.is_cut = True
        await desk.work()
        assert await desk.account(message) == {"held": 1}
        assert await desk.reasons(message) == {"platform_trouble"}
        for _ in range(6):
            await desk.pass_time(minutes=10)
        desk.line.is_cut = False
        [call] = await desk.calls()
        assert call.sent_at is None
        await desk.pass_time(minutes=10)

        assert await desk.account(message) == {"sent": 1}


class TestADeadWorker:
    """F108: kill −9 loses nothing. P3 holds at every step."""

    async def test_killed_before_the_call_it_is_sent_once_in_the_end(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(2))
        [payload] = await desk.take_jobs()
        async with transaction(desk.sessions) as session:
            assert await claim(session, call_id=payload.call_id, now=desk.clock.now())
        assert await desk.account(message) == {"held": 2}

        await desk.recover()
        assert await desk.account(message) == {"held": 2}
        desk.clock.advance(timedelta(minutes=4))
        await desk.recover()
        assert await desk.account(message) == {"unknown": 2}
        await desk.pass_time(seconds=5)

        assert await desk.account(message) == {"sent": 2}
        assert len(await desk.sent_bodies()) == 1

    async def test_killed_after_the_call_nobody_gets_it_twice(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(2))
        desk.line.kills_after = "/send"
        with pytest.raises(Killed):
            await desk.work()
        assert await desk.account(message) == {"held": 2}

        desk.clock.advance(timedelta(minutes=4))
        await desk.recover()
        await desk.pass_time(seconds=5)

        assert await desk.account(message) == {"sent": 2}
        for userid in desk.people:
            assert len(await desk.phone(userid)) == 1

    async def test_killed_in_a_group_post_a_person_decides(self, desk: Desk) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "通知", new_id())
        desk.line.kills_after = "/send"
        with pytest.raises(Killed):
            await desk.work()
        desk.clock.advance(timedelta(minutes=4))
        await desk.recover()
        await desk.work()

        assert (await desk.call(call.id)).state is CallState.UNKNOWN
        assert len(await desk.sent_bodies("appchat/send")) == 1

    async def test_a_late_success_is_believed(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        [payload] = await desk.take_jobs()
        async with transaction(desk.sessions) as session:
            attempt = await claim(session, call_id=payload.call_id, now=desk.clock.now())
        assert isinstance(attempt, calls.Attempt)
        desk.clock.advance(timedelta(minutes=4))
        await desk.recover()
        answer = await desk.ctx.platform.app.call(attempt.kind, attempt.body)
        async with transaction(desk.sessions) as session:
            await calls.record(session, attempt=attempt, answer=answer, now=desk.clock.now())

        assert await desk.account(message) == {"sent": 1}
        await desk.pass_time(seconds=10)
        assert len(await desk.sent_bodies()) == 1

    async def test_it_gets_one_behind_a_card_update_of_unknown_outcome_too(self, desk: Desk) -> None:
        """An unknown update blocks nobody, so nobody would wake the face behind it."""
        for number in range(2):
            await desk.request(CallKind.CARD_UPDATE, {"n": number}, ordering_key="card:1:all")
        await desk.take_jobs()
        async with transaction(desk.sessions) as session:
            await session.execute(
                text(
                    "UPDATE outgoing_calls SET state = 'unknown'"
                    " WHERE id = (SELECT id FROM outgoing_calls ORDER BY id LIMIT 1)"
                )
            )

        desk.clock.advance(timedelta(minutes=3))
        await desk.recover()

        assert len(await desk.take_jobs()) == 1

    async def test_a_call_whose_job_was_lost_gets_a_new_one(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.take_jobs()
        desk.clock.advance(timedelta(minutes=5))
        await desk.recover()
        await desk.work()

        assert await desk.account(message) == {"sent": 1}


class TestRepeatACreation:
    """D6: `appchat/create` is repeated by our chatid; 86215 means that it was done."""

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_lost_creation_ends_in_one_group(self, desk: Desk, when: Literal["before", "after"]) -> None:
        await desk.sandbox.fail("appchat/create", timeout=True, when=when)
        call = await desk.request(CallKind.APPCHAT_CREATE, await _group_body(desk))
        await desk.work()
        await desk.pass_time(seconds=5)

        assert (await desk.call(call.id)).state is CallState.DONE
        assert len(await desk.sandbox.groups()) == 1
        bodies = await desk.sent_bodies("appchat/create")
        assert all(body == bodies[0] for body in bodies)

    async def test_a_refused_creation_has_failed(self, desk: Desk) -> None:
        body = await _group_body(desk)
        body["userlist"] = [*body["userlist"], "ghost"]
        call = await desk.request(CallKind.APPCHAT_CREATE, body)
        await desk.work()

        failed = await desk.call(call.id)
        assert (failed.state, failed.errcode) == (CallState.FAILED, 86216)


class TestLookBeforeAskingForTheRest:
    """D6: `appchat/update` after `get`."""

    async def test_what_was_done_is_not_asked_for_again(self, desk: Desk) -> None:
        chatid = await desk.group()
        await desk.sandbox.fail("appchat/update", timeout=True, when="after")
        call = await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": "新名"})
        await desk.work()
        await desk.pass_time(seconds=5)

        assert (await desk.call(call.id)).state is CallState.DONE
        assert len(await desk.sent_bodies("appchat/update")) == 1

    async def test_the_rest_is_a_call_of_its_own_in_the_same_place(self, desk: Desk) -> None:
        chatid = await desk.group()
        [joins] = await desk.colleagues(1)
        joiner = next(userid for userid, key in desk.people.items() if key == joins)
        await desk.sandbox.fail("appchat/update", http_status=502)
        body = {"chatid": chatid, "name": "新名", "add_user_list": [joiner]}
        call = await desk.request(CallKind.APPCHAT_UPDATE, body, ordering_key="group:1")
        last = await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": "最后"}, ordering_key="group:1")
        await desk.work()
        await desk.sandbox.rename_group(chatid, "新名")
        await desk.pass_time(seconds=5)

        assert (await desk.call(call.id)).state is CallState.REPLACED
        [rest] = [row for row in await desk.calls(CallKind.APPCHAT_UPDATE) if row.previous_id == call.id]
        assert (rest.state, rest.id < last.id) == (CallState.DONE, True)
        asked = await desk.sent_bodies("appchat/update")
        assert {"chatid": chatid, "add_user_list": [joiner]} in asked
        group = await desk.sandbox.group(chatid)
        assert group["name"] == "最后"

    async def test_a_group_that_is_gone_has_failed(self, desk: Desk) -> None:
        chatid = await desk.group()
        await desk.sandbox.fail("appchat/update", timeout=True)
        call = await desk.request(CallKind.APPCHAT_UPDATE, {"chatid": chatid, "name": "新名"})
        await desk.work()
        await desk.sandbox.dismiss_group(chatid)
        await desk.pass_time(seconds=5)

        assert (await desk.call(call.id)).state is CallState.FAILED


class TestAPersonDecides:
    """P3: what nobody can tell waits for a person."""

    async def test_an_unknown_post_is_resolved_and_the_next_goes(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        await desk.sandbox.fail("appchat/send", timeout=True, when="after")
        lost = await desk.to_group(chatid, "一", group)
        following = await desk.to_group(chatid, "二", group)
        await desk.work()
        await _resolve(desk, lost.id, ledger.Resolution.DONE)
        await desk.work()

        assert (await desk.call(lost.id)).state is CallState.DONE
        assert (await desk.call(following.id)).state is CallState.DONE

    async def test_only_an_unknown_outcome_is_resolved(self, desk: Desk) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "一", new_id())
        await desk.work()
        with pytest.raises(NotUnknown):
            await _resolve(desk, call.id, ledger.Resolution.FAILED)

    async def test_a_failed_recipient_is_sent_to_again_alone(self, desk: Desk) -> None:
        good = await desk.colleagues(1)
        [late] = await desk.know(["latecomer"])
        message = await desk.text([*good, late])
        await desk.work()
        await desk.sandbox.hire("latecomer", "晚来的人")
        [row] = [row for row in await desk.deliveries(message) if row.person_id == late]
        await _retry(desk, row.id)
        assert await desk.account(message) == {"sent": 1, "held": 1}
        await desk.work()

        assert await desk.account(message) == {"sent": 2}
        first, second = await desk.calls()
        assert second.previous_id == first.id
        assert (await desk.sent_bodies())[-1]["touser"] == "latecomer"

    async def test_an_unknown_recipient_is_sent_to_again_with_a_new_number(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", timeout=True, when="after")
        await desk.work()
        await desk.pass_time(hours=1)
        [row] = await desk.deliveries(message)
        await _retry(desk, row.id)
        await desk.work()

        assert await desk.account(message) == {"sent": 1}
        first, second = await desk.calls()
        assert first.state is CallState.REPLACED
        assert first.request_body != second.request_body

    async def test_of_two_people_who_retry_at_once_one_does(self, busy_desk: Desk) -> None:
        message = await busy_desk.text(await busy_desk.know(["latecomer"]))
        await busy_desk.work()
        await busy_desk.sandbox.hire("latecomer", "晚来的人")
        [row] = await busy_desk.deliveries(message)
        ended = await asyncio.gather(*(_retry(busy_desk, row.id) for _ in range(4)), return_exceptions=True)
        await busy_desk.work()

        assert sum(isinstance(end, NothingToRetry) for end in ended) == 3
        assert len(await busy_desk.phone("latecomer")) == 1
        assert await busy_desk.account(message) == {"sent": 1}

    async def test_a_retry_says_why_not(self, desk: Desk) -> None:
        message = await desk.text([*await desk.colleagues(1)])
        await desk.work()
        [row] = await desk.deliveries(message)
        with pytest.raises(NothingToRetry):
            await _retry(desk, row.id)

    async def test_while_recovery_is_under_way_nobody_interferes(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        await desk.sandbox.fail("message/send", timeout=True)
        await desk.work()
        [row] = await desk.deliveries(message)
        with pytest.raises(NothingToRetry):
            await _retry(desk, row.id)

    async def test_who_has_no_account_cannot_be_sent_to(self, desk: Desk) -> None:
        [ghost] = await desk.know(["ghost"])
        message = await desk.text([ghost])
        await desk.work()
        await desk.forget_userid("ghost")
        [row] = await desk.deliveries(message)
        with pytest.raises(RecipientGone):
            await _retry(desk, row.id)


async def _resolve(desk: Desk, call_id: UUID, resolution: ledger.Resolution) -> None:
    async with transaction(desk.sessions) as session:
        await ledger.resolve_call(session, call_id=call_id, resolution=resolution, actor=SYSTEM, now=desk.clock.now())


async def _retry(desk: Desk, delivery_id: int | None) -> None:
    assert delivery_id is not None
    async with transaction(desk.sessions) as session:
        await service.retry_delivery(session, delivery_id=delivery_id, actor=SYSTEM, now=desk.clock.now())


async def _group_body(desk: Desk) -> dict[str, Any]:
    people = await desk.colleagues(3)
    userids = [userid for userid, key in desk.people.items() if key in people]
    return {"name": "项目群", "owner": userids[0], "userlist": userids, "chatid": "project1"}
