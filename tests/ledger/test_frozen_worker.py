"""A worker that was frozen and wakes: it looks at its lease before it sends, and what it knows late is not lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.audit.actor import SYSTEM
from app.database import transaction
from app.delivery import service
from app.delivery.jobs import make_call
from app.ledger import service as ledger
from app.ledger.claiming.claim import claim
from app.ledger.errors import NotUnknown
from app.ledger.rules import LEASE, SENT_WITHIN
from app.probes.router import find_degraded
from app.wecom.errors import TooLate
from models.audit import AuditEntry
from models.delivery import CallState
from models.ids import new_id
from tests.delivery.conftest import Desk


async def claimed(desk: Desk) -> ledger.Attempt:
    [payload] = await desk.take_jobs()
    async with transaction(desk.sessions) as session:
        attempt = await claim(session, call_id=payload.call_id, now=desk.clock.now())
    assert isinstance(attempt, ledger.Attempt)
    return attempt


class TestWakingBeforeTheCall:
    async def test_nothing_is_sent_and_the_message_goes_once(self, desk: Desk) -> None:
        message = await desk.text(await desk.colleagues(1))
        attempt = await claimed(desk)
        desk.clock.advance(SENT_WITHIN + timedelta(seconds=1))

        outcome = await ledger.carry_out(desk.ctx.platform.app, attempt)

        assert isinstance(outcome, ledger.NotAnswered)
        assert isinstance(outcome.failure, TooLate)
        assert await desk.sandbox.calls("message/send") == []
        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=attempt, failure=outcome.failure, now=desk.clock.now())
        await desk.pass_time(seconds=5)
        assert await desk.account(message) == {"sent": 1}
        [userid] = desk.people
        assert len(await desk.phone(userid)) == 1

    async def test_a_post_that_was_given_up_meanwhile_is_not_sent_by_the_sleeper(self, desk: Desk) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "一", new_id())
        attempt = await claimed(desk)
        desk.clock.advance(LEASE + timedelta(seconds=1))
        await desk.recover()
        assert (await desk.call(call.id)).state is CallState.UNKNOWN

        await ledger.carry_out(desk.ctx.platform.app, attempt)

        assert await desk.sandbox.calls("appchat/send") == []

    def test_the_rest_of_the_lease_is_enough_for_the_answer(self) -> None:
        assert timedelta(seconds=40) < LEASE - SENT_WITHIN


class TestWakingAfterAPersonsDecision:
    async def test_a_late_success_is_kept_and_told(self, desk: Desk) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "一", new_id())
        attempt = await claimed(desk)
        outcome = await ledger.carry_out(desk.ctx.platform.app, attempt)
        assert isinstance(outcome, ledger.Answered)
        desk.clock.advance(LEASE + timedelta(seconds=1))
        await desk.recover()
        async with transaction(desk.sessions) as session:
            await ledger.resolve_call(
                session, call_id=call.id, resolution=ledger.Resolution.FAILED, actor=SYSTEM, now=desk.clock.now()
            )

        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=attempt, answer=outcome.answer, now=desk.clock.now())

        found = await desk.call(call.id)
        assert (found.state, found.hold_reason) == (CallState.FAILED, "arrived_after_all")
        assert "核对是否重复" in str(found.error)
        async with desk.sessions() as session:
            actions = set((await session.scalars(select(col(AuditEntry.action)))).all())
        assert "call.arrived_after_all" in actions

    @pytest.mark.parametrize("made_again", [False, True])
    async def test_it_is_a_finding_until_a_person_has_looked(self, desk: Desk, made_again: bool) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "一", new_id())
        attempt = await claimed(desk)
        outcome = await ledger.carry_out(desk.ctx.platform.app, attempt)
        assert isinstance(outcome, ledger.Answered)
        desk.clock.advance(LEASE + timedelta(seconds=1))
        await desk.recover()
        await self._resolve(desk, call.id, ledger.Resolution.FAILED)
        if made_again:
            async with transaction(desk.sessions) as session:
                await ledger.retry_call(session, call_id=call.id, actor=SYSTEM, now=desk.clock.now())
        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=attempt, answer=outcome.answer, now=desk.clock.now())
        desk.clock.advance(timedelta(days=3))
        assert await self._found(desk) == {"calls.arrived_after_all"}

        with pytest.raises(NotUnknown, match="已经生效"):
            await self._resolve(desk, call.id, ledger.Resolution.FAILED)
        await self._resolve(desk, call.id, ledger.Resolution.DONE)

        assert await self._found(desk) == set()
        found = await desk.call(call.id)
        assert found.state is (CallState.REPLACED if made_again else CallState.DONE)
        assert found.hold_reason is None

    async def _resolve(self, desk: Desk, call_id: UUID, resolution: ledger.Resolution) -> None:
        async with transaction(desk.sessions) as session:
            await ledger.resolve_call(
                session, call_id=call_id, resolution=resolution, actor=SYSTEM, now=desk.clock.now()
            )

    async def _found(self, desk: Desk) -> set[str]:
        async with desk.sessions() as session:
            found = await find_degraded(session, now=desk.clock.now())
        return {each.what for each in found if each.what.startswith(("calls.", "delivery."))}


class TestAClockThatIsSetBack:
    async def test_what_waits_by_back_off_goes_on(self, desk: Desk) -> None:
        desk.clock.advance(timedelta(hours=5))
        await desk.sandbox.fail("message/send", errcode=-1)
        message = await desk.text(await desk.colleagues(1))
        [payload] = await desk.take_jobs()
        await make_call(desk.ctx, payload)
        assert await desk.account(message) == {"held": 1}
        await desk.sandbox.clear_faults()
        desk.clock.advance(-timedelta(hours=3))

        await desk.recover()
        await desk.work()
        await desk.pass_time(minutes=2)

        assert await desk.account(message) == {"sent": 1}


class TestRetriedByAPerson:
    """`deliveries retry` takes conditions, says first what it would do, and knows groups and cards too."""

    async def test_what_was_refused_with_a_code_goes_again_and_nothing_else(self, desk: Desk) -> None:
        first = await desk.text(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", errcode=60011)
        await desk.work()
        second = await desk.text(await desk.colleagues(1), purpose="other.card")
        await desk.sandbox.fail("message/send", errcode=45002)
        await desk.work()
        chosen = service.Selection(errcode=60011)

        async with transaction(desk.sessions) as session:
            found = await service.preview(session, chosen)
        assert (found.deliveries, found.reasons, found.retried) == (2, {"refused:60011": 2}, 0)
        assert await desk.account(first) == {"failed": 2}

        async with transaction(desk.sessions) as session:
            done = await service.retry_selected(session, chosen, actor=SYSTEM, now=desk.clock.now())
        await desk.work()

        assert (done.retried, done.passed_over) == (2, 0)
        assert await desk.account(first) == {"sent": 2}
        assert await desk.account(second) == {"failed": 1}

    async def test_a_post_in_a_group_goes_again(self, desk: Desk) -> None:
        chatid, group = await desk.group(), new_id()
        await desk.sandbox.fail("appchat/send", errcode=40058)
        call = await desk.to_group(chatid, "一", group)
        await desk.work()
        assert (await desk.call(call.id)).state is CallState.FAILED
        chosen = service.Selection(about=("group", str(group)))

        async with transaction(desk.sessions) as session:
            done = await service.retry_selected(session, chosen, actor=SYSTEM, now=desk.clock.now())
        await desk.work()

        assert (done.calls, done.retried) == (1, 1)
        assert (await desk.call(call.id)).state is CallState.REPLACED
        assert [body["text"]["content"] for body in await desk.sent_bodies("appchat/send")]

    async def test_who_is_gone_is_passed_over(self, desk: Desk) -> None:
        await desk.text(await desk.colleagues(2))
        await desk.sandbox.fail("message/send", errcode=60011)
        await desk.work()
        await desk.forget_userid(next(iter(desk.people)))

        async with transaction(desk.sessions) as session:
            done = await service.retry_selected(session, service.Selection(), actor=SYSTEM, now=desk.clock.now())

        assert (done.deliveries, done.retried, done.passed_over) == (2, 1, 1)

    @pytest.mark.parametrize("resolved", [False, True])
    async def test_what_did_not_fail_is_not_made_again(self, desk: Desk, resolved: bool) -> None:
        chatid = await desk.group()
        call = await desk.to_group(chatid, "一", new_id())
        if resolved:
            await desk.work()
        with pytest.raises(ledger.NotRetried):
            async with transaction(desk.sessions) as session:
                await ledger.retry_call(session, call_id=call.id, actor=SYSTEM, now=desk.clock.now())
