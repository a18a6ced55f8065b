"""What the groups refuse, by fact."""

from __future__ import annotations

from app.errors import Conflict, Invalid, NotFound


class GroupNotFound(NotFound):
    slug = "group-not-found"
    title = "找不到这个群"


class NotAMember(NotFound):
    slug = "not-a-member"
    title = "不在这个群里"


class UnknownGroupType(Invalid):
    slug = "unknown-group-type"
    title = "制度里没有这种群"


class TypeNotOffered(Invalid):
    slug = "group-type-not-offered"
    title = "不能申请这种群"


class NameRefused(Invalid):
    slug = "group-name-refused"
    title = "群名称不符合规定"


class SizeRefused(Invalid):
    slug = "group-size-refused"
    title = "群人数不符合规定"


class UnknownPeople(Invalid):
    slug = "unknown-people"
    title = "有人不在通讯录中"


class NotReachable(Invalid):
    """Known, but not an active account: the platform would refuse the whole call (86216)."""

    slug = "people-not-active"
    title = "有人的账号不可用"


class NobodyToOwn(Invalid):
    slug = "no-group-owner"
    title = "没有可以担任群主的人"


class ConfidentialRule(Invalid):
    slug = "confidential-group-rule"
    title = "不符合保密群的规定"


class NameTaken(Conflict):
    slug = "group-name-taken"
    title = "已有同名的群"


class GroupNotActive(Conflict):
    slug = "group-not-active"
    title = "这个群现在不能变更"


class AlreadyAMember(Conflict):
    slug = "already-a-member"
    title = "已在群内"


class ChangeUnderWay(Conflict):
    slug = "roster-change-under-way"
    title = "上一次变更还在办理"


class OwnerNeedsSuccessor(Conflict):
    slug = "owner-needs-successor"
    title = "群主退出前要先确定接任人"
