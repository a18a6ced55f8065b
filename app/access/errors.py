"""What is refused about keys, sessions and permissions."""

from __future__ import annotations

from app.errors import Conflict, Forbidden, Gone, Invalid, NotFound


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


class NoSuchSession(NotFound):
    slug = "no-such-session"
    title = "没有这个登录"


class AdministratorExists(Conflict):
    slug = "administrator-exists"
    title = "已有系统管理员"


class CannotSignIn(Invalid):
    slug = "cannot-sign-in"
    title = "此人不能登录"


class LinkSpent(Gone):
    slug = "link-spent"
    title = "链接已失效"


class NotPermitted(Forbidden):
    slug = "not-permitted"
    title = "没有权限"


class NotSeen(NotFound):
    slug = "not-seen"
    title = "找不到，或您不能查看"


class UnknownBundle(Invalid):
    slug = "unknown-bundle"
    title = "没有这个权限组"


class WrongPlace(Invalid):
    slug = "wrong-place"
    title = "范围不对"


class MoreThanHeld(Forbidden):
    slug = "more-than-held"
    title = "不能授予自己没有的权限"


class NoSuchGrant(NotFound):
    slug = "no-such-grant"
    title = "没有这项授权"


class AlreadyGranted(Conflict):
    slug = "already-granted"
    title = "已经授予"


class LastAdministrator(Conflict):
    slug = "last-administrator"
    title = "最后一位系统管理员"
