"""What codes that are kept as text say to people: why something waits, what a message was for, by which way it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words
from app.trace.service import OTHER, PURPOSES, code_of, purpose, reason
from models.delivery import MessageClass

__all__ = ["CLASSES", "OTHER", "STAY_REASONS", "VIAS", "code_of", "purpose", "purposes", "reason"]

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


def purposes(asked: str) -> Mapping[str, Words]:
    """To choose from. What a link asked for stays chosen, also where it is none of the usual ones."""
    return {asked: purpose(asked), **PURPOSES} if asked else PURPOSES
