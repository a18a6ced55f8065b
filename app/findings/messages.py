"""What a group's administrators are told of a finding."""

from __future__ import annotations

from app.policy.service import Citation
from app.quotes import filled
from models.groups import FindingKind, Group

Sentences = tuple[str, str, str]
"""Title, what was found, what to do."""


def finding(
    group: Group, kind: FindingKind, *, who: str, citation: Citation, detail: str = "", rule_key: str = ""
) -> str:
    """Once per finding, to the group's administrators."""
    title, what, do = _words_of(kind, rule_key)
    lines = [
        f"【{title}】{filled(what, group=group.desired_name, who=who, detail=detail)}",
        do,
        citation.sentence,
    ]
    return "\n".join(line for line in lines if line)


def _words_of(kind: FindingKind, rule_key: str) -> Sentences:
    """Who should be out, and whom the platform has kept in, is no intruder."""
    if kind is FindingKind.UNAPPROVED_JOIN and rule_key in _STILL_INSIDE:
        title, what = _KEPT_IN
        return title, what, _STILL_INSIDE[rule_key]
    return _FINDINGS[kind]


def in_short(text: str, *, citation: Citation) -> str:
    """As one of several things: the clause by its number."""
    lines = [line for line in text.splitlines() if line != citation.sentence]
    return f"{''.join(lines)}（{'制度' if citation.clause else ''}{citation.label}）"


_KEPT_IN = ("应移出而未能移出", "{who} {detail}，应从“{group}”移出，但移出没有完成，目前仍在群内。")

_STILL_INSIDE = {
    "member.exit": "请由群管理员移出。本人改为留下的，请重新办理入群申请。",
    "member.remove": "请由群管理员移出。改为留下的，请办理入群申请。",
    "member.departure": "请由群管理员移出。",
}
"""What to do, by the rule under which they should be out."""

_FINDINGS: dict[FindingKind, Sentences] = {
    FindingKind.UNAPPROVED_LEAVE: (
        "未经批准退群",
        "{who} 已不在“{group}”，没有经过批准的退群申请。",
        "已记录。如属误退，请本人重新申请入群。",
    ),
    FindingKind.UNAPPROVED_JOIN: (
        "未经批准入群",
        "{who} 在“{group}”内，但不在批准的成员名册中。",
        "应当留下的，请办理入群申请；不应在群内的，请由群管理员移出。",
    ),
    FindingKind.RENAMED: (
        "群名称被修改",
        "“{group}”在企业微信中被改名为“{detail}”，将恢复为登记的名称。",
        "登记的名称目前不能更改，请勿在群内改名。",
    ),
    FindingKind.OWNER_CHANGED: (
        "群主被变更",
        "“{group}”在企业微信中的群主是 {who}，与登记的不一致。",
        "请核实：确需变更的，请管理员在登记中变更群主；否则请转回。",
    ),
    FindingKind.DISSOLVED: (
        "群已被解散",
        "“{group}”在企业微信中已不存在（{detail}），登记保留为“已解散”。",
        "如仍需要这个群，请重新申请建群。",
    ),
    FindingKind.OWNER_LEFT: (
        "群主离任",
        "“{group}”需要新的群主：{who} {detail}",
        "请提出人选，由管理员登记；本人接受后即为群主。并请确定副群主。",
    ),
    FindingKind.ROSTER_LOSS: (
        "成员大量消失，暂不处理",
        "企业微信返回的“{group}”成员名单少了 {detail}，超过限度，可能是错误的答复。",
        "名册保持不变。请到群里核实；属实的，由管理员确认后重新核对。",
    ),
    FindingKind.TOO_FEW: (
        "无法移出成员",
        "{who} 应从“{group}”移出，但移出后不足平台要求的 2 人。",
        "请补充成员，或由群主在企业微信中解散该群。",
    ),
}
