"""The grammar of permissions (D21): `noun.verb`, each with the words in which people read it.

A permission says what, its place says where: the whole company, a department with everything below it, a group, or
one's own. Bundles of them are data of the policy (`access:`); `app.access` answers who holds which, where, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID


class Permission(StrEnum):
    """What somebody may do. Reading a thing is a permission of its own."""

    # people
    PERSON_READ = "person.read"
    PERSON_FIND = "person.find"
    DEPARTMENT_READ = "department.read"
    # groups
    GROUP_READ = "group.read"
    GROUP_FIND = "group.find"
    GROUP_ADMINISTER = "group.administer"
    # approvals
    REQUEST_READ = "request.read"
    REQUEST_SUBMIT = "request.submit"
    REQUEST_DECIDE = "request.decide"
    REQUEST_RETRY = "request.retry"
    # announcements
    ANNOUNCEMENT_READ = "announcement.read"
    ANNOUNCEMENT_CONFIRM = "announcement.confirm"
    ANNOUNCEMENT_PUBLISH = "announcement.publish"
    # tasks
    TASK_READ = "task.read"
    TASK_REPORT = "task.report"
    TASK_ASSIGN = "task.assign"
    # what goes out and comes in
    DELIVERY_READ = "delivery.read"
    DELIVERY_CONTENT = "delivery.content"
    DELIVERY_RETRY = "delivery.retry"
    CALLBACK_READ = "callback.read"
    CALLBACK_REPLAY = "callback.replay"
    TRACE_READ = "trace.read"
    SYNC_READ = "sync.read"
    SYNC_RUN = "sync.run"
    SYNC_RELEASE = "sync.release"
    # rules
    POLICY_READ = "policy.read"
    POLICY_CHANGE = "policy.change"
    CALENDAR_READ = "calendar.read"
    CALENDAR_CHANGE = "calendar.change"
    # the service itself
    KEY_READ = "key.read"
    KEY_CHANGE = "key.change"
    ACCESS_READ = "access.read"
    ACCESS_GRANT = "access.grant"
    AUDIT_READ = "audit.read"
    QUOTA_READ = "quota.read"
    QUOTA_CHANGE = "quota.change"
    SERVICE_READ = "service.read"


class Words(NamedTuple):
    """The same in both languages."""

    chinese: str
    english: str


TITLES: Final[dict[Permission, Words]] = {
    Permission.PERSON_READ: Words("查看人员的资料", "read people's records"),
    Permission.PERSON_FIND: Words("按姓名查找同事", "find colleagues by name"),
    Permission.DEPARTMENT_READ: Words("查看部门", "read departments"),
    Permission.GROUP_READ: Words("查看群的登记和成员", "read groups and their rosters"),
    Permission.GROUP_FIND: Words("在群目录中查找群", "find groups in the directory"),
    Permission.GROUP_ADMINISTER: Words("管理群的成员和登记", "administer groups"),
    Permission.REQUEST_READ: Words("查看申请", "read requests"),
    Permission.REQUEST_SUBMIT: Words("提出申请", "make requests"),
    Permission.REQUEST_DECIDE: Words("审批轮到自己的申请", "decide requests that ask them"),
    Permission.REQUEST_RETRY: Words("重新执行没有办成的申请", "carry out failed requests again"),
    Permission.ANNOUNCEMENT_READ: Words("查看通知和回执", "read announcements and receipts"),
    Permission.ANNOUNCEMENT_CONFIRM: Words("确认收到通知", "confirm announcements"),
    Permission.ANNOUNCEMENT_PUBLISH: Words("发布通知", "publish announcements"),
    Permission.TASK_READ: Words("查看任务", "read tasks"),
    Permission.TASK_REPORT: Words("汇报任务进展", "report on tasks"),
    Permission.TASK_ASSIGN: Words("布置任务", "assign tasks"),
    Permission.DELIVERY_READ: Words("查看消息的发送情况", "read what became of messages"),
    Permission.DELIVERY_CONTENT: Words("查看消息的内容", "read the content of messages"),
    Permission.DELIVERY_RETRY: Words("处理没有送达的消息", "deal with messages that did not arrive"),
    Permission.CALLBACK_READ: Words("查看收到的回调", "read received callbacks"),
    Permission.CALLBACK_REPLAY: Words("重新处理回调", "replay callbacks"),
    Permission.TRACE_READ: Words("追踪一件事的来龙去脉", "trace what led to what"),
    Permission.SYNC_READ: Words("查看通讯录同步", "read syncs"),
    Permission.SYNC_RUN: Words("发起通讯录同步", "start a sync"),
    Permission.SYNC_RELEASE: Words("核实被暂缓的减少", "decide about held losses"),
    Permission.POLICY_READ: Words("查看制度", "read the policy"),
    Permission.POLICY_CHANGE: Words("修改制度", "change the policy"),
    Permission.CALENDAR_READ: Words("查看工作日历", "read the calendar"),
    Permission.CALENDAR_CHANGE: Words("修改工作日历", "change the calendar"),
    Permission.KEY_READ: Words("查看接口密钥", "read API keys"),
    Permission.KEY_CHANGE: Words("创建和停用接口密钥", "create and end API keys"),
    Permission.ACCESS_READ: Words("查看谁有什么权限", "read who may do what"),
    Permission.ACCESS_GRANT: Words("授予和收回权限", "grant and revoke access"),
    Permission.AUDIT_READ: Words("查看审计记录", "read the audit trail"),
    Permission.QUOTA_READ: Words("查看企业微信的用量", "read the use of WeCom's limits"),
    Permission.QUOTA_CHANGE: Words("调整用量上限", "change our share of the limits"),
    Permission.SERVICE_READ: Words("查看服务的状况和设置", "read the state and the settings of the service"),
}


class Reach(StrEnum):
    """Where a permission holds."""

    COMPANY = "company"
    DEPARTMENT = "department"  # with everything below it
    GROUP = "group"
    OWN = "own"


@dataclass(frozen=True)
class Sight:
    """How far somebody's permission goes, everything they hold taken together. Of nothing, nothing is seen.

    Each kind of object has one predicate of it, in the queries of its domain (`seen_by`): lists, counts, exports,
    searches and the page of one object ask the same, so that none shows what another hides (D21).
    """

    everything: bool = False
    departments: frozenset[int] = frozenset()
    """With every department below them."""
    groups: frozenset[UUID] = frozenset()
    person_id: UUID | None = None
    """Whose own things are seen."""

    def __or__(self, other: Sight) -> Sight:
        """Both together. Of two people it is one who looks."""
        return Sight(
            everything=self.everything or other.everything,
            departments=self.departments | other.departments,
            groups=self.groups | other.groups,
            person_id=self.person_id or other.person_id,
        )


@dataclass(frozen=True)
class Standing:
    """What somebody is, in one place: head of a department, administrator of a group."""

    sight: Sight
    because: Words
    """Reads on after 因为 and "because": 您是销售部负责人."""
