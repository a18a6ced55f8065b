"""F118, P5: by correlation id what led to what, in one order, and nothing of what people wrote to each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.database import transaction
from app.observability import bound_correlation
from app.settings import Settings
from app.trace import service
from app.trace.errors import TraceNotFound
from app.trace.service import Ref, Trace, TraceEntry, TraceKind
from models.approvals import Request
from models.delivery import CallState, DeliveryState, OutgoingCall
from models.inbox import EventState, ReceivedEvent
from tests.builders.announcements import announcement
from tests.builders.approvals import Library, borrowing, click, everything_arrives, step
from tests.builders.clicks import click_event
from tests.company import Company, answer, found, serving
from tests.databases import rolled_back
from tests.fakes.clock import MONDAY_9AM, FakeClock

HEAD = [step("部门负责人", "department_head")]
ONE, OTHER = "1" * 32, "2" * 32
SECRET = "客户的名字不该出现在追踪里"


async def of(session: AsyncSession, correlation_id: str) -> Trace:
    await session.flush()
    return await service.trace(session, correlation_id, now=MONDAY_9AM)


def caused_by(trace: Trace, ref: Ref) -> list[TraceEntry]:
    """What the rows say followed from it."""
    return [one for one in trace.entries if one.caused_by == ref]


def kinds(trace: Trace) -> list[TraceKind]:
    return list(dict.fromkeys(one.kind for one in trace.entries))


async def decided_by_click(session: AsyncSession, company: Company) -> tuple[Request, ReceivedEvent]:
    """Submitted under ONE; a minute later the head's click comes, and is handled under an id of its own."""
    library = Library(HEAD)
    with bound_correlation(ONE):
        request = await borrowing(session, library, company.li, reason=SECRET)
    await everything_arrives(session)
    later = MONDAY_9AM + timedelta(minutes=1)
    with bound_correlation(OTHER):
        await click(session, library, company.wang, request, now=later)
    event = (await session.scalars(select(ReceivedEvent))).one()
    event.state, event.correlation_id = EventState.DONE, OTHER
    return request, event


class TestStory:
    """callback → decision → call → answer."""

    async def test_what_was_submitted(self, session: AsyncSession, company: Company) -> None:
        request, _ = await decided_by_click(session, company)
        trace = await of(session, ONE)
        assert trace.is_complete
        assert {TraceKind.RECORDED, TraceKind.CALLED, TraceKind.ANSWERED, TraceKind.DELIVERED} <= set(kinds(trace))
        first = trace.entries[0]
        assert (first.kind, first.chinese, first.english) == (
            TraceKind.RECORDED,
            "提交了申请",
            "The request was submitted",
        )
        assert first.about == Ref("request", str(request.id))
        assert first.actor == f"person:{company.li.id}"
        asked = [one for one in trace.entries if one.kind is TraceKind.CALLED]
        assert {(one.about, one.caused_by) for one in asked} == {(first.about, first.about)}
        answered, reached = caused_by(trace, asked[0].ref)
        assert reached.kind is TraceKind.DELIVERED
        assert (answered.kind, answered.state) == (TraceKind.ANSWERED, "done")
        assert answered.chinese == "第 0 次尝试：企业微信已受理"

    async def test_what_the_click_led_to(self, session: AsyncSession, company: Company) -> None:
        request, event = await decided_by_click(session, company)
        trace = await of(session, OTHER)
        received = Ref("received_event", str(event.id))
        assert trace.entries[0].ref == received
        assert trace.entries[0].chinese == "收到企业微信的回调（有人按了卡片）：已处理"
        [verdict] = [one for one in trace.entries if one.kind is TraceKind.DECIDED]
        assert (verdict.caused_by, verdict.about, verdict.state) == (
            received,
            Ref("request", str(request.id)),
            "approve",
        )
        recorded = [one.state for one in caused_by(trace, received) if one.kind is TraceKind.RECORDED]
        assert recorded == ["step.approved", "request.approved"]
        assert [one.state for one in trace.entries if one.kind is TraceKind.CALLED]

    async def test_it_is_in_the_order_in_which_it_happened(self, session: AsyncSession, company: Company) -> None:
        await decided_by_click(session, company)
        for correlation_id in (ONE, OTHER):
            moments = [one.at for one in (await of(session, correlation_id)).entries]
            assert moments == sorted(moments)

    async def test_it_quotes_nobody(self, session: AsyncSession, company: Company) -> None:
        """IT follows it without reading what it is about."""
        await decided_by_click(session, company)
        with bound_correlation(ONE):
            await announcement(session, company.wang, people=["li"], title=SECRET, body=SECRET)
        for correlation_id in (ONE, OTHER):
            assert SECRET not in repr(await of(session, correlation_id))

    async def test_the_steps_of_a_call_that_was_made_again(self, session: AsyncSession, company: Company) -> None:
        with bound_correlation(ONE):
            await announcement(session, company.wang, people=["li"])
        [first] = await session.scalars(select(OutgoingCall))
        first.state, first.finished_at, first.errcode = CallState.FAILED, MONDAY_9AM, 60011
        first.attempts = 1
        again = OutgoingCall(
            **first.model_dump(
                exclude={"id", "state", "finished_at", "errcode", "task_id", "previous_id", "attempts", "hold_reason"}
            ),
            previous_id=first.id,
            state=CallState.HELD,
            hold_reason="quiet_hours",
        )
        session.add(again)
        trace = await of(session, ONE)
        [followed] = [
            one for one in caused_by(trace, Ref("outgoing_call", str(first.id))) if one.kind is TraceKind.CALLED
        ]
        assert followed.ref == Ref("outgoing_call", str(again.id))
        assert "还没有发出：现在是免打扰时段" in followed.chinese
        [answer_to_it] = [one for one in trace.entries if one.kind is TraceKind.ANSWERED]
        assert answer_to_it.english.startswith("attempt 1: it failed: 60011 ")


class TestWhatWaits:
    async def test_jobs_and_deadlines_that_have_not_run(self, session: AsyncSession, company: Company) -> None:
        with bound_correlation(ONE):
            await borrowing(session, Library(HEAD), company.li)
        waiting = [one for one in (await of(session, ONE)).entries if one.kind is TraceKind.WAITING]
        assert {one.ref.kind for one in waiting} == {"job", "timer"}

    @pytest.mark.parametrize("state", [EventState.PENDING, EventState.PARKED])
    async def test_a_callback_that_waits_is_found_however_old(
        self, session: AsyncSession, company: Company, state: EventState
    ) -> None:
        event = await click_event(session, "approval.approve:1", now=MONDAY_9AM - timedelta(days=20))
        event.state = state
        trace = await of(session, event.correlation_id)
        assert [(one.kind, one.state) for one in trace.entries] == [(TraceKind.RECEIVED, state.value)]

    async def test_one_that_had_no_effect_is_found_for_a_day(self, session: AsyncSession, company: Company) -> None:
        event = await click_event(session, "approval.approve:1", now=MONDAY_9AM - timedelta(hours=23))
        event.state = EventState.IGNORED
        assert len((await of(session, event.correlation_id)).entries) == 1

    async def test_nothing_under_an_id(self, session: AsyncSession, company: Company) -> None:
        await decided_by_click(session, company)
        with pytest.raises(TraceNotFound):
            await of(session, "3" * 32)


class TestAmount:
    async def test_recipients_are_numbers(self, session: AsyncSession, company: Company) -> None:
        with bound_correlation(ONE):
            await announcement(session, company.wang, departments=[1])
        counts = {one.state: one.chinese for one in (await of(session, ONE)).entries if one.kind is TraceKind.DELIVERED}
        assert counts == {DeliveryState.HELD.value: "等待发送：5 人"}

    async def test_a_domain_with_more_than_fits_says_so(self, session: AsyncSession, company: Company) -> None:
        with bound_correlation(ONE):
            await announcement(session, company.wang, people=["li"])
        [first] = await session.scalars(select(OutgoingCall))
        plain = first.model_dump(exclude={"id", "task_id"})
        session.add_all(OutgoingCall(**plain) for _ in range(service.MOST))
        trace = await of(session, ONE)
        assert not trace.is_complete
        assert len([one for one in trace.entries if one.kind is TraceKind.CALLED]) == service.MOST


class TestRest:
    async def test_it_is_served_to_keys_that_may_read_the_trail(
        self, shared_engine: AsyncEngine, clock: FakeClock, settings: Settings
    ) -> None:
        async with rolled_back(shared_engine) as sessions:
            async with transaction(sessions) as session:
                company = await found(session)
                with bound_correlation(ONE):
                    await announcement(session, company.wang, people=["li"])
            async with serving(sessions, clock, settings, scopes=["audit:read"]) as client:
                told = await answer(client.get(f"/traces/{ONE}"))
                assert (await answer(client.get(f"/traces/{OTHER}"), 404))["type"] == "/problems/no-such-trace"
                await answer(client.get("/traces/short"), 422)
            async with serving(sessions, clock, settings, scopes=["overview:read"]) as client:
                await answer(client.get(f"/traces/{ONE}"), 403)
        first = told["entries"][0]
        assert (told["complete"], first["kind"], first["what"]) == (True, "recorded", "发布了通知")
        assert first["about"]["kind"] == "announcement"
