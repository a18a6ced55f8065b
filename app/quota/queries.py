"""What the limits give to the overview."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.limits.breaker import TROUBLE, blocked_now
from app.limits.report import SharedUse, shared_use
from app.limits.usage.windows import Span
from app.overview.service import Asked, Figure, Level, Measure, Place, found_in
from app.permissions import Permission, Words

_BLOCKED = Measure(
    "limits.blocked",
    Level.WRONG,
    "被企业微信暂停的接口",
    "paths that WeCom has blocked for us",
    Permission.QUOTA_READ,
    found_in(Place.QUOTA),
)
_TROUBLE = Measure(
    "limits.trouble",
    Level.WRONG,
    "暂时调用不通的接口",
    "paths that cannot be called at the moment",
    Permission.QUOTA_READ,
    found_in(Place.QUOTA),
)
_TIGHT = Measure(
    "limits.tight",
    Level.WRONG,
    "已用八成以上的企业微信限额",
    "limits of WeCom of which four fifths are used",
    Permission.QUOTA_READ,
    found_in(Place.QUOTA),
)

TIGHT: Final = 80
"""Percent."""
_WINDOWS: Final = {
    Span.MINUTE: Words("每分钟", "a minute"),
    Span.HOUR: Words("每小时", "an hour"),
    Span.DAY: Words("每天", "a day"),
    Span.MONTH: Words("每月", "a month"),
}
LONG_ENOUGH: Final = frozenset({Span.DAY, Span.MONTH, Span.HOUR})
"""A minute is over before anybody has read of it."""


async def counted(session: AsyncSession, asked: Asked) -> list[Figure]:
    """Paths that nobody may call now, and limits near their end."""
    blocks = await blocked_now(session, now=asked.now)
    trouble = [block for block in blocks if block.window == TROUBLE]
    blocked = [block for block in blocks if block.window != TROUBLE]
    used = await shared_use(session, now=asked.now)
    tight = [use for use in used if use.percent >= TIGHT and use.limit.span in LONG_ENOUGH]
    return [
        _BLOCKED.figure(
            len(blocked),
            min((block.first_refused_at for block in blocked), default=None),
            details=[Words(block.path, block.path) for block in blocked],
        ),
        _TROUBLE.figure(
            len(trouble),
            min((block.first_refused_at for block in trouble), default=None),
            details=[Words(block.path, block.path) for block in trouble],
        ),
        _TIGHT.figure(len(tight), details=[_told(use) for use in tight]),
    ]


def _told(use: SharedUse) -> Words:
    left, window = max(use.allowed - use.used, 0), _WINDOWS[use.limit.span]
    return Words(
        f"{use.counter.title}，{window.chinese}：已用 {use.percent}%，还剩 {left}",
        f"{use.counter.english}, {window.english}: {use.percent}% used, {left} left",
    )
