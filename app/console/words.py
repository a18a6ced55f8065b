"""What states and kinds of the ledger are called, with the colour of each. Pages show no machine words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words
from models.audit import ObjectKind
from models.delivery import CallKind, CallState

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


def object_kind(name: str) -> Words:
    return OBJECTS.get(name) or Words(name, name)
