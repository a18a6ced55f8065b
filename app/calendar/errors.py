"""What the calendar refuses."""

from __future__ import annotations

from app.errors import Invalid


class SpanTooLong(Invalid):
    slug = "calendar-span"
    title = "日期范围有误"
