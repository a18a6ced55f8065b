"""What is refused about keys."""

from __future__ import annotations

from app.errors import Forbidden, Invalid, NotFound


class UnknownScope(Invalid):
    slug = "unknown-scope"
    title = "没有这个权限范围"


class MayNotActAs(Forbidden):
    slug = "may-not-act-as"
    title = "接口密钥不能代此人办理"


class UnknownDepartment(Invalid):
    slug = "unknown-department-of-key"
    title = "密钥可代办的部门不对"


class ExpiresInThePast(Invalid):
    slug = "expires-in-the-past"
    title = "有效期已过"


class NoSuchKey(NotFound):
    slug = "no-such-key"
    title = "没有这个接口密钥"
