"""What codes that are kept as text say to people: why something waits, what a message was for, by which way it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words
from app.wecom.codes import CODES, CodeEntry, unknown_code
from models.delivery import FailReason, HoldReason, MessageClass

_REASONS: Final[Mapping[str, Words]] = {
    HoldReason.QUEUED: Words("排队等待发出", "queued"),
    HoldReason.PREDECESSOR: Words("等待前一次调用结束", "waits for an earlier call"),
    HoldReason.UNKNOWN_BEFORE: Words("前一次调用的结果不明", "an earlier call has an unknown outcome"),
    HoldReason.QUIET_HOURS: Words("现在是免打扰时段", "quiet hours"),
    HoldReason.PLATFORM_LIMIT: Words("等待企业微信的限额", "waits for a limit of WeCom"),
    HoldReason.PLATFORM_TROUBLE: Words("企业微信暂时调用不通", "WeCom cannot be called"),
    HoldReason.MEMBER_LIMIT: Words("收件人的限额已满", "the recipient's limit is used up"),
    HoldReason.RETRYING: Words("正在重试", "is tried again"),
    HoldReason.RECOVERING: Words("正在核对上一次尝试", "an attempt is being recovered"),
    FailReason.LEFT: Words("收件人已没有账号", "the recipient has no account"),
    FailReason.SUPERSEDED: Words("发出前已不再需要", "taken back before it went"),
    FailReason.INVALID_USER: Words("企业微信说收件人无效", "WeCom calls the recipient invalid"),
    FailReason.UNLICENSED: Words("收件人没有接口许可", "the recipient has no licence"),
    FailReason.NOT_REACHED: Words("没有连上企业微信", "WeCom was not reached"),
    FailReason.LARGER_THAN_LIMIT: Words("一次超过了整个限额", "larger than the whole limit"),
    FailReason.OUTCOME_UNKNOWN: Words("结果不明", "its outcome is unknown"),
    FailReason.ARRIVED_AFTER_ALL: Words("判为失败后又表明已生效", "arrived after all"),
    FailReason.RESOLVED_FAILED: Words("人工核对：没有生效", "a person found that it had no effect"),
}

_REFUSED: Final = "refused:"

PURPOSES: Final[Mapping[str, Words]] = {
    "account.signed_out": Words("告知登录已结束", "told that they were signed out"),
    "announcement.card": Words("通知，请确认", "an announcement to confirm"),
    "announcement.chase": Words("催促确认通知", "reminder to confirm an announcement"),
    "announcement.escalation": Words("告知下属没有确认通知", "told that reports have not confirmed an announcement"),
    "announcement.final_list": Words("通知的确认结果", "who has confirmed an announcement"),
    "announcement.group_text": Words("群里的通知", "an announcement in a group"),
    "announcement.text": Words("通知的正文", "the text of an announcement"),
    "approval.card": Words("请审批", "asked to decide a request"),
    "approval.concerned": Words("告知被申请人", "told of a request about them"),
    "approval.details": Words("申请的内容", "what a request says"),
    "approval.escalated": Words("告知审批已转上级", "told that a decision went to a superior"),
    "approval.objected": Words("告知有人提出异议", "told of an objection"),
    "approval.progress": Words("申请的进展", "how a request goes on"),
    "approval.refusal": Words("告知操作没有成功", "told why an act was refused"),
    "approval.reminder": Words("催促审批", "reminder to decide a request"),
    "card.update": Words("更新卡片", "a card was updated"),
    "confirmation.card": Words("请复核", "asked to confirm an act"),
    "confirmation.details": Words("请复核的内容", "what they were asked to confirm"),
    "confirmation.outcome": Words("复核的结果", "how a confirmation ended"),
    "confirmation.press_refused": Words("告知操作没有成功", "told why an act was refused"),
    "conversation.answer": Words("答复发给应用的消息", "answer to a message to the app"),
    "digest.morning": Words("每日提醒", "the morning's list"),
    "group.finding": Words("告知群的差异", "told of a difference in a group"),
    "group.first_message": Words("群的第一条消息", "first message of a group"),
    "group.informed": Words("告知群的变更", "told of a change of a group"),
    "group.owner": Words("群主的职责", "told of their part as owner of a group"),
    "group.removed": Words("告知已被移出群", "told that they were removed from a group"),
    "group.welcome": Words("欢迎入群", "welcome to a group"),
    "ladder.together": Words("几项提醒合为一条", "several reminders in one"),
    "task.accepted": Words("告知任务已接受", "told that a task was accepted"),
    "task.blocked": Words("告知任务遇到困难", "told that a task is blocked"),
    "task.cancelled": Words("告知任务已取消", "told that a task was cancelled"),
    "task.card": Words("布置任务", "a task was given"),
    "task.collaboration": Words("请协作任务", "asked to help with a task"),
    "task.done": Words("告知任务已完成", "told that a task is done"),
    "task.escalation": Words("告知下属的任务逾期", "told that a report's task is overdue"),
    "task.group_text": Words("群里的任务消息", "a task told in a group"),
    "task.handed_over": Words("告知任务已转交", "told that a task was handed over"),
    "task.overdue": Words("告知任务逾期", "told that a task is overdue"),
    "task.reminder": Words("任务的提醒", "reminder of a task"),
    "task.resumed": Words("告知任务继续进行", "told that a task goes on"),
}
"""By `Message.purpose`."""

_FOLLOWUP: Final = ".followup"
"""What a purpose ends with where the answer goes as a text, because the card cannot be updated any more."""

OTHER: Final = Words("其他", "other")

VIAS: Final[Mapping[str, Words]] = {
    "card": Words("消息卡片", "a card"),
    "page": Words("网页", "a page"),
    "rest": Words("程序接口", "a program"),
    "timer": Words("到期自动", "by itself, when it was due"),
    "departure": Words("离职交接", "somebody left"),
}

CLASSES: Final[dict[str, Words]] = {
    MessageClass.WORK: Words("工作", "work"),
    MessageClass.NOTICE: Words("提醒", "notice"),
    MessageClass.ANSWER: Words("答复", "answer"),
}
"""Classes of messages that the service speaks in; the policy has its own words for those of announcements."""

STAY_REASONS: Final[Mapping[str, Words]] = {
    "creation": Words("建群时加入", "since the group was created"),
    "create_group": Words("建群时加入", "since the group was created"),
    "join": Words("入群申请已同意", "their application to join was approved"),
    "exit": Words("按制度退群", "left as the policy lets them"),
    "added": Words("管理员加入", "added by an administrator"),
    "removed": Words("管理员移出", "removed by an administrator"),
    "owner": Words("担任群主", "became the owner"),
    "departure": Words("离职或停用", "left the company, or was disabled"),
    "returned": Words("返岗后恢复", "came back to the company"),
    "stays_out": Words("返岗后不再恢复", "came back to the company, not to the group"),
    "reconcile": Words("按企业微信中的名单", "as WeCom shows the group"),
    "outcome": Words("按企业微信的答复", "as WeCom answered"),
    "unapproved_leave": Words("未经批准退群", "left without approval"),
    "unapproved_join": Words("未经批准入群", "joined without approval"),
}
"""By `GroupMember.reason`."""


def purpose(name: str) -> Words:
    return PURPOSES.get(name.removesuffix(_FOLLOWUP)) or OTHER


def code_of(errcode: int) -> CodeEntry:
    """What a code of the platform means, and what to do about it."""
    return CODES.get(errcode) or unknown_code(errcode)


def reason(name: str) -> Words:
    """Why a call or a recipient waits, or how it ended."""
    if name.startswith(_REFUSED) and name.removeprefix(_REFUSED).lstrip("-").isdigit():
        entry = code_of(int(name.removeprefix(_REFUSED)))
        return Words(
            f"企业微信拒绝：{entry.code} {entry.meaning_zh}", f"refused by WeCom: {entry.code} {entry.meaning_en}"
        )
    return _REASONS.get(name) or Words(name, name)
