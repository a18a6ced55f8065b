"""Counting uses in slots, so that no span of a window's length ever holds more than its limit. Pure.

A use is entered where it can have arrived at the latest: in the slot of its reservation, a little padded. It is counted
until a whole window has passed since the end of that slot. Whatever the platform counts from (its own minutes, ours,
any sixty seconds), it never sees more; the price is one slot and the padding: 60 of 62 seconds are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from enum import StrEnum

BEIJING = timezone(timedelta(hours=8))
"""The platform counts its days there, wherever the company is."""


class Span(StrEnum):
    """The windows that limits have, by the name of their column."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Window:
    """`slots` of `slot_seconds` are the window's length; uses are entered `pad` slots after their reservation."""

    slot_seconds: int
    slots: int
    pad: int = 0

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.slot_seconds * self.slots)

    @property
    def turnover(self) -> timedelta:
        """After this long a full window is empty again, wherever in its slot it was filled."""
        return timedelta(seconds=self.slot_seconds * (self.slots + self.pad + 1))

    def slot_of(self, at: datetime) -> int:
        return int(at.timestamp() // self.slot_seconds)

    def start_of(self, slot: int) -> datetime:
        return datetime.fromtimestamp(slot * self.slot_seconds, UTC)


WINDOWS: dict[Span, Window] = {
    # A call is over within a second or two: with one slot of padding its end needs no second entry.
    Span.MINUTE: Window(slot_seconds=1, slots=60, pad=1),
    Span.HOUR: Window(slot_seconds=60, slots=60),
    Span.DAY: Window(slot_seconds=1800, slots=48),
    # The platform's month is thirty days (doc path/90312).
    Span.MONTH: Window(slot_seconds=86_400, slots=30),
}

Uses = Sequence[tuple[int, int]]
"""(slot, used), slots rising."""


def live(window: Window, uses: Uses, now: datetime) -> list[tuple[int, int]]:
    """The uses that still count."""
    oldest = window.slot_of(now) - window.slots
    return [(slot, count) for slot, count in uses if slot >= oldest]


def used(window: Window, uses: Uses, now: datetime) -> int:
    oldest = window.slot_of(now) - window.slots
    return sum(count for slot, count in uses if slot >= oldest)


def placed(window: Window, at: datetime) -> int:
    """The slot of a use that is reserved at this moment."""
    return window.slot_of(at) + window.pad


def entered(window: Window, uses: Uses, *, at: datetime, amount: int, now: datetime) -> list[tuple[int, int]]:
    """With a use that is reserved for `at`. What does not count any more is dropped on the way."""
    return _added(live(window, uses, now), placed(window, at), amount)


def moved(window: Window, uses: Uses, *, since: datetime, now: datetime, amount: int) -> list[tuple[int, int]]:
    """A use reserved at `since` turned out to have arrived by `now` only: from now on it counts from there.

    Where its slot has been counted out already, it is entered anew.
    """
    start, end = placed(window, since), window.slot_of(now)
    if end <= start:
        return list(uses)
    return _added(_taken(live(window, uses, now), start, amount), end, amount)


def given_back(window: Window, uses: Uses, *, since: datetime, now: datetime, amount: int) -> list[tuple[int, int]]:
    """Without a use reserved at `since` that never arrived."""
    return _taken(live(window, uses, now), placed(window, since), amount)


def release(window: Window, uses: Uses, *, amount: int, most: int, now: datetime) -> datetime | None:
    """When `amount` more fits at the earliest; None when it does now.

    More than fits into a whole window goes over several: this is then the moment of the last part. A limit of nothing
    is looked at again after a window.
    """
    if most <= 0:
        return now + window.length
    rounds, rest = divmod(max(amount, 1) - 1, most)
    needed, free = rest + 1, most - used(window, uses, now)
    at = now
    for slot, count in live(window, uses, now):
        if free >= needed:
            break
        free += count
        at = window.start_of(slot + window.slots + 1)
    if rounds == 0 and at == now:
        return None
    return at + rounds * window.turnover


def full_at(window: Window, uses: Uses, *, most: int, now: datetime) -> datetime | None:
    """When the limit is reached if the last sixth of the window is how it goes on. None when it never is."""
    recent_slots = max(window.slots // 6, 1)
    recent = sum(count for slot, count in uses if slot > window.slot_of(now) - recent_slots)
    if recent == 0 or recent * window.slots <= most * recent_slots:
        return None  # at this rate as much expires as is added
    left = max(most - used(window, uses, now), 0)
    return now + timedelta(seconds=left * recent_slots * window.slot_seconds / recent)


COUNT_BITS = 32
COUNT_MASK = 2**COUNT_BITS - 1


def packed(uses: Uses) -> list[int]:
    """As stored: one number for each slot, the slot above and the count below."""
    return [slot << COUNT_BITS | count for slot, count in uses]


def unpacked(numbers: Iterable[int]) -> list[tuple[int, int]]:
    return [(number >> COUNT_BITS, number & COUNT_MASK) for number in sorted(numbers)]


def block_end(span: Span, since: datetime) -> datetime:
    """When a block that began then is over: a day's at midnight, every other after its own length (messaging §0.1)."""
    if span is not Span.DAY:
        return since + WINDOWS[span].length
    tomorrow = since.astimezone(BEIJING).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), BEIJING).astimezone(since.tzinfo)


def _added(uses: Iterable[tuple[int, int]], slot: int, amount: int) -> list[tuple[int, int]]:
    counts = dict(uses)
    counts[slot] = counts.get(slot, 0) + amount
    return sorted(counts.items())


def _taken(uses: Iterable[tuple[int, int]], slot: int, amount: int) -> list[tuple[int, int]]:
    counts = dict(uses)
    left = counts.pop(slot, 0) - amount
    if left > 0:
        counts[slot] = left
    return sorted(counts.items())
