"""Counting in slots: never over in any span of a window's length, whatever arrives when, and nearly all of it used."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.limits.usage import windows
from app.limits.usage.windows import WINDOWS, Span, Window, block_end
from tests.fakes.clock import MONDAY_9AM

MINUTE = WINDOWS[Span.MINUTE]

MOMENTS = st.floats(min_value=0, max_value=86_400, allow_nan=False)


@dataclass
class Limiter:
    """What the database does for all workers, in memory."""

    window: Window
    most: int
    uses: list[tuple[int, int]] = field(default_factory=list)

    def reserve(self, now: datetime, amount: int) -> bool:
        if windows.used(self.window, self.uses, now) + amount > self.most:
            return False
        self.uses = windows.entered(self.window, self.uses, at=now, amount=amount, now=now)
        return True

    def record(self, since: datetime, now: datetime, amount: int) -> None:
        self.uses = windows.moved(self.window, self.uses, since=since, now=now, amount=amount)

    def release(self, now: datetime, amount: int) -> datetime | None:
        return windows.release(self.window, self.uses, amount=amount, most=self.most, now=now)


def heaviest(arrivals: list[tuple[datetime, int]], length: timedelta) -> int:
    """The most that any span of this length holds: wherever it begins, it begins with an arrival."""
    return max(
        (sum(amount for at, amount in arrivals if start <= at < start + length) for start, _ in arrivals), default=0
    )


# Pause before the call, its amount, how much of its duration passes before it arrives, its duration.
CALLS = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=40),
        st.integers(min_value=1, max_value=7),
        st.floats(min_value=0, max_value=1),
        st.one_of(st.floats(min_value=0, max_value=1), st.floats(min_value=0, max_value=50)),
    ),
    max_size=60,
)


class TestNeverOver:
    @given(calls=CALLS, most=st.integers(min_value=1, max_value=20), start=MOMENTS)
    @settings(max_examples=300)
    @pytest.mark.parametrize("span", [Span.MINUTE, Span.HOUR])
    def test_in_any_span_however_long_calls_take(
        self, span: Span, calls: list[tuple[float, int, float, float]], most: int, start: float
    ) -> None:
        """Arrivals lie anywhere between reservation and record; several calls are under way at once."""
        limiter = Limiter(WINDOWS[span], most)
        arrivals: list[tuple[datetime, int]] = []
        under_way: list[tuple[datetime, datetime, int]] = []
        now = MONDAY_9AM + timedelta(seconds=start)
        scale = 1 if span is Span.MINUTE else 30
        for pause, amount, part, duration in calls:
            now += timedelta(seconds=pause * scale)
            while under_way and under_way[0][0] <= now:
                end, since, taken = heapq.heappop(under_way)
                limiter.record(since, end, taken)
            if limiter.reserve(now, amount):
                arrivals.append((now + timedelta(seconds=duration * part), amount))
                heapq.heappush(under_way, (now + timedelta(seconds=duration), now, amount))
        assert heaviest(arrivals, WINDOWS[span].length) <= most

    @given(calls=CALLS, most=st.integers(min_value=1, max_value=20))
    @settings(max_examples=200)
    def test_when_workers_clocks_differ_by_less_than_the_padding(
        self, calls: list[tuple[float, int, float, float]], most: int
    ) -> None:
        limiter, now = Limiter(MINUTE, most), MONDAY_9AM
        arrivals: list[tuple[datetime, int]] = []
        for number, (pause, amount, _, _) in enumerate(calls):
            now += timedelta(seconds=pause)
            theirs = now + timedelta(seconds=(number % 3 - 1) * 0.49)
            if limiter.reserve(theirs, amount):
                arrivals.append((now, amount))
        assert heaviest(arrivals, MINUTE.length) <= most


class TestNearlyAllOfItIsUsed:
    @pytest.mark.parametrize(("most", "amount"), [(1, 1), (7, 1), (7, 3), (30, 1), (30, 3), (1000, 1), (1000, 3)])
    @pytest.mark.parametrize("span", list(Span))
    def test_while_work_waits(self, span: Span, most: int, amount: int) -> None:
        """Whoever is refused comes back at the moment he was told."""
        window = WINDOWS[span]
        limiter, now, sent = Limiter(window, most), MONDAY_9AM + timedelta(seconds=0.3), 0
        end = now + 20 * window.length
        while now < end:
            if limiter.reserve(now, amount):
                sent += amount
                continue
            moment = limiter.release(now, amount)
            assert moment is not None
            assert moment > now
            now = moment
        whole = most // amount * amount
        # The first window is a gift: measured over the other nineteen.
        assert (sent - whole) / (19 * whole) >= 0.9


class TestRelease:
    def test_is_the_first_moment_at_which_it_fits(self) -> None:
        limiter = Limiter(MINUTE, 10)
        for second in range(5):
            assert limiter.reserve(MONDAY_9AM + timedelta(seconds=second), 2)
        now = MONDAY_9AM + timedelta(seconds=5)
        assert not limiter.reserve(now, 3)
        moment = limiter.release(now, 3)
        assert moment is not None
        before = moment - timedelta(milliseconds=1)
        assert windows.used(MINUTE, limiter.uses, before) + 3 > 10
        assert limiter.reserve(moment, 3)

    def test_is_nothing_when_there_is_room(self) -> None:
        assert Limiter(MINUTE, 10).release(MONDAY_9AM, 10) is None

    def test_of_more_than_fits_into_a_window_is_when_the_last_of_it_goes(self) -> None:
        limiter = Limiter(MINUTE, 10)
        assert limiter.reserve(MONDAY_9AM, 10)
        first, third = limiter.release(MONDAY_9AM, 10), limiter.release(MONDAY_9AM, 30)
        assert first is not None
        assert third == first + 2 * MINUTE.turnover

    def test_of_a_limit_of_nothing_is_looked_at_again(self) -> None:
        assert Limiter(MINUTE, 0).release(MONDAY_9AM, 1) == MONDAY_9AM + timedelta(seconds=60)


class TestWhatEnded:
    def test_in_its_own_slot_stays_where_it_is(self) -> None:
        uses = windows.entered(MINUTE, [], at=MONDAY_9AM, amount=3, now=MONDAY_9AM)
        assert windows.moved(MINUTE, uses, since=MONDAY_9AM, now=MONDAY_9AM + timedelta(seconds=1), amount=3) == uses

    def test_late_counts_from_its_end(self) -> None:
        uses = windows.entered(MINUTE, [], at=MONDAY_9AM, amount=3, now=MONDAY_9AM)
        end = MONDAY_9AM + timedelta(seconds=20)
        moved = windows.moved(MINUTE, uses, since=MONDAY_9AM, now=end, amount=3)
        assert windows.used(MINUTE, moved, MONDAY_9AM + timedelta(seconds=79)) == 3
        assert windows.used(MINUTE, moved, MONDAY_9AM + timedelta(seconds=81)) == 0

    def test_without_arriving_is_given_back_and_nobody_elses(self) -> None:
        uses = windows.entered(MINUTE, [], at=MONDAY_9AM, amount=3, now=MONDAY_9AM)
        uses = windows.entered(MINUTE, uses, at=MONDAY_9AM, amount=2, now=MONDAY_9AM)
        left = windows.given_back(MINUTE, uses, since=MONDAY_9AM, now=MONDAY_9AM, amount=3)
        assert windows.used(MINUTE, left, MONDAY_9AM) == 2


class TestStorage:
    @given(st.dictionaries(st.integers(0, 2**31 - 1), st.integers(1, 2**32 - 1), max_size=70))
    def test_is_one_number_for_each_slot_and_comes_back(self, uses: dict[int, int]) -> None:
        stored = windows.packed(list(uses.items()))
        assert all(number < 2**63 for number in stored)
        assert windows.unpacked(stored) == sorted(uses.items())

    def test_holds_no_more_than_a_window(self) -> None:
        uses: list[tuple[int, int]] = []
        for second in range(1000):
            now = MONDAY_9AM + timedelta(seconds=second)
            uses = windows.entered(MINUTE, uses, at=now, amount=1, now=now)
        assert len(uses) <= MINUTE.slots + MINUTE.pad + 1


class TestForecast:
    def test_is_when_the_limit_is_reached_at_the_rate_of_the_last_sixth(self) -> None:
        uses: list[tuple[int, int]] = []
        for second in range(10):
            at = MONDAY_9AM + timedelta(seconds=second)
            uses = windows.entered(MINUTE, uses, at=at, amount=4, now=at)
        now = MONDAY_9AM + timedelta(seconds=10)
        assert windows.full_at(MINUTE, uses, most=120, now=now) == now + timedelta(seconds=20)

    def test_is_never_when_as_much_expires(self) -> None:
        uses = windows.entered(MINUTE, [], at=MONDAY_9AM, amount=10, now=MONDAY_9AM)
        assert windows.full_at(MINUTE, uses, most=100, now=MONDAY_9AM) is None


class TestBlocks:
    """A block lasts 60 s (minute limit), 60 min (hour), the rest of the day (day), 30 days (month) (messaging §0.1)."""

    @pytest.mark.parametrize(
        ("span", "end"),
        [
            (Span.MINUTE, MONDAY_9AM + timedelta(seconds=60)),
            (Span.HOUR, MONDAY_9AM + timedelta(minutes=60)),
            (Span.DAY, datetime(2026, 3, 2, 16, 0, tzinfo=UTC)),  # midnight in Beijing
            (Span.MONTH, MONDAY_9AM + timedelta(days=30)),
        ],
    )
    def test_last_as_long_as_their_window(self, span: Span, end: datetime) -> None:
        assert block_end(span, MONDAY_9AM) == end


def test_windows_are_as_long_as_the_platforms() -> None:
    """60 s, 60 min, a day, 30 days (messaging §0.1)."""
    assert [WINDOWS[span].length for span in Span] == [
        timedelta(seconds=60),
        timedelta(minutes=60),
        timedelta(days=1),
        timedelta(days=30),
    ]
