"""What the codes are called that calls, messages, jobs and deadlines carry: for traces, and for every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words
from app.wecom.codes import CODES, CodeEntry, unknown_code
from models.delivery import FailReason, HoldReason

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
    "group.create": Words("建群", "creation of a group"),
    "group.finding": Words("告知群的差异", "told of a difference in a group"),
    "group.first_message": Words("群的第一条消息", "first message of a group"),
    "group.informed": Words("告知群的变更", "told of a change of a group"),
    "group.owner": Words("群主的职责", "told of their part as owner of a group"),
    "group.removed": Words("告知已被移出群", "told that they were removed from a group"),
    "group.roster": Words("变更群的成员或群主", "change of the members or the owner of a group"),
    "group.welcome": Words("欢迎入群", "welcome to a group"),
    "ladder.together": Words("几项提醒合为一条", "several reminders in one"),
    "menu.set": Words("设置应用菜单", "the menu of the app was set"),
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
"""By `OutgoingCall.purpose`, which is that of its message where it has one."""

_FOLLOWUP: Final = ".followup"
"""What a purpose ends with where the answer goes as a text, because the card cannot be updated any more."""

OTHER: Final = Words("其他", "other")

JOBS: Final[Mapping[str, Words]] = {
    "access.forget": Words("清除过期的登录记录", "clear away old sign-ins"),
    "access.prune_requests": Words("清除接口密钥的旧请求记录", "clear away old requests of API keys"),
    "access.sign_out": Words("结束离职人员的登录", "sign out somebody who left"),
    "account.signed_out": Words("告知登录已结束", "tell somebody that they were signed out"),
    "approvals.applicant_back": Words("恢复返岗人员的申请", "hand in again the requests of somebody who came back"),
    "approvals.group_found_again": Words("群又出现，保留其申请", "keep the requests of a group that was found again"),
    "approvals.group_lost": Words("结束已解散的群的申请", "end the requests about a dissolved group"),
    "approvals.member_left": Words("清除退群人员留下的个人资料", "clear personal details of somebody who left a group"),
    "audit.seal": Words("封存审计记录", "seal the audit trail"),
    "delivery.hear_outcome": Words("再次处理调用的结果", "handle the outcome of a call again"),
    "delivery.judge_again": Words("时钟调整后重新安排等待的调用", "judge waiting calls again after the clock was set"),
    "delivery.limit_changed": Words("限额变更后继续发送", "go on after a change of a limit"),
    "delivery.make_call": Words("调用企业微信", "call WeCom"),
    "delivery.recover": Words("核对中断的调用", "recover interrupted calls"),
    "delivery.tend_limits": Words("整理限额的计数", "tend the counters of the limits"),
    "departures.person_departed": Words("离职交接", "hand over what somebody who left had"),
    "digest.write": Words("写每日提醒", "write the morning's lists"),
    "events.prune": Words("清除过期的事件", "clear away old events"),
    "groups.owner_is_back": Words("群主返岗，恢复其群", "give groups back to an owner who came back"),
    "groups.read_again": Words("人员资料又读到，核对其群", "compare the groups of somebody who was read again"),
    "groups.reconcile": Words("核对群成员", "compare the members of a group"),
    "groups.settle": Words("核对一次群变更的结果", "find out how a change of a group ended"),
    "groups.try_again": Words("再次办理没有办成的群变更", "try changes of groups again"),
    "inbox.close_gaps": Words("结算可能丢失回调的时段", "close the times in which callbacks may be lost"),
    "inbox.purge": Words("清除过期的回调原文", "clear away old callbacks"),
    "jobs.prune_log": Words("清除后台作业的旧记录", "clear away the old log of the jobs"),
    "org.person_departed": Words("离职交接", "hand over what somebody who left had"),
    "org.refresh_department": Words("重新读取一个部门", "read a department again"),
    "org.refresh_person": Words("重新读取一名人员", "read a person again"),
    "org.refresh_tag": Words("重新读取一个标签", "read a tag again"),
    "org.spell_all": Words("整理全部姓名的拼音", "spell all names in pinyin"),
    "org.spell_changed": Words("整理变更姓名的拼音", "spell changed names in pinyin"),
    "org.sync": Words("读取整个通讯录", "read the whole organisation"),
    "policy.fill_calendar": Words("补齐工作日历", "fill in the calendar of working days"),
    "web.prune_answers": Words("清除过期的接口应答", "clear away old answers of the API"),
}
"""By the name of the job: what it does."""

TIMERS: Final[Mapping[str, Words]] = {
    "announcement.chase": Words("催促确认通知", "reminder to confirm an announcement"),
    "announcement.deadline": Words("通知的回执截止", "deadline of an announcement"),
    "announcement.escalate": Words("把没有确认的人告知上级", "superiors are told who has not confirmed"),
    "approval.due": Words("审批时限", "deadline of a decision"),
    "approval.forget": Words("清除申请中的个人资料", "personal details of a request are cleared"),
    "approval.forget_group": Words("清除申请中关于群的个人资料", "personal details in requests of a group are cleared"),
    "approval.remind": Words("催促审批", "reminder to decide a request"),
    "confirmation.expire": Words("复核到期", "a confirmation expires"),
    "delivery.recover_due": Words("检查中断的调用", "look for interrupted calls"),
    "delivery.release": Words("继续发送等待的调用", "waiting calls go on"),
    "digest.morning": Words("每日提醒", "the morning's list"),
    "groups.reconcile_due": Words("定时核对群成员", "comparison of the members of all groups"),
    "ladder.tell": Words("发出到期的提醒", "reminders that are due are sent"),
    "org.sync_due": Words("定时读取通讯录", "reading of the organisation"),
    "task.accept_due": Words("接受任务的时限", "deadline to accept a task"),
    "task.escalate": Words("把逾期的任务告知上级", "superiors are told of an overdue task"),
    "task.overdue": Words("任务到期", "deadline of a task"),
    "task.remind": Words("任务的提醒", "reminder of a task"),
}
"""By the kind of the timer: what falls due."""


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


def job(name: str) -> Words:
    return JOBS.get(name) or OTHER


def timer(kind: str) -> Words:
    return TIMERS.get(kind) or OTHER
