"""What can be refused."""

from __future__ import annotations

from app.errors import Conflict, DomainError, NotFound


class EventNotFound(NotFound):
    slug = "callback-not-found"
    title = "没有这条回调"


class StillWaiting(Conflict):
    slug = "callback-still-waiting"
    title = "回调还没处理完"


class BodyErased(Conflict):
    slug = "callback-body-erased"
    title = "回调原文已按期清除"


class LeaseLost(DomainError):
    """Our lease on a subject ended and another worker may hold it: whatever was done must be rolled back."""

    slug = "lease-lost"
    title = "租约已过期"
