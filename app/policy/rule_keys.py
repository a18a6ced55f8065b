"""The rule keys: stable names by which code asks for a rule. A document maps each to one of its clauses.

Adding a key here makes every document that does not map it faulty at the next `check`; versions already stored stay
as they are, and citing the new key under them says so.
"""

from __future__ import annotations

RULE_KEYS: dict[str, str] = {
    "group.create": "建群审批",
    "group.name": "群名称规则",
    "group.charter": "群规与承诺",
    "group.size": "群人数上限",
    "group.roster": "群成员名册",
    "group.owner": "群主与接任",
    "member.join": "入群审批",
    "member.exit": "退群审批",
    "member.departure": "离职、调动后的名册",
    "member.unapproved_leave": "未经批准退群",
    "member.unapproved_join": "未经批准入群",
    "announcement.publish": "信息发布",
    "announcement.receipt": "回执与时限",
    "announcement.chase": "催办",
    "announcement.hours": "信息发布时段",
    "task.assign": "任务布置",
    "task.accept": "任务接收",
    "task.progress": "任务进展",
    "task.done": "任务完成",
    "task.overdue": "任务逾期",
    "task.hand_over": "任务交接",
    "approval.decide": "审批决定",
    "approval.deadline": "审批时限",
    "delivery.hours": "消息发送时段",
    "org.loss_budget": "组织数据保护",
}
"""Rule key → its name in Chinese, for faults, differences and lists."""
