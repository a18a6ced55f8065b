"""The errors of this package."""

from __future__ import annotations

from app.errors import Conflict, NotFound


class CallNotFound(NotFound):
    slug = "call-not-found"
    title = "没有这次调用"


class NotRetried(Conflict):
    slug = "call-not-retried"
    title = "这次调用不能重试"


class NotUnknown(Conflict):
    """Only an unknown outcome is decided by a person."""

    slug = "outcome-not-unknown"
    title = "这次调用的结果并非未知"
