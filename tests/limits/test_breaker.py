"""After 45009 and 45033 nobody calls the path before the block is over; then one call tries first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.database import Sessions, transaction
from app.limits import numbers
from app.limits.breaker import Block, Breaker, Exhausted, next_block, scope_of, unblock
from app.limits.usage import reservations
from app.limits.usage.counters import Demand
from app.limits.usage.windows import Span, block_end
from models.limits import LimitBlock
from tests.fakes.clock import MONDAY_9AM, FakeClock

PATH = "appchat/update"


class TestHowLong:
    def test_a_minute_where_nothing_is_known(self) -> None:
        assert next_block(None, errcode=45009, guess=Span.MINUTE, now=MONDAY_9AM).until == MONDAY_9AM + timedelta(
            seconds=60
        )

    def test_refused_again_an_hour_from_the_first_refusal_then_the_rest_of_the_day_then_a_month(self) -> None:
        block, now = next_block(None, errcode=45009, guess=Span.MINUTE, now=MONDAY_9AM), MONDAY_9AM
        ends = [block.until]
        for _ in range(3):
            now = block.until
            block = next_block(block, errcode=45009, guess=Span.MINUTE, now=now)
            ends.append(block.until)
        assert ends == [block_end(span, MONDAY_9AM) for span in Span]

    def test_the_window_that_our_own_count_shows_near_its_end(self) -> None:
        assert next_block(None, errcode=45009, guess=Span.DAY, now=MONDAY_9AM).until == block_end(Span.DAY, MONDAY_9AM)

    def test_a_refusal_long_after_is_a_new_one(self) -> None:
        old = Block("hour", MONDAY_9AM, MONDAY_9AM - timedelta(hours=1), 2)
        now = MONDAY_9AM + timedelta(hours=3)
        assert next_block(old, errcode=45009, guess=Span.MINUTE, now=now).until == now + timedelta(seconds=60)

    def test_an_end_never_lies_in_the_past(self) -> None:
        block = Block("hour", MONDAY_9AM + timedelta(hours=16), MONDAY_9AM, 2)
        now = block.until + timedelta(minutes=1)
        assert next_block(block, errcode=45009, guess=Span.MINUTE, now=now).until > now

    def test_too_many_at_once_is_a_short_pause_that_doubles_up_to_a_minute(self) -> None:
        block, now, pauses = None, MONDAY_9AM, []
        for _ in range(8):
            block = next_block(block, errcode=45033, guess=Span.MINUTE, now=now)
            pauses.append((block.until - now).total_seconds())
            now = block.until
        assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


class TestWhose:
    @pytest.mark.parametrize(
        ("path", "scope"), [("message/send", "app"), ("user/list", ""), ("appchat/send", ""), ("ticket/get", "")]
    )
    def test_an_apps_where_every_limit_is_an_apps(self, path: str, scope: str) -> None:
        assert scope_of(path, "app") == scope


@pytest.fixture
async def processes(sessions: Sessions, clock: FakeClock) -> tuple[Breaker, Breaker]:
    return Breaker(sessions, clock), Breaker(sessions, clock)


class TestTwoProcesses:
    async def test_one_is_refused_and_both_wait_then_one_call_tries(
        self, processes: tuple[Breaker, Breaker], clock: FakeClock
    ) -> None:
        one, other = processes
        until = await one.refused(PATH, "app", errcode=45009, was_probe=False)
        assert until == clock.now() + timedelta(seconds=60)
        for process in processes:
            with pytest.raises(Exhausted) as exhausted:
                await process.pass_by(PATH, "app")
            assert exhausted.value.until == until
        clock.advance(timedelta(seconds=60))
        assert await other.pass_by(PATH, "app") is True
        with pytest.raises(Exhausted):
            await one.pass_by(PATH, "app")
        await other.passed(PATH, "app")
        assert await other.pass_by(PATH, "app") is False

    async def test_the_call_that_tried_is_refused_and_the_block_is_longer(
        self, processes: tuple[Breaker, Breaker], clock: FakeClock
    ) -> None:
        one, _ = processes
        first = clock.now()
        await one.refused(PATH, "app", errcode=45009, was_probe=False)
        clock.advance(timedelta(seconds=61))
        assert await one.pass_by(PATH, "app") is True
        assert await one.refused(PATH, "app", errcode=45009, was_probe=True) == first + timedelta(hours=1)

    async def test_calls_that_were_under_way_make_it_no_longer(
        self, processes: tuple[Breaker, Breaker], clock: FakeClock
    ) -> None:
        one, other = processes
        until = await one.refused(PATH, "app", errcode=45009, was_probe=False)
        clock.advance(timedelta(seconds=1))
        assert await other.refused(PATH, "app", errcode=45009, was_probe=False) == until

    async def test_who_could_not_try_gives_way(self, processes: tuple[Breaker, Breaker], clock: FakeClock) -> None:
        one, other = processes
        await one.refused(PATH, "app", errcode=45009, was_probe=False)
        clock.advance(timedelta(seconds=61))
        assert await one.pass_by(PATH, "app") is True
        await one.not_tried(PATH, "app")
        assert await other.pass_by(PATH, "app") is True

    async def test_the_limit_nearest_to_its_end_is_taken_for_the_one_that_was_hit(
        self, processes: tuple[Breaker, Breaker], sessions: Sessions, clock: FakeClock
    ) -> None:
        async with transaction(sessions) as session:
            await numbers.change(session, "appchat.update.hour", now=clock.now(), most=10)
            for _ in range(9):
                await reservations.reserve(session, [Demand("appchat.update", "")], now=clock.now())
        until = await processes[0].refused(PATH, "app", errcode=45009, was_probe=False)
        assert until == clock.now() + timedelta(hours=1)

    async def test_lifted_by_hand_it_is_open_again(
        self, sessions: Sessions, clock: FakeClock, processes: tuple[Breaker, Breaker]
    ) -> None:
        await processes[0].refused(PATH, "app", errcode=45009, was_probe=False)
        async with transaction(sessions) as session:
            assert await unblock(session, path=PATH)
        assert await Breaker(sessions, clock).pass_by(PATH, "app") is False


class TestAClockThatIsSetBack:
    """B6: no block lasts longer than its window, counted from the right time."""

    async def test_a_block_of_an_hour_ends_within_an_hour(self, sessions: Sessions, clock: FakeClock) -> None:
        clock.advance(timedelta(hours=5))
        async with transaction(sessions) as session:
            session.add(
                LimitBlock(
                    scope="",
                    path=PATH,
                    errcode=45009,
                    window="hour",
                    first_refused_at=clock.now(),
                    blocked_until=clock.now() + timedelta(hours=1),
                )
            )
        clock.advance(-timedelta(hours=5))
        breaker = Breaker(sessions, clock)
        with pytest.raises(Exhausted) as refused:
            await breaker.pass_by(PATH, "app")

        assert refused.value.until == clock.now() + timedelta(hours=1)
        clock.advance(timedelta(hours=1))
        assert await Breaker(sessions, clock).pass_by(PATH, "app"), "this call tries"
