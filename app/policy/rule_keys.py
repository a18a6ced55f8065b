"""The rule keys: stable names by which code asks for a rule. A document maps each to one of its clauses.

Adding a key here makes every document that does not map it faulty at the next `check`. Versions already stored stay
valid: under them a younger key cites what the service cited before the key existed (`Rule.formerly`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the service: its name in Chinese, for faults, differences and lists."""

    title: str
    formerly: str | None = None
    """The key under which versions cite it that were written before this one existed."""


RULES: dict[str, Rule] = {
    "group.create": Rule("建群登记与审批"),
    "group.informed": Rule("建群备案", formerly="group.create"),
    "group.name": Rule("群名称规则"),
    "group.confidential": Rule("保密群", formerly="group.create"),
    "group.charter": Rule("群规与承诺"),
    "group.size": Rule("群人数上限"),
    "group.categories": Rule("群的分类", formerly="group.create"),
    "group.directory": Rule("群目录", formerly="group.create"),
    "group.roster": Rule("群成员名册"),
    "group.roster_loss": Rule("名册大量减少的核实", formerly="org.loss_budget"),
    "group.dissolved": Rule("群的关闭与解散", formerly="group.roster"),
    "group.owner": Rule("群主与接任"),
    "member.join": Rule("入群审批"),
    "member.external": Rule("外部人员入群", formerly="group.create"),
    "member.welcome": Rule("入群告知", formerly="group.charter"),
    "member.introduction": Rule("新成员自我介绍", formerly="group.charter"),
    "member.exit": Rule("退群审批"),
    "member.remove": Rule("因故移出成员", formerly="group.roster"),
    "member.departure": Rule("离职、调动后的名册"),
    "member.unapproved_leave": Rule("未经批准退群"),
    "member.unapproved_join": Rule("未经批准入群"),
    "announcement.publish": Rule("信息发布"),
    "announcement.length": Rule("信息篇幅", formerly="announcement.publish"),
    "announcement.receipt": Rule("回执与时限"),
    "announcement.chase": Rule("催办"),
    "announcement.hours": Rule("信息发布时段"),
    "task.assign": Rule("任务布置"),
    "task.accept": Rule("任务接收"),
    "task.progress": Rule("任务进展"),
    "task.done": Rule("任务完成"),
    "task.overdue": Rule("任务逾期"),
    "task.hand_over": Rule("任务交接"),
    "approval.decide": Rule("审批决定"),
    "approval.deadline": Rule("审批时限"),
    "approval.hand_over": Rule("审批人离职后的接替", formerly="approval.decide"),
    "delivery.hours": Rule("消息发送时段"),
    "delivery.digest": Rule("每日待办", formerly="announcement.chase"),
    "account.signed_out": Rule("手机丢失、账号被盗时结束登录", formerly="org.loss_budget"),
    "policy.apply": Rule("制度的版本与生效"),
    "org.loss_budget": Rule("组织数据保护"),
}

PLATFORM_RULES: dict[str, str] = {
    "platform.fewest_members": "企业微信规定，应用建立的群至少有 2 名成员",
}
"""What the platform decides and no company can change: key → sentence. No document maps these."""


def title_of(key: str) -> str:
    """The name of a rule for people. A key that is no longer known stands for itself."""
    rule = RULES.get(key)
    return rule.title if rule is not None else key
