"""What is refused on pages as such."""

from __future__ import annotations

from app.errors import Conflict, DomainError, Forbidden, Invalid, NotFound


class SignInNeeded(DomainError):
    """Answered by the way to sign in."""

    slug = "sign-in-needed"
    title = "请先登录"


class ForeignForm(Forbidden):
    slug = "foreign-form"
    title = "表单没有被接受"


class FaultyForm(Invalid):
    """One or more fields need another look; `facts["faults"]` says which."""

    slug = "faulty-form"
    title = "请检查填写的内容"


class NotAsSeen(Conflict):
    """What a form would do is not what its sender has seen."""

    slug = "not-as-seen"
    title = "请再看一次"


class NoSuchPage(NotFound):
    slug = "no-such-page"
    title = "没有这个页面"
