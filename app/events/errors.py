"""What the feed refuses."""

from __future__ import annotations

from app.errors import Gone, Invalid


class EventsGone(Gone):
    slug = "events-gone"
    title = "这些事件已过保留期"


class PositionAhead(Invalid):
    slug = "position-ahead"
    title = "事件流还没有到这个位置"


class UnknownEventType(Invalid):
    slug = "unknown-event-type"
    title = "没有这种事件"


class FeedHeadMissing(Exception):
    """Nobody can say which positions were given. Going on would give some of them twice."""

    def __init__(self) -> None:
        super().__init__("event_heads is empty: restore its row, with a position not below the last of `events`")
