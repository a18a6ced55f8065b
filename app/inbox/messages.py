"""What operators are told about callers that were turned away, and what to do; what events are called.

The codes of events stand beside their words: IT reads them in WeCom's documentation (doc path/90240).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.permissions import Words

_WHERE: Final = "企业微信管理后台的接收消息（API接收）页"

_REASONS: Final[dict[str, str]] = {
    "missing_parameter": "网址里缺少签名、时间戳、随机数或 echostr：不是企业微信发来的，或代理丢掉了查询参数",
    "too_large": "请求体超过 512 KiB，企业微信没有这么大的回调：多半是陌生人",
    "too_slow": "请求体 10 秒内没有收完，企业微信 5 秒就会放弃：多半是陌生人，或中间的代理太慢",
    "not_utf8": "内容不是 UTF-8：不是企业微信发来的",
    "bad_xml": "内容不是 XML：不是企业微信发来的，或回调地址配成了 JSON 格式的智能机器人",
    "entities": "XML 里带有 DTD 或实体，企业微信从不这样发：有人在试探",
    "wrong_content": "XML 里没有 Encrypt：不是企业微信的回调",
    "bad_signature": f"签名不符：Token 与{_WHERE}的不一致，或者是陌生人",
    "other_channel": "用另一个地址的密钥签名：两个回调地址填反了，请对照 /callbacks/app 与 /callbacks/contacts",
    "bad_timestamp": "timestamp 不是秒数：不是企业微信发来的",
    "stale_timestamp": "时间戳太旧：本机时钟偏快，或有人重放旧请求。请校准时间（NTP）",
    "future_timestamp": "时间戳在将来：本机时钟偏慢。请校准时间（NTP）",
    "bad_base64": "密文不是 base64：不是企业微信发来的，或中间的代理改动了内容",
    "bad_length": f"密文长度不对：EncodingAESKey 与{_WHERE}的不一致，或内容被截断",
    "bad_padding": f"签名正确但解不开：EncodingAESKey 与{_WHERE}的不一致",
    "wrong_receiver": "签名与密钥都对，但收件企业不是我们：STEWARD_WECOM_CORP_ID 与后台的企业ID不一致",
    "unknown_channel": "没有这个回调地址：应为 /callbacks/app 或 /callbacks/contacts",
}

_DISAGREES: Final[dict[str, str]] = {
    "token": "密文能用我们的 EncodingAESKey 解开：是企业微信发来的，只有 Token 不一致",
    "token, corp_id": "密文能用我们的 EncodingAESKey 解开：Token 与企业ID都不一致",
    "token, aes_key": "密文也解不开：Token 与 EncodingAESKey 都不一致，或者是陌生人",
    "aes_key: the other channel's": "密文能用另一个地址的 EncodingAESKey 解开：两个地址的 EncodingAESKey 填反了",
}


_UNREADABLE: Final[dict[str, str]] = {
    "bad_xml": "解密后的内容不是完整的 XML",
    "entities": "解密后的 XML 带有 DTD 或实体，为安全起见不解析",
    "not_utf8": "解密后的内容不是 UTF-8",
    "wrong_content": "解密后的 XML 既没有 MsgType，也没有 InfoType",
}


def explain_unreadable(event_type: str) -> str:
    """Of an event that was opened with our keys: it is the platform's, and kept as it came."""
    reason = event_type.partition(".")[2]
    return f"{_UNREADABLE.get(reason, reason)}：签名与密钥都对，原文已原样保存，可用 steward callbacks show 查看"


def explain_refusal(reason: str, disagrees: str = "") -> str:
    """One sentence with the cure. `disagrees` makes it more exact where the settings that differ are known."""
    told = _REASONS.get(reason, reason)
    more = _DISAGREES.get(disagrees)
    return f"{told}。{more}" if more else told


def callbacks_never_verified() -> str:
    return "还没有收到过验证通过的回调：请在企业微信后台保存回调地址，或查看 steward callbacks refusals"


def callbacks_not_opened(reason: str, disagrees: str) -> str:
    return f"企业微信的回调被拒绝：{explain_refusal(reason, disagrees)}"


# ---------------------------------------------------------------- events

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
