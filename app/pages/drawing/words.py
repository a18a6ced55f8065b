"""What people read for the states of things: one place for all pages, by the enum that a domain has for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.access.service import Ending, Way
from app.announcements.service import ReceiptState
from app.approvals.service import EntryKind
from app.groups.service import OwnRole, Standing
from app.permissions import Reach, Words
from app.tasks.service import TaskList
from models.announcements import AnnouncementState
from models.approvals import OutcomeState, RequestState, Verdict
from models.delivery import DeliveryState
from models.groups import FindingKind, FindingState, GroupState
from models.org import PersonStatus
from models.tasks import TaskState

GOOD: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
PLAIN: Final = "plain"

DELIVERY_STATES: Final[Mapping[StrEnum, tuple[Words, str]]] = {
    DeliveryState.HELD: (Words("等待发送", "waits"), "warn"),
    DeliveryState.SENT: (Words("已送达", "sent"), "good"),
    DeliveryState.FAILED: (Words("没有送达", "failed"), "bad"),
    DeliveryState.UNKNOWN: (Words("是否送达不明", "unknown"), "bad"),
}

BADGES: Final[Mapping[type[StrEnum], Mapping[StrEnum, tuple[Words, str]]]] = {
    RequestState: {
        RequestState.PENDING: (Words("审批中", "open"), WARN),
        RequestState.APPROVED: (Words("已同意", "approved"), GOOD),
        RequestState.REJECTED: (Words("已驳回", "rejected"), BAD),
        RequestState.WITHDRAWN: (Words("已撤回", "withdrawn"), PLAIN),
    },
    OutcomeState: {
        OutcomeState.PENDING: (Words("正在办理", "being carried out"), WARN),
        OutcomeState.DONE: (Words("已办成", "done"), GOOD),
        OutcomeState.FAILED: (Words("没有办成", "could not be carried out"), BAD),
    },
    TaskState: {
        TaskState.ASSIGNED: (Words("待接受", "to be accepted"), WARN),
        TaskState.ACCEPTED: (Words("进行中", "under way"), PLAIN),
        TaskState.BLOCKED: (Words("遇到困难", "blocked"), BAD),
        TaskState.DONE: (Words("已完成", "done"), GOOD),
        TaskState.CANCELLED: (Words("已取消", "cancelled"), PLAIN),
    },
    ReceiptState: {
        ReceiptState.CONFIRMED: (Words("已确认", "confirmed"), GOOD),
        ReceiptState.UNCONFIRMED: (Words("待确认", "to be confirmed"), WARN),
        ReceiptState.UNDELIVERED: (Words("未送达", "not delivered"), BAD),
    },
    AnnouncementState: {
        AnnouncementState.PUBLISHED: (Words("进行中", "under way"), WARN),
        AnnouncementState.CLOSED: (Words("已结束", "closed"), PLAIN),
    },
    GroupState: {
        GroupState.CREATING: (Words("正在建立", "being created"), WARN),
        GroupState.ACTIVE: (Words("使用中", "in use"), GOOD),
        GroupState.FAILED: (Words("没有建成", "could not be created"), BAD),
        GroupState.CLOSING: (Words("正在关闭", "being closed"), WARN),
        GroupState.CLOSED: (Words("已关闭", "closed"), PLAIN),
        GroupState.LOST: (Words("已被解散", "dissolved"), BAD),
    },
    FindingState: {
        FindingState.OPEN: (Words("待处理", "open"), WARN),
        FindingState.RESOLVED: (Words("已处理", "settled"), GOOD),
    },
    Standing: {
        Standing.OUTSIDE: (Words("未加入", "not in it"), PLAIN),
        Standing.INSIDE: (Words("已加入", "in it"), GOOD),
        Standing.JOINING: (Words("正在加入", "joining"), WARN),
        Standing.LEAVING: (Words("正在退出", "leaving"), WARN),
    },
    DeliveryState: DELIVERY_STATES,
    PersonStatus: {
        PersonStatus(status): words
        for status, words in {
            "active": (Words("在职", "active"), GOOD),
            "missing": (Words("上次没有读到", "missing in the last reading"), WARN),
            "invisible": (Words("不在可见范围内", "out of range"), WARN),
            "not_activated": (Words("未激活", "not activated"), WARN),
            "disabled": (Words("已停用", "disabled"), BAD),
            "left": (Words("已离职", "left"), BAD),
        }.items()
    },
}
"""With the level that colours them; words alone say enough. A state that is not here needs none."""

LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, Words]]] = {
    EntryKind: {
        EntryKind.SUBMITTED: Words("提出申请", "applied"),
        EntryKind.TOLD: Words("告知本人", "told whom it is about"),
        EntryKind.ASKED: Words("请其处理", "asked"),
        EntryKind.PASSED: Words("跳过", "passed over"),
        EntryKind.REMINDED: Words("催办", "reminded"),
        EntryKind.ESCALATED: Words("转上级处理", "escalated"),
        EntryKind.REASSIGNED: Words("改由其处理", "reassigned"),
        EntryKind.UNSTAFFED: Words("无人可以处理", "nobody is left to decide"),
        EntryKind.DECIDED: Words("作出决定", "decided"),
        EntryKind.OBJECTED: Words("提出异议", "objected"),
        EntryKind.APPROVED: Words("申请已同意", "approved"),
        EntryKind.REJECTED: Words("申请已驳回", "rejected"),
        EntryKind.WITHDRAWN: Words("撤回申请", "withdrawn"),
        EntryKind.DONE: Words("已办成", "done"),
        EntryKind.FAILED: Words("没有办成", "could not be carried out"),
        EntryKind.RETRIED: Words("再次办理", "carried out again"),
    },
    Verdict: {
        Verdict.APPROVE: Words("同意", "agreed"),
        Verdict.REJECT: Words("驳回", "rejected"),
    },
    OwnRole: {
        OwnRole.OWNER: Words("您是群主", "you own it"),
        OwnRole.DEPUTY: Words("您是副群主", "you are its deputy"),
        OwnRole.MEMBER: Words("您是成员", "you are a member"),
    },
    TaskList: {
        TaskList.MINE: Words("我负责的", "Mine"),
        TaskList.HELPING: Words("我协作的", "Helping"),
        TaskList.GIVEN: Words("我布置的", "Given by me"),
        TaskList.FINISHED: Words("已结束的", "Finished"),
    },
    FindingKind: {
        FindingKind.UNAPPROVED_LEAVE: Words("未经批准退群", "left without approval"),
        FindingKind.UNAPPROVED_JOIN: Words("未经批准入群", "joined without approval"),
        FindingKind.RENAMED: Words("群被改名", "renamed"),
        FindingKind.OWNER_CHANGED: Words("群主被更换", "owner changed"),
        FindingKind.DISSOLVED: Words("群被解散", "dissolved"),
        FindingKind.OWNER_LEFT: Words("群主离开", "owner left"),
        FindingKind.ROSTER_LOSS: Words("成员一次减少太多", "too many gone at once"),
        FindingKind.TOO_FEW: Words("人数将低于平台下限", "would leave too few"),
    },
}
TASK_STEPS: Final[Mapping[str, Words]] = {
    "assigned": Words("布置任务", "assigned"),
    "accepted": Words("接受任务", "accepted"),
    "progressed": Words("汇报进展", "reported"),
    "blocked": Words("遇到困难", "blocked"),
    "resumed": Words("继续进行", "went on"),
    "reminded": Words("催办", "reminded"),
    "overdue": Words("已逾期", "overdue"),
    "done": Words("完成任务", "done"),
    "cancelled": Words("取消任务", "cancelled"),
    "handed_over": Words("转交任务", "handed over"),
    "escalated": Words("告知上级", "superior told"),
}
"""By `TaskStep.kind`, which is text: later releases write more of them."""

ORG_OBJECTS: Final[Mapping[str, Words]] = {
    "person": Words("人员", "person"),
    "department": Words("部门", "department"),
    "membership": Words("所在部门", "place in a department"),
    "tag": Words("标签", "tag"),
}

ORG_CHANGES: Final[Mapping[str, Words]] = {
    "created": Words("新增", "created"),
    "updated": Words("更新", "updated"),
    "ended": Words("撤销", "ended"),
    "moved": Words("调动", "moved"),
    "missing": Words("这次没有读到", "missing"),
    "left": Words("离职", "left"),
    "disabled": Words("停用", "disabled"),
    "invisible": Words("移出可见范围", "out of sight"),
    "active": Words("恢复", "active again"),
    "renamed": Words("更换账号", "account renamed"),
    "returned": Words("返岗", "came back"),
    "rejoined": Words("返岗", "came back"),
    "visible": Words("又读到资料", "in sight again"),
    "joined": Words("加入部门", "joined a department"),
    "merged": Words("两个账号合并", "accounts became one"),
}
"""What has happened to them, as `OrgChange.change` says it."""

WAYS: Final[Mapping[str, Words]] = {
    Way.CLIENT: Words("在企业微信中打开", "inside WeCom"),
    Way.DESKTOP: Words("扫码", "by QR code"),
    Way.LINK: Words("一次性链接", "by a link for once"),
}
ENDINGS: Final[Mapping[str, Words]] = {
    Ending.SIGNED_OUT: Words("本人退出", "signed out"),
    Ending.ENDED_ELSEWHERE: Words("本人在别处结束", "ended from elsewhere"),
    Ending.DEPARTED: Words("离职或停用", "left, or was disabled"),
    Ending.ENDED_FOR_THEM: Words("由管理员结束", "ended by an administrator"),
    Ending.REPLACED: Words("同一浏览器重新登录", "somebody signed in with the same browser"),
}
REACHES: Final[Mapping[str, Words]] = {
    Reach.COMPANY: Words("全公司", "company"),
    Reach.DEPARTMENT: Words("部门及其下级", "department, with everything below"),
    Reach.GROUP: Words("群", "group"),
    Reach.OWN: Words("本人", "one's own"),
}


def badge_of(state: StrEnum) -> tuple[Words, str] | None:
    return BADGES[type(state)].get(state)


def words_of(state: StrEnum) -> Words | None:
    """The words alone, whichever table has them. None for what has none."""
    badge = BADGES.get(type(state), {}).get(state)
    return badge[0] if badge is not None else LABELS.get(type(state), {}).get(state)


def label_of(kind: StrEnum) -> Words:
    return LABELS[type(kind)][kind]
