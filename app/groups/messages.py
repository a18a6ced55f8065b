"""What people are told about groups: posts in the group, notices one to one."""

from __future__ import annotations

from collections.abc import Sequence

from app.policy.sections.groups import GroupsRule, GroupTypeRule
from app.policy.service import Citation
from app.quotes import filled, quoted
from models.groups import Group

NO_OWNER = "待定"
"""In the place of the owner's name while a group waits for one."""


def charter(rule: GroupTypeRule, *, name: str, owner: str) -> str:
    return filled(rule.charter, name=name, owner=owner)


def first_posts(rules: GroupsRule, rule: GroupTypeRule, group: Group, *, owner: str) -> list[str]:
    """The first message, and the charter after it unless the message holds it already (F39)."""
    said = filled(
        rules.first_message,
        name=group.desired_name,
        type=rule.title,
        purpose=group.purpose,
        owner=owner,
        charter=group.charter,
    )
    return [said] if "{charter}" in rules.first_message else [said, group.charter]


def registered(rule: GroupTypeRule, group: Group, *, owner: str, people: int, citation: Citation) -> str:
    """备案, to the roles that the policy wants to know of it."""
    return (
        f"【建群备案】{quoted(group.desired_name)}（{rule.title}）已建立\n"
        f"用途：{group.purpose}\n群主：{owner}，成员 {people} 人\n{citation.sentence}"
    )


_LEAVING = {
    "approve": "如需退群，请先申请退群，批准后由系统移出；请勿自行退出。",
    "notify": "如需退群，可以申请退群，也可以自行退出，群管理员会收到告知。",
    "free": "如需退群，可以随时自行退出。",
}
"""2.5: how the type lets people leave, by `exit.mode`."""


def welcome(
    rules: GroupsRule, group: Group, *, owner: str, exit_mode: str, citation: Citation, introduction: Citation
) -> str:
    """2.11: nobody is added without notice of purpose, rules and the way out. The words are the policy's."""
    return filled(
        rules.welcome,
        name=group.desired_name,
        purpose=group.purpose,
        owner=owner,
        charter=group.charter,
        introduction=introduction.label,
        leaving=_LEAVING[exit_mode],
        clause=f"{citation.label}：{citation.text}",
    )


def left_quietly(group: Group, *, name: str, citation: Citation) -> str:
    return f"【退群】{name} 已退出{quoted(group.desired_name)}。\n{citation.sentence}"


def removed(group: Group, *, reason: str, citation: Citation) -> str:
    return f"【移出群】管理员决定将您移出{quoted(group.desired_name)}，正在办理\n原因：{reason}\n{citation.sentence}"


def now_owner(group: Group, *, former: str, why: str) -> str:
    return f"【接任群主】{quoted(group.desired_name)}的群主 {former} {why}，由您接任群主；企业微信中的变更正在办理。"


def owner_not_found(group: Group, *, names: Sequence[str]) -> str:
    return f"【群主人选】{'、'.join(names)} 没有接受担任{quoted(group.desired_name)}的群主，请另行提出人选。"


NAMES_SHOWN = 20


def not_read(group: Group, *, names: Sequence[str]) -> str:
    return (
        f"【建群说明】{quoted(group.desired_name)}建立时，读不到 {_listed(names)} 的资料，"
        f"这 {len(names)} 人没有加入。\n"
        "一周之内读到的，会补入群内，并告知您；此后请由本人申请加入。"
    )


def added_later(group: Group, *, names: Sequence[str]) -> str:
    return f"【补入成员】{_listed(names)} 的资料已能读到，正在补入{quoted(group.desired_name)}（建群时未能加入）。"


def no_room_for(group: Group, *, names: Sequence[str], refusal: str) -> str:
    return (
        f"【补入成员】{_listed(names)} 的资料已能读到，但不能补入{quoted(group.desired_name)}：{refusal}。\n"
        "需要加入的，请由本人申请。"
    )


def taken_back(group: Group, *, name: str) -> str:
    return (
        f"【重新加入】通讯录曾显示 {name} 已离职，{quoted(group.desired_name)}因此将其移出。\n"
        f"管理员已确认账号属于同一人，{name} 正在重新加入。"
    )


def stays_out(group: Group, *, name: str, is_confidential: bool) -> str:
    why = "保密群的成员须逐一确认" if is_confidential else "其部门与离职前不同"
    return (
        f"【未重新加入】管理员已确认 {name} 与离职的原成员是同一人；{why}，"
        f"因此没有重新加入{quoted(group.desired_name)}。\n"
        "需要加入的，请由本人申请。"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" 等 {len(names)} 人" if len(names) > NAMES_SHOWN else ""
    return "、".join(names[:NAMES_SHOWN]) + more


def deputy_left(group: Group, *, name: str) -> str:
    return f"【副群主离任】{quoted(group.desired_name)}的副群主 {name} 已离职或停用，请确定新的副群主。"
