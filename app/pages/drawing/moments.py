"""Moments as people read them: how long ago, with the exact time beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from app.pages.drawing.catalogue import ENGLISH

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_CLOSE = timedelta(days=7)


@dataclass(frozen=True)
class Reader:
    """Who reads: in which language, in which zone, at which moment."""

    language: str
    zone: ZoneInfo
    now: datetime

    @property
    def reads_english(self) -> bool:
        return self.language == ENGLISH

    def exact(self, moment: datetime) -> str:
        """2026-11-27 16:30 in the company's zone."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def day(self, day: date) -> str:
        return f"{day:%Y-%m-%d}"

    def relative(self, moment: datetime) -> str:
        """3 分钟前, 还有 2 小时, or the day when it is farther than a week."""
        apart = self.now - moment
        length = abs(apart)
        if length >= _CLOSE:
            return self.exact(moment)
        if length < _MINUTE:
            return "just now" if self.reads_english else "刚刚"
        words, is_past = self._length(length), apart > timedelta(0)
        if self.reads_english:
            return f"{words} ago" if is_past else f"in {words}"
        return f"{words}前" if is_past else f"{words}后"

    def remaining(self, deadline: datetime) -> str:
        """还剩 2 小时, 即将到期, 已过期 3 天: a deadline is a limit and no event."""
        left = deadline - self.now
        if abs(left) < _MINUTE:
            if self.reads_english:
                return "due now" if left >= timedelta(0) else "just passed"
            return "即将到期" if left >= timedelta(0) else "刚刚过期"
        words = self._length(abs(left))
        if self.reads_english:
            return f"{words} left" if left > timedelta(0) else f"passed {words} ago"
        return f"还剩 {words}" if left > timedelta(0) else f"已过期 {words}"

    def upcoming(self, moment: datetime) -> str:
        """3 分钟后; 即将, where it is due: what is to happen then has not happened yet."""
        if moment - self.now < _MINUTE:
            return "any moment now" if self.reads_english else "即将"
        return self.relative(moment)

    def _length(self, length: timedelta) -> str:
        """At least a minute, in its largest unit."""
        count, chinese, english = next(
            (length // unit, chinese, english)
            for unit, chinese, english in ((_DAY, "天", "day"), (_HOUR, "小时", "hour"), (_MINUTE, "分钟", "minute"))
            if length >= unit
        )
        return f"{count} {english}{'' if count == 1 else 's'}" if self.reads_english else f"{count} {chinese}"

    def shown(self, moment: datetime | None) -> Markup:
        """A `time` element: the relative words, the exact moment with its zone on hover, both for screen readers."""
        if moment is None:
            return Markup("—")
        return self._marked(moment, self.relative(moment))

    def next(self, moment: datetime | None) -> Markup:
        """When something goes on that waits."""
        return Markup("—") if moment is None else self._marked(moment, self.upcoming(moment))

    def due(self, deadline: datetime | None, *, is_settled: bool) -> Markup:
        """What remains, and the exact moment beside it: a phone has no hover. Of what is settled, the moment alone:
        nothing runs out any more.
        """
        if deadline is None:
            return Markup("—")
        exact = self.exact(deadline)
        if is_settled:
            return self._marked(deadline, exact)
        words = self._marked(deadline, self.remaining(deadline))
        return Markup('{} <span class="quiet exact">{}</span>').format(words, exact)

    def _marked(self, moment: datetime, words: str) -> Markup:
        exact = f"{self.exact(moment)}（{self.zone.key}）"
        stamp = moment.isoformat(timespec="seconds")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, exact, escape(words))
