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

_REASONS_IN_ENGLISH: Final[dict[str, str]] = {
    "missing_parameter": "the address has no signature, time, nonce or echostr: it is not from WeCom, or a proxy"
    " dropped the query",
    "too_large": "a body of more than 512 KiB, larger than any callback of WeCom: most likely a stranger",
    "too_slow": "the body took longer than 10 seconds, and WeCom gives up after 5: most likely a stranger, or a proxy"
    " that is too slow",
    "not_utf8": "not UTF-8: it is not from WeCom",
    "bad_xml": "not XML: it is not from WeCom, or the address belongs to a bot that speaks JSON",
    "entities": "XML with a DTD or entities, which WeCom never sends: somebody is probing",
    "wrong_content": "XML without Encrypt: no callback of WeCom",
    "bad_signature": "a wrong signature: the Token differs from that in the WeCom admin console, or it is a stranger",
    "other_channel": "signed with the keys of the other address: the two addresses are mixed up, compare"
    " /callbacks/app and /callbacks/contacts",
    "bad_timestamp": "the timestamp is no number of seconds: it is not from WeCom",
    "stale_timestamp": "the timestamp is too old: our clock is fast, or somebody replays a request. Set the time (NTP)",
    "future_timestamp": "the timestamp is in the future: our clock is slow. Set the time (NTP)",
    "bad_base64": "the cipher text is no base64: it is not from WeCom, or a proxy changed it",
    "bad_length": "the cipher text has a wrong length: the EncodingAESKey differs from that in the WeCom admin console,"
    " or the body was cut off",
    "bad_padding": "signed rightly and cannot be opened: the EncodingAESKey differs from that in the WeCom admin"
    " console",
    "wrong_receiver": "signature and keys are right, and it is for another company: STEWARD_WECOM_CORP_ID differs from"
    " the company ID in the WeCom admin console",
    "unknown_channel": "there is no such address: it is /callbacks/app or /callbacks/contacts",
}

_DISAGREES_IN_ENGLISH: Final[dict[str, str]] = {
    "token": "Our EncodingAESKey opens it: it is from WeCom, and the Token alone differs",
    "token, corp_id": "Our EncodingAESKey opens it: the Token and the company ID differ",
    "token, aes_key": "It cannot be opened either: the Token and the EncodingAESKey differ, or it is a stranger",
    "aes_key: the other channel's": "The EncodingAESKey of the other address opens it: the two are mixed up",
}

_UNREADABLE_IN_ENGLISH: Final[dict[str, str]] = {
    "bad_xml": "What was opened is no whole XML",
    "entities": "What was opened is XML with a DTD or entities, which is not read",
    "not_utf8": "What was opened is not UTF-8",
    "wrong_content": "What was opened has neither MsgType nor InfoType",
}

_NOT_ACTED_UPON: Final[dict[str, str]] = {
    "菜单打开了页面，或做了没有绑定动作的事": "the menu opened a page, or did something to which no act is bound",
    "审批应用的单据目前不处理，本服务用自己的审批": (
        "papers of WeCom's own approvals are not handled: this service has approvals of its own"
    ),
    "客户联系事件目前不处理": "events about customers are not handled",
    "日程事件目前不处理": "events about schedules are not handled",
    "应用状态通知，仅记录": "the state of the app, only recorded",
    "服务商（第三方应用）的事件：本服务是企业自建应用，不处理": (
        "an event for providers of third-party apps: this service is the company's own app"
    ),
    "本服务不发送任务卡片，也不使用卡片右上角菜单": "this service sends no task cards and uses no menu of cards",
    "打开应用会话，无需处理": "somebody opened the app, which needs nothing",
    "不收集员工位置": "where employees are is not collected",
    "企业微信的地址清单有变，由 doctor 检查": "WeCom's list of addresses has changed, which doctor examines",
    "本服务不使用异步素材上传": "this service uploads nothing by jobs of WeCom",
    "本服务不使用异步批量任务": "this service uses no batch jobs of WeCom",
    "未启用会话内容存档": "the archive of chats is not used",
    "发信人不在通讯录里": "who wrote is not among the contacts",
    "已经回答过": "it was answered already",
    "提问过于频繁，不回答": "too many questions, so that there was no answer",
    "目录里没有这种事件": "the catalogue has no such event",
    "卡片不是本服务发出的": "the card is not of this service",
    "这一项菜单不是本服务设置的": "this service has not set this item of the menu",
}
"""By the sentence that is stored with an event of which nothing came."""


def explain_unreadable(event_type: str) -> str:
    """Of an event that was opened with our keys: it is the platform's, and kept as it came."""
    reason = event_type.partition(".")[2]
    return f"{_UNREADABLE.get(reason, reason)}：签名与密钥都对，原文已原样保存，可用 steward callbacks show 查看"


def explain_refusal(reason: str, disagrees: str = "") -> str:
    """One sentence with the cure. `disagrees` makes it more exact where the settings that differ are known."""
    told = _REASONS.get(reason, reason)
    more = _DISAGREES.get(disagrees)
    return f"{told}。{more}" if more else told


def refusal_in_words(reason: str, disagrees: str = "") -> Words:
    """The same sentence for pages, which have two languages."""
    told, more = _REASONS_IN_ENGLISH.get(reason, reason), _DISAGREES_IN_ENGLISH.get(disagrees)
    return Words(explain_refusal(reason, disagrees), f"{told}. {more}" if more else told)


def error_in_words(last_error: str) -> Words:
    """What is stored with an event. The words of a fault of ours are those of the program."""
    for reason, english in _UNREADABLE_IN_ENGLISH.items():
        if last_error == explain_unreadable(f"unreadable.{reason}"):
            return Words(last_error, f"{english}. Signature and keys are right, and it is kept as it came")
    return Words(last_error, _NOT_ACTED_UPON.get(last_error, last_error))


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
