"""What people are told about groups: posts in the group, notices one to one."""

from __future__ import annotations

from app.policy.sections.groups import GroupsRule, GroupTypeRule
from app.policy.service import Citation
from models.groups import FindingKind, Group


def cited(citation: Citation) -> str:
    return f"依据制度第 {citation.clause} 条：{citation.text}"


def charter(rule: GroupTypeRule, *, name: str, owner: str) -> str:
    return rule.charter.format(name=name, owner=owner)


def first_posts(rules: GroupsRule, rule: GroupTypeRule, group: Group, *, owner: str) -> list[str]:
    """The first message, and the charter after it unless the message holds it already (F39)."""
    said = rules.first_message.format(
        name=group.desired_name, type=rule.title, purpose=group.purpose, owner=owner, charter=group.charter
    )
    return [said] if "{charter}" in rules.first_message else [said, group.charter]


def registered(rule: GroupTypeRule, group: Group, *, owner: str, people: int, citation: Citation) -> str:
    """备案, to the roles that the policy wants to know of it."""
    return (
        f"【建群备案】“{group.desired_name}”（{rule.title}）已建立\n"
        f"用途：{group.purpose}\n群主：{owner}，成员 {people} 人\n{cited(citation)}"
    )


def welcome(rules: GroupsRule, group: Group, *, owner: str, citation: Citation) -> str:
    """2.11: nobody is added without notice of purpose, rules and the way out. The words are the policy's."""
    return rules.welcome.format(
        name=group.desired_name,
        purpose=group.purpose,
        owner=owner,
        charter=group.charter,
        clause=f"{citation.label}：{citation.text}",
    )


def left_quietly(group: Group, *, name: str, citation: Citation) -> str:
    return f"【退群】{name} 已退出“{group.desired_name}”。\n{cited(citation)}"


def removed(group: Group, *, reason: str, citation: Citation) -> str:
    return f"【移出群】您已被移出“{group.desired_name}”\n原因：{reason}\n{cited(citation)}"


def now_owner(group: Group, *, former: str, why: str) -> str:
    return f"【接任群主】“{group.desired_name}”的群主 {former} {why}，已由您接任群主，请在企业微信中查看该群。"


def deputy_left(group: Group, *, name: str) -> str:
    return f"【副群主离任】“{group.desired_name}”的副群主 {name} 已离职或停用，请确定新的副群主。"


def finding(group: Group, kind: FindingKind, *, who: str, citation: Citation, detail: str = "") -> str:
    """Once per finding, to the group's administrators."""
    title, what, do = _FINDINGS[kind]
    lines = [
        f"【{title}】{what.format(group=group.desired_name, who=who, detail=detail)}",
        do,
        cited(citation),
    ]
    return "\n".join(line for line in lines if line)


_FINDINGS: dict[FindingKind, tuple[str, str, str]] = {
    FindingKind.UNAPPROVED_LEAVE: (
        "未经批准退群",
        "{who} 已不在“{group}”，没有经过批准的退群申请。",
        "已记录为警告级违反。如属误退，请本人重新申请入群。",
    ),
    FindingKind.UNAPPROVED_JOIN: (
        "未经批准入群",
        "{who} 在“{group}”内，但不在批准的成员名册中。{detail}",
        "应当留下的，请办理入群申请；不应在群内的，请由群管理员移出。",
    ),
    FindingKind.RENAMED: (
        "群名称被修改",
        "“{group}”在企业微信中被改名为“{detail}”，将恢复为登记的名称。",
        "需要改名的请申请。",
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
        "“{group}”的群主 {who} 已不在，没有副群主可以接任。{detail}",
        "请确认群主人选，并确定副群主。",
    ),
    FindingKind.ROSTER_LOSS: (
        "成员大量消失，暂不处理",
        "企业微信返回的“{group}”成员名单少了 {detail}，超过限度，可能是错误的答复。",
        "名册保持不变。请到群里核实；属实的，由管理员确认后重新核对。",
    ),
    FindingKind.TOO_FEW: (
        "无法移出成员",
        "{who} 应移出“{group}”，但移出后不足平台要求的 2 人。",
        "请补充成员，或由群主在企业微信中解散该群。",
    ),
}
