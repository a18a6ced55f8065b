"""What is refused about keys."""

from __future__ import annotations

from app.errors import Invalid, NotFound


class UnknownScope(Invalid):
    slug = "unknown-scope"
    title = "没有这个权限范围"


class ExpiresInThePast(Invalid):
    slug = "expires-in-the-past"
    title = "有效期已过"


class NoSuchKey(NotFound):
    slug = "no-such-key"
    title = "没有这个接口密钥"
