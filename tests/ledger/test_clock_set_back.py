"""B6 of P7: our clock is set back. What waits is judged by the time that it is now, not by when it was to end."""

from __future__ import annotations

from datetime import timedelta

from app.database import transaction
from app.ledger.claiming.claim import claim
from app.ledger.jobs import JUDGE_AGAIN, RECOVER_EVERY, judge_again, start_up
from app.ledger.rules import LEASE
from models.delivery import CallState
from tests.delivery.conftest import Desk
from tests.fakes.queue import take


async def look_as_at_a_start(desk: Desk) -> None:
    """As the worker does when it sees that its clock was set back, and whenever it starts."""
    async with transaction(desk.sessions) as session:
        await start_up(session, now=desk.clock.now(), settings=desk.ctx.settings)
        asked = await take(session, JUDGE_AGAIN)
    for payload in asked:
        await judge_again(desk.ctx, payload)
    await desk.work()


async def set_back(desk: Desk, by: timedelta) -> None:
    desk.clock.advance(-by)
    await look_as_at_a_start(desk)


class TestTheRestPeriod:
    """3.4: 静默时段 … a message held in what was no rest period goes at once."""

    async def test_is_over_where_the_right_time_is_an_allowed_one(self, desk: Desk) -> None:
        await look_as_at_a_start(desk)
        desk.clock.advance(timedelta(hours=12))  # Monday 21:00 in Shanghai, as a wrong clock says
        await desk.work()
        message = await desk.text(await desk.colleagues(1))
        await desk.work()
        assert await desk.account(message) == {"held": 1}

        await set_back(desk, timedelta(hours=11))

        assert await desk.account(message) == {"sent": 1}

    async def test_goes_on_until_the_same_moment_where_it_is_night_by_both(self, desk: Desk) -> None:
        await look_as_at_a_start(desk)
        desk.clock.advance(timedelta(hours=14))
        await desk.work()
        message = await desk.text(await desk.colleagues(1))
        await desk.work()
        [before] = await desk.deliveries(message)

        await set_back(desk, timedelta(hours=1))

        [after] = await desk.deliveries(message)
        assert (after.state, after.reason, after.until) == (before.state, "quiet_hours", before.until)

    async def test_a_clock_that_goes_forward_by_itself_judges_nothing(self, desk: Desk) -> None:
        await look_as_at_a_start(desk)
        desk.clock.advance(RECOVER_EVERY)
        await look_as_at_a_start(desk)
        async with transaction(desk.sessions) as session:
            await start_up(session, now=desk.clock.now(), settings=desk.ctx.settings)
        assert "delivery.judge_again" not in await desk.waiting()


class TestTheLimits:
    """The windows are counted in slots. What was counted ahead of the right time counts for one window from now on."""

    async def test_who_waits_for_a_members_minute_waits_a_minute(self, desk: Desk) -> None:
        desk.clock.advance(timedelta(hours=3))
        await look_as_at_a_start(desk)
        people = await desk.colleagues(1)
        messages = [await desk.text(people, f"第 {number} 条") for number in range(31)]
        await desk.work()
        assert await desk.reasons(messages[30]) == {"member_limit"}

        await set_back(desk, timedelta(hours=3))

        assert await desk.account(messages[30]) == {"held": 1}, "the platform has had thirty within this minute"
        await desk.pass_time(seconds=63)
        assert await desk.account(messages[30]) == {"sent": 1}


class TestALease:
    async def test_of_a_dead_worker_ends_as_soon_as_any(self, desk: Desk) -> None:
        """Its outcome is unknown: nobody knows any more how long the platform still recognises a repeat (D6)."""
        desk.clock.advance(timedelta(hours=3))
        await look_as_at_a_start(desk)
        await desk.text(await desk.colleagues(1))
        [payload] = await desk.take_jobs()
        async with transaction(desk.sessions) as session:
            await claim(session, call_id=payload.call_id, now=desk.clock.now())
        # Its worker dies here.
        await set_back(desk, timedelta(hours=3))
        await desk.recover()
        assert (await desk.call(payload.call_id)).state is CallState.SENDING

        desk.clock.advance(LEASE + timedelta(seconds=1))
        await desk.recover()

        assert (await desk.call(payload.call_id)).state is CallState.UNKNOWN
