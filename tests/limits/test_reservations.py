"""Reservations in the database: the same arithmetic as `windows`, all or nothing, by many at once."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Sessions, transaction
from app.limits import numbers
from app.limits.catalogue import COUNTERS, LIMITS
from app.limits.usage import counters, reservations, windows
from app.limits.usage.counters import Demand
from app.limits.usage.reservations import Flight
from app.limits.usage.windows import Span
from tests.fakes.clock import MONDAY_9AM

MEMBER = "message.member"


async def limit_to(session: AsyncSession, **most: int) -> None:
    for key, number in most.items():
        await numbers.change(session, key.replace("_", "."), now=MONDAY_9AM, most=number)


async def used(session: AsyncSession, demand: Demand, span: Span, now: datetime) -> int:
    rows = await counters.lock(session, [demand.key], now=now)
    return windows.used(windows.WINDOWS[span], rows[demand.key].uses[span], now)


class TestAgreesWithTheArithmetic:
    @given(
        steps=st.lists(
            st.tuples(st.integers(0, 50), st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)),
            min_size=1,
            max_size=12,
        )
    )
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    async def test_whatever_is_taken_when(self, session: AsyncSession, steps: list[tuple[int, list[int]]]) -> None:
        """In the database and in Python the same is refused, and the same is entered."""
        await limit_to(session, message_member_minute=2, message_member_hour=6)
        run, now = uuid4().hex, MONDAY_9AM
        model: dict[int, dict[Span, list[tuple[int, int]]]] = {}
        for pause, people in steps:
            now += timedelta(seconds=pause)
            demands = [Demand(MEMBER, f"{run}:{person}") for person in people]
            limits = [LIMITS["message.member.minute"], LIMITS["message.member.hour"]]
            expected = {
                f"{run}:{person}"
                for person in people
                for limit, most in zip(limits, (2, 6), strict=True)
                if windows.used(limit.window, model.get(person, {}).get(limit.span, []), now) + 1 > most
            }
            short = await reservations.reserve(session, demands, now=now)
            assert {shortage.subject for shortage in short} == expected
            if not short:
                for person in people:
                    uses = model.setdefault(person, {})
                    for limit in limits:
                        uses[limit.span] = windows.entered(
                            limit.window, uses.get(limit.span, []), at=now, amount=1, now=now
                        )
            for demand, person in zip(demands, people, strict=True):
                for limit in limits:
                    seen = windows.used(limit.window, model.get(person, {}).get(limit.span, []), now)
                    assert await used(session, demand, limit.span, now) == seen


class TestAllOrNothing:
    async def test_one_member_at_the_limit_takes_nothing_from_the_others(self, session: AsyncSession) -> None:
        await limit_to(session, message_member_minute=1)
        one, other = Demand(MEMBER, "app:one"), Demand(MEMBER, "app:other")
        assert await reservations.reserve(session, [one], now=MONDAY_9AM) == []
        [short] = await reservations.reserve(session, [one, other], now=MONDAY_9AM)
        assert (short.key, short.subject, short.room) == ("message.member.minute", "app:one", 0)
        assert short.until == MONDAY_9AM + timedelta(seconds=62)
        assert await used(session, other, Span.MINUTE, MONDAY_9AM) == 0

    async def test_lifted_it_is_counted_and_not_kept(self, session: AsyncSession) -> None:
        await numbers.change(
            session, "message.member.minute", now=MONDAY_9AM, most=1, lifted_until=MONDAY_9AM + timedelta(hours=1)
        )
        demand = Demand(MEMBER, "app:one")
        for _ in range(3):
            assert await reservations.reserve(session, [demand], now=MONDAY_9AM) == []
        assert await used(session, demand, Span.MINUTE, MONDAY_9AM) == 3

    async def test_a_share_leaves_the_rest_to_others(self, session: AsyncSession) -> None:
        await numbers.change(session, "appchat.create.day", now=MONDAY_9AM, most=10, share=0.3)
        taken = [await reservations.reserve(session, [Demand("appchat.create", "")], now=MONDAY_9AM) for _ in range(4)]
        assert [bool(short) for short in taken] == [False, False, False, True]


class TestALongFlight:
    async def test_counts_although_its_slot_is_long_past(self, session: AsyncSession) -> None:
        """A dead worker's call may have arrived at any moment since: two minutes later it is still counted."""
        await limit_to(session, message_member_minute=1)
        demand = Demand(MEMBER, "app:one")
        assert await reservations.reserve(session, [demand], now=MONDAY_9AM) == []
        later = MONDAY_9AM + timedelta(minutes=2)
        flight = Flight(MONDAY_9AM, (demand,))
        assert await reservations.reserve(session, [demand], now=later, flights=[flight])
        await reservations.move(session, [demand], since=MONDAY_9AM, now=later)
        assert await reservations.reserve(session, [demand], now=later + timedelta(seconds=59))
        assert await reservations.reserve(session, [demand], now=later + timedelta(seconds=61)) == []


class TestManyAtOnce:
    async def test_workers_that_want_the_same_people_in_any_order_wait_for_each_other(self, sessions: Sessions) -> None:
        people = [f"app:{uuid4()}" for _ in range(300)]
        async with transaction(sessions) as session:
            await numbers.change(session, "message.app.day", now=MONDAY_9AM, most=1_000_000)
            await limit_to(session, message_member_minute=10)

        async def worker(seed: int) -> int:
            taken = 0
            for _ in range(4):
                shuffled = list(people)
                random.Random(seed).shuffle(shuffled)  # noqa: S311 -- an order, no secret
                demands = [Demand("message.app", "app", 300), *(Demand(MEMBER, person) for person in shuffled)]
                async with transaction(sessions) as session:
                    taken += not await reservations.reserve(session, demands, now=MONDAY_9AM)
            return taken

        assert sum(await asyncio.gather(*(worker(seed) for seed in range(4)))) == 10
        async with sessions() as session:
            rows = await session.execute(text("SELECT count(*) FROM limit_counters WHERE counter = 'message.member'"))
            assert rows.scalar_one() == 300


class TestHousekeeping:
    async def test_what_nothing_counts_of_goes(self, session: AsyncSession) -> None:
        await reservations.reserve(session, [Demand(MEMBER, "app:old")], now=MONDAY_9AM)
        await reservations.reserve(session, [Demand(MEMBER, "app:new")], now=MONDAY_9AM + timedelta(hours=2))
        await counters.prune(session, now=MONDAY_9AM + timedelta(hours=3))
        rows = await session.execute(text("SELECT subject FROM limit_counters WHERE subject IN ('app:old', 'app:new')"))
        assert rows.scalars().all() == ["app:new"]


class TestAClockThatIsSetBack:
    """B6: what is counted in slots that are still to come has arrived already."""

    async def test_uses_ahead_count_for_one_window_from_now_on(self, session: AsyncSession) -> None:
        demand = Demand(MEMBER, "app:1")
        later = MONDAY_9AM + timedelta(hours=3)
        for _ in range(2):
            await reservations.reserve(session, [demand], now=later)

        assert await counters.count_from(session, COUNTERS[MEMBER], now=MONDAY_9AM) == 1

        assert await used(session, demand, Span.MINUTE, MONDAY_9AM) == 2
        assert await used(session, demand, Span.MINUTE, MONDAY_9AM + timedelta(seconds=62)) == 0
        assert await counters.count_from(session, COUNTERS[MEMBER], now=MONDAY_9AM) == 0
