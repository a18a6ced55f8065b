"""What can be refused, by fact."""

from __future__ import annotations

from app.errors import Conflict, Forbidden, Invalid, NotFound


class AnnouncementNotFound(NotFound):
    slug = "no-such-announcement"
    title = "没有这个通知"


class UnknownClass(Invalid):
    slug = "unknown-announcement-class"
    title = "没有这个信息类别"


class NobodyConcerned(Invalid):
    slug = "nobody-concerned"
    title = "没有接收人"


class UnknownAudience(Invalid):
    slug = "unknown-audience"
    title = "接收范围里有找不到的对象"


class ClassNotAllowed(Invalid):
    slug = "class-not-allowed-in-group"
    title = "这类信息不能发到这个群"


class TooLong(Invalid):
    slug = "announcement-too-long"
    title = "内容太长"


class DeadlineInThePast(Invalid):
    slug = "deadline-in-the-past"
    title = "截止时间已过"


class ReceiptNotPossible(Invalid):
    slug = "receipt-not-possible"
    title = "这类信息没有回执"


class GroupNotActive(Conflict):
    slug = "group-not-active"
    title = "群还不能发消息"


class NotOneOwner(Invalid):
    slug = "not-one-owner"
    title = "要交给一个人"


class NotTheirPeople(Forbidden):
    slug = "not-their-people"
    title = "只能发给所辖人员"


class OutOfReach(Forbidden):
    slug = "out-of-reach"
    title = "超出可以发布的范围"


class AuthorNotActive(Forbidden):
    slug = "author-not-active"
    title = "发布人的账号不可用"


class NotConcerned(Forbidden):
    slug = "not-concerned"
    title = "不在接收范围内"
