"""Fixed windows with the documented block lengths (doc path/90312)."""

import time
from dataclasses import dataclass, field

from sandbox.errors import PlatformError

MINUTE = 60
HOUR = 3_600
DAY = 86_400


@dataclass
class Windows:
    """Counts per key and window. Not documented: fixed or sliding; these are fixed."""

    _counts: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    _blocked_until: dict[str, float] = field(default_factory=dict)

    def take(self, key: str, *, most: int, window: int, now: float, amount: int = 1) -> bool:
        """Count, or refuse without counting when the window is full."""
        slot = int(now // window)
        started, count = self._counts.get((key, window), (slot, 0))
        count = count if started == slot else 0
        if count + amount > most:
            return False
        self._counts[key, window] = (slot, count + amount)
        return True

    def charge(self, key: str, *, most: int, window: int, now: float, amount: int = 1) -> None:
        """Count, or raise 45009 for as long as the documented block lasts."""
        if now < self._blocked_until.get(key, 0.0):
            raise PlatformError(45009)
        if not self.take(key, most=most, window=window, now=now, amount=amount):
            self._blocked_until[key] = now + window if window < DAY else end_of_day(now)
            raise PlatformError(45009)

    def is_blocked(self, key: str, *, now: float) -> bool:
        return now < self._blocked_until.get(key, 0.0)


def end_of_day(now: float) -> float:
    """A day limit blocks for the rest of the calendar day, on the company's clock (UTC+8)."""
    beijing = 8 * HOUR
    return ((now + beijing) // DAY + 1) * DAY - beijing


def format_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + 8 * HOUR))
