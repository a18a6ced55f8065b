"""What is refused about limits."""

from __future__ import annotations

from app.errors import Invalid, NotFound


class NoSuchLimit(NotFound):
    slug = "no-such-limit"
    title = "没有这个限额"


class NotBlocked(NotFound):
    slug = "not-blocked"
    title = "这个接口没有被暂停"


class BadShare(Invalid):
    slug = "bad-share"
    title = "份额须大于 0 且不超过 1"
