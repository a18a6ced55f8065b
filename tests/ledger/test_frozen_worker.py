"""A worker that was frozen and wakes: it looks at its lease before it sends, and what it knows late is not lost."""

from __future__ import annotations

from dataclasses import dataclass
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
from app.wecom.errors import OutcomeUnknown, TooLate
from app.wecom.payloads import CallAnswer
from models.audit import AuditEntry
from models.delivery import CallKind, CallState, Message, OutgoingCall
from models.ids import new_id
from tests.delivery.conftest import Desk


async def resolve(desk: Desk, call_id: UUID, resolution: ledger.Resolution) -> None:
    async with transaction(desk.sessions) as session:
        await ledger.resolve_call(session, call_id=call_id, resolution=resolution, actor=SYSTEM, now=desk.clock.now())


async def findings(desk: Desk) -> set[str]:
    async with desk.sessions() as session:
        found = await find_degraded(session, now=desk.clock.now())
    return {each.what for each in found if each.what.startswith(("calls.", "delivery."))}


async def claimed(desk: Desk) -> ledger.Attempt:
    [payload] = await desk.take_jobs()
    async with transaction(desk.sessions) as session:
        attempt = await claim(session, call_id=payload.call_id, now=desk.clock.now())
    assert isinstance(attempt, ledger.Attempt)
    return attempt


async def answered_too_late(desk: Desk) -> tuple[OutgoingCall, ledger.Attempt, ledger.Answered]:
    """A post in a group that arrived; its worker was frozen before it could say so, and the call is unknown."""
    call = await desk.to_group(await desk.group(), "一", new_id())
    attempt = await claimed(desk)
    outcome = await ledger.carry_out(desk.ctx.platform.app, attempt)
    assert isinstance(outcome, ledger.Answered)
    desk.clock.advance(LEASE + timedelta(seconds=1))
    await desk.recover()
    return call, attempt, outcome


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
        call, attempt, outcome = await answered_too_late(desk)
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
        call, attempt, outcome = await answered_too_late(desk)
        await resolve(desk, call.id, ledger.Resolution.FAILED)
        if made_again:
            async with transaction(desk.sessions) as session:
                await ledger.retry_call(session, call_id=call.id, actor=SYSTEM, now=desk.clock.now())
        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=attempt, answer=outcome.answer, now=desk.clock.now())
        desk.clock.advance(timedelta(days=3))
        assert await findings(desk) == {"calls.arrived_after_all"}

        with pytest.raises(NotUnknown, match="已经生效"):
            await resolve(desk, call.id, ledger.Resolution.FAILED)
        await resolve(desk, call.id, ledger.Resolution.DONE)

        assert await findings(desk) == set()
        found = await desk.call(call.id)
        assert found.state is (CallState.REPLACED if made_again else CallState.DONE)
        assert found.hold_reason is None

    async def test_what_a_person_had_made_again_without_knowing_is_a_finding_too(self, desk: Desk) -> None:
        call, attempt, outcome = await answered_too_late(desk)
        async with transaction(desk.sessions) as session:
            await ledger.retry_call(session, call_id=call.id, actor=SYSTEM, now=desk.clock.now())
        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=attempt, answer=outcome.answer, now=desk.clock.now())

        found = await desk.call(call.id)
        assert (found.state, found.hold_reason) == (CallState.REPLACED, "arrived_after_all")
        assert "核对是否重复" in str(found.error)
        assert "确认为没有生效" not in str(found.error)
        await desk.work()
        assert len(await desk.sent_bodies("appchat/send")) == 2
        assert await findings(desk) == {"calls.arrived_after_all"}
        await resolve(desk, call.id, ledger.Resolution.DONE)
        assert await findings(desk) == set()

    async def test_what_asks_for_the_rest_is_no_second_time(self, desk: Desk) -> None:
        """The group showed what was missing, so the first attempt's success is nothing to look at."""
        chatid = await desk.group()
        [joins] = await desk.colleagues(1)
        joiner = next(userid for userid, key in desk.people.items() if key == joins)
        body = {"chatid": chatid, "add_user_list": [joiner]}
        call = await desk.request(CallKind.APPCHAT_UPDATE, body, ordering_key="group:1")
        first = await claimed(desk)
        desk.clock.advance(LEASE + timedelta(seconds=1))
        await desk.recover()
        await desk.pass_time(seconds=5)
        assert (await desk.call(call.id)).state is CallState.REPLACED

        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=first, answer=None, now=desk.clock.now())

        assert (await desk.call(call.id)).hold_reason is None
        assert await findings(desk) == set()


@dataclass(frozen=True)
class Frozen:
    """A text whose first attempt has arrived, and stands still since; a second one was made after its lease."""

    message: Message
    call_id: UUID
    first: ledger.Attempt
    answer: CallAnswer | None
    second: ledger.Attempt

    async def wake(self, desk: Desk) -> OutgoingCall:
        """The first attempt tells its answer."""
        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=self.first, answer=self.answer, now=desk.clock.now())
        return await desk.call(self.call_id)

    async def lose_the_second(self, desk: Desk) -> OutgoingCall:
        lost = OutcomeUnknown(self.second.kind.value, "ReadTimeout")
        async with transaction(desk.sessions) as session:
            await ledger.record(session, attempt=self.second, failure=lost, now=desk.clock.now())
        return await desk.call(self.call_id)


async def frozen_after_its_call(desk: Desk, people: int = 1) -> Frozen:
    message = await desk.text(await desk.colleagues(people))
    first = await claimed(desk)
    outcome = await ledger.carry_out(desk.ctx.platform.app, first)
    assert isinstance(outcome, ledger.Answered)
    desk.clock.advance(LEASE + timedelta(seconds=1))
    await desk.recover()
    desk.clock.advance(timedelta(seconds=5))
    async with transaction(desk.sessions) as session:
        second = await claim(session, call_id=first.call_id, now=desk.clock.now())
    assert isinstance(second, ledger.Attempt)
    return Frozen(message, first.call_id, first, outcome.answer, second)


class TestWakingAfterALaterAttempt:
    """A success counts however late it comes, also that of an attempt after which others were made."""

    async def test_it_settles_what_nobody_knew(self, desk: Desk) -> None:
        frozen = await frozen_after_its_call(desk)
        desk.clock.advance(timedelta(hours=1))
        assert (await frozen.lose_the_second(desk)).state is CallState.UNKNOWN

        found = await frozen.wake(desk)

        assert (found.state, found.hold_reason, bool(found.msgid)) == (CallState.DONE, None, True)
        assert await desk.account(frozen.message) == {"sent": 1}

    async def test_it_settles_what_waits_to_be_repeated(self, desk: Desk) -> None:
        frozen = await frozen_after_its_call(desk)
        assert (await frozen.lose_the_second(desk)).state is CallState.READY

        assert (await frozen.wake(desk)).state is CallState.DONE
        await desk.pass_time(minutes=5)
        assert len(await desk.sandbox.calls("message/send")) == 1

    async def test_it_settles_what_is_under_way_once_more(self, desk: Desk) -> None:
        """The platform drops the repeat, and may answer it with an error: that says nothing any more."""
        frozen = await frozen_after_its_call(desk)

        assert (await frozen.wake(desk)).state is CallState.DONE
        assert (await frozen.lose_the_second(desk)).state is CallState.DONE
        assert await desk.account(frozen.message) == {"sent": 1}

    async def test_after_a_persons_failed_it_is_a_finding(self, desk: Desk) -> None:
        frozen = await frozen_after_its_call(desk)
        desk.clock.advance(timedelta(hours=1))
        await frozen.lose_the_second(desk)
        await resolve(desk, frozen.call_id, ledger.Resolution.FAILED)
        assert await desk.account(frozen.message) == {"failed": 1}

        found = await frozen.wake(desk)

        assert (found.state, found.hold_reason) == (CallState.FAILED, "arrived_after_all")
        assert await desk.account(frozen.message) == {"sent": 1}
        assert await findings(desk) == {"calls.arrived_after_all"}

    async def test_a_failure_of_an_earlier_attempt_changes_nothing(self, desk: Desk) -> None:
        frozen = await frozen_after_its_call(desk)
        async with transaction(desk.sessions) as session:
            failure = TooLate("message/send")
            await ledger.record(session, attempt=frozen.first, failure=failure, now=desk.clock.now())

        assert (await desk.call(frozen.call_id)).state is CallState.SENDING

    async def test_whom_a_person_has_sent_it_once_more_has_it_twice(self, desk: Desk) -> None:
        frozen = await frozen_after_its_call(desk, people=2)
        desk.clock.advance(timedelta(hours=1))
        await frozen.lose_the_second(desk)
        [row, _] = await desk.deliveries(frozen.message)
        assert row.id is not None
        async with transaction(desk.sessions) as session:
            await service.retry_delivery(session, delivery_id=row.id, actor=SYSTEM, now=desk.clock.now())

        found = await frozen.wake(desk)

        assert (found.state, found.hold_reason) == (CallState.DONE, "arrived_after_all")
        assert await findings(desk) == {"calls.arrived_after_all"}
        await resolve(desk, frozen.call_id, ledger.Resolution.DONE)
        assert await findings(desk) == set()


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
