"""What states, kinds and reasons of the ledger are called, with the colour of each. Pages show no machine words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words
from app.wecom.codes import CODES, CodeEntry, unknown_code
from models.audit import ObjectKind
from models.delivery import CallKind, CallState, FailReason, HoldReason

CALL_STATES: Final[Mapping[CallState, tuple[Words, str]]] = {
    CallState.READY: (Words("可以发出", "ready"), "plain"),
    CallState.HELD: (Words("等待发出", "waits"), "warn"),
    CallState.SENDING: (Words("正在发出", "on its way"), "plain"),
    CallState.DONE: (Words("已生效", "done"), "good"),
    CallState.FAILED: (Words("没有成功", "failed"), "bad"),
    CallState.UNKNOWN: (Words("结果不明", "outcome unknown"), "bad"),
    CallState.REPLACED: (Words("已由后一次接续", "carried on by a later one"), "plain"),
}

CALL_KINDS: Final[Mapping[CallKind, Words]] = {
    CallKind.MESSAGE_SEND: Words("发送消息", "send a message"),
    CallKind.CARD_UPDATE: Words("更新卡片", "update a card"),
    CallKind.APPCHAT_CREATE: Words("建群", "create a group"),
    CallKind.APPCHAT_UPDATE: Words("变更群", "change a group"),
    CallKind.APPCHAT_SEND: Words("在群里发消息", "post in a group"),
    CallKind.MENU_CREATE: Words("设置应用菜单", "set the menu"),
    CallKind.MEDIA_UPLOAD: Words("上传文件", "upload a file"),
}

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

OBJECTS: Final[Mapping[str, Words]] = {
    ObjectKind.ACCESS_GRANT: Words("授权", "grant"),
    ObjectKind.ANNOUNCEMENT: Words("通知", "announcement"),
    ObjectKind.API_KEY: Words("接口密钥", "API key"),
    ObjectKind.APP: Words("应用", "app"),
    ObjectKind.CALENDAR_DAY: Words("工作日历", "calendar day"),
    ObjectKind.CARD: Words("卡片", "card"),
    ObjectKind.DELIVERY: Words("发送记录", "delivery"),
    ObjectKind.DEPARTMENT: Words("部门", "department"),
    ObjectKind.DEPARTURE: Words("离岗", "departure"),
    ObjectKind.GROUP: Words("群", "group"),
    ObjectKind.GROUP_FINDING: Words("群的差异", "finding about a group"),
    ObjectKind.LIMIT: Words("限额", "limit"),
    ObjectKind.LIST: Words("列表", "list"),
    ObjectKind.MESSAGE: Words("消息", "message"),
    ObjectKind.OUTGOING_CALL: Words("外发调用", "call"),
    ObjectKind.PATH: Words("接口", "path"),
    ObjectKind.PERSON: Words("人员", "person"),
    ObjectKind.PERSON_SESSION: Words("登录", "session"),
    ObjectKind.POLICY_VERSION: Words("制度版本", "version of the policy"),
    ObjectKind.RECEIVED_EVENT: Words("收到的回调", "received callback"),
    ObjectKind.REQUEST: Words("申请", "request"),
    ObjectKind.SYNC_RUN: Words("通讯录同步", "sync"),
    ObjectKind.TASK: Words("任务", "task"),
}


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


def object_kind(name: str) -> Words:
    return OBJECTS.get(name) or Words(name, name)
