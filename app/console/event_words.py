"""What the events that WeCom calls back with are called. Their codes stand beside the words: IT reads them in its
documentation (doc path/90240).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words

EVENTS: Final[Mapping[str, Words]] = {
    "template_card_event": Words("有人按了卡片", "a card was pressed"),
    "message.text": Words("有人给应用发文字", "somebody wrote to the app"),
    "message.image": Words("有人给应用发图片", "somebody sent the app a picture"),
    "message.voice": Words("有人给应用发语音", "somebody spoke to the app"),
    "message.video": Words("有人给应用发视频", "somebody sent the app a video"),
    "message.location": Words("有人给应用发位置", "somebody sent the app a place"),
    "message.link": Words("有人给应用发链接", "somebody sent the app a link"),
    "click": Words("有人点了应用菜单", "somebody chose in the menu"),
    "view": Words("有人从菜单打开页面", "somebody opened a page from the menu"),
    "enter_agent": Words("有人打开应用", "somebody opened the app"),
    "subscribe": Words("有人进入应用可见范围", "somebody came into the range of the app"),
    "unsubscribe": Words("有人离开应用可见范围", "somebody left the range of the app"),
    "change_contact.create_user": Words("新增成员", "a member was added"),
    "change_contact.update_user": Words("成员资料变更", "a member changed"),
    "change_contact.delete_user": Words("删除成员", "a member was deleted"),
    "change_contact.create_party": Words("新增部门", "a department was added"),
    "change_contact.update_party": Words("部门变更", "a department changed"),
    "change_contact.delete_party": Words("删除部门", "a department was deleted"),
    "change_contact.update_tag": Words("标签成员变更", "the members of a tag changed"),
}
"""Those that this service does something about, or meets every day."""

_FAMILIES: Final[Mapping[str, Words]] = {
    "change_external_contact": Words("客户变更", "a customer changed"),
    "change_external_chat": Words("客户群变更", "a customer group changed"),
    "change_external_tag": Words("客户标签变更", "a customer tag changed"),
    "open_approval_change": Words("企业微信自己的审批", "an approval of WeCom's own"),
    "sys_approval_change": Words("企业微信自己的审批", "an approval of WeCom's own"),
}
_OTHERS: Final = Words("其他事件", "another event")


def event_kind(event_type: str) -> Words:
    """What happened."""
    return EVENTS.get(event_type) or _FAMILIES.get(event_type.partition(".")[0]) or _OTHERS
