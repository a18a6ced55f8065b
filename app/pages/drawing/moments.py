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
        count, chinese, english = next(
            (length // unit, chinese, english)
            for unit, chinese, english in ((_DAY, "天", "day"), (_HOUR, "小时", "hour"), (_MINUTE, "分钟", "minute"))
            if length >= unit
        )
        is_past = apart > timedelta(0)
        if self.reads_english:
            words = f"{count} {english}{'' if count == 1 else 's'}"
            return f"{words} ago" if is_past else f"in {words}"
        return f"{count} {chinese}前" if is_past else f"{count} {chinese}后"

    def shown(self, moment: datetime | None) -> Markup:
        """A `time` element: the relative words, the exact moment with its zone on hover, both for screen readers."""
        if moment is None:
            return Markup("—")
        exact = f"{self.exact(moment)}（{self.zone.key}）"
        stamp = moment.isoformat(timespec="seconds")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, exact, escape(self.relative(moment)))
