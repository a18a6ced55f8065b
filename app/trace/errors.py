"""What can be refused."""

from __future__ import annotations

from app.errors import NotFound


class TraceNotFound(NotFound):
    slug = "no-such-trace"
    title = "没有这条追踪"
