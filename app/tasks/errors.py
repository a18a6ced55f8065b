"""What can be refused, by fact."""

from __future__ import annotations

from app.errors import Conflict, Forbidden, Invalid, NotFound


class TaskNotFound(NotFound):
    slug = "no-such-task"
    title = "没有这个任务"


class UnknownGroup(NotFound):
    slug = "unknown-group"
    title = "没有登记这个群"


class DueInThePast(Invalid):
    slug = "due-in-the-past"
    title = "期限已过"


class OwnerNotEmployed(Invalid):
    slug = "owner-not-employed"
    title = "责任人不在职"


class GroupTakesNoTasks(Invalid):
    slug = "group-takes-no-tasks"
    title = "这个群不发布工作任务"


class TaskGroupNotActive(Conflict):
    slug = "task-group-not-active"
    title = "群还不能发消息"


class TaskFinished(Conflict):
    slug = "task-finished"
    title = "任务已经结束"


class NotYourTask(Forbidden):
    slug = "not-your-task"
    title = "不是该成员的任务"
