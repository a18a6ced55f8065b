"""The rule keys: stable names by which code asks for a rule. A document maps each to one of its clauses.

Adding a key here makes every document that does not map it faulty at the next `check`. Versions already stored stay
valid: under them a younger key cites what the service cited before the key existed (`Rule.formerly`).
"""

from __future__ import annotations

from dataclasses import dataclass

from app.permissions import Words


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the service: its name, for faults, differences and lists."""

    title: str
    english: str
    formerly: str | None = None
    """The key under which versions cite it that were written before this one existed."""


RULES: dict[str, Rule] = {
    "group.create": Rule("建群登记与审批", "creating a group, by approval"),
    "group.informed": Rule("建群备案", "telling of new groups", formerly="group.create"),
    "group.name": Rule("群名称规则", "names of groups"),
    "group.confidential": Rule("保密群", "confidential groups", formerly="group.create"),
    "group.charter": Rule("群规与承诺", "rules of a group and the promise to keep them"),
    "group.size": Rule("群人数上限", "largest number of members"),
    "group.categories": Rule("群的分类", "kinds of groups", formerly="group.create"),
    "group.directory": Rule("群目录", "directory of groups", formerly="group.create"),
    "group.roster": Rule("群成员名册", "members of a group"),
    "group.roster_loss": Rule("名册大量减少的核实", "checking a large loss of members", formerly="org.loss_budget"),
    "group.dissolved": Rule("群的关闭与解散", "closing and dissolving a group", formerly="group.roster"),
    "group.owner": Rule("群主与接任", "owner of a group and who follows"),
    "member.join": Rule("入群审批", "joining a group"),
    "member.external": Rule("外部人员入群", "people from outside", formerly="group.create"),
    "member.welcome": Rule("入群告知", "what who joins is told", formerly="group.charter"),
    "member.introduction": Rule("新成员自我介绍", "introduction of a new member", formerly="group.charter"),
    "member.exit": Rule("退群审批", "leaving a group"),
    "member.remove": Rule("因故移出成员", "removing a member for cause", formerly="group.roster"),
    "member.departure": Rule("离职、调动后的名册", "members who left or moved"),
    "member.unapproved_leave": Rule("未经批准退群", "leaving without approval"),
    "member.unapproved_join": Rule("未经批准入群", "joining without approval"),
    "announcement.publish": Rule("信息发布", "publishing an announcement"),
    "announcement.length": Rule("信息篇幅", "length of an announcement", formerly="announcement.publish"),
    "announcement.receipt": Rule("回执与时限", "receipts and their deadlines"),
    "announcement.chase": Rule("催办", "reminders to confirm"),
    "announcement.hours": Rule("信息发布时段", "hours of announcements"),
    "task.assign": Rule("任务布置", "giving a task"),
    "task.accept": Rule("任务接收", "accepting a task"),
    "task.progress": Rule("任务进展", "progress of a task"),
    "task.done": Rule("任务完成", "finishing a task"),
    "task.overdue": Rule("任务逾期", "overdue tasks"),
    "task.hand_over": Rule("任务交接", "handing over a task"),
    "approval.decide": Rule("审批决定", "deciding a request"),
    "approval.deadline": Rule("审批时限", "deadlines of decisions"),
    "approval.hand_over": Rule("审批人离职后的接替", "who follows an approver who left", formerly="approval.decide"),
    "delivery.hours": Rule("消息发送时段", "hours of messages"),
    "delivery.digest": Rule("每日待办", "the morning's list", formerly="announcement.chase"),
    "account.signed_out": Rule(
        "手机丢失、账号被盗时结束登录", "signing out after a loss or theft", formerly="org.loss_budget"
    ),
    "policy.apply": Rule("制度的版本与生效", "versions of the policy"),
    "org.loss_budget": Rule("组织数据保护", "protection of the organisation's records"),
}

PLATFORM_RULES: dict[str, str] = {
    "platform.fewest_members": "企业微信规定，应用建立的群至少有 2 名成员",
}
"""What the platform decides and no company can change: key → sentence. No document maps these."""


def title_of(key: str) -> str:
    """The name of a rule for people. A key that is no longer known stands for itself."""
    rule = RULES.get(key)
    return rule.title if rule is not None else key


def words_of(key: str) -> Words:
    """The same for pages, which have two languages."""
    rule = RULES.get(key)
    return Words(rule.title, rule.english) if rule is not None else Words(key, key)
