"""What changes for people between two documents: one line per number, chain or clause, with the rules it touches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.policy.document import aside
from app.policy.rule_keys import RULES, title_of
from app.policy.schema import PolicyDocument
from app.policy.sections.access import AccessRule
from app.policy.sections.people import ExpressionKind


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` is None for something new, `after` is None for something that goes."""

    path: str
    before: str | None
    after: str | None
    rule_keys: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For people: `tasks.accept_within：30wm → 1wh（任务接收）`."""
        touched = "、".join(title_of(key) for key in self.rule_keys)
        about = f"（{touched}）" if touched else ""
        if self.before is None:
            return f"{self.path}：新增 {self.after}{about}"
        if self.after is None:
            return f"{self.path}：删去 {self.before}{about}"
        return f"{self.path}：{self.before} → {self.after}{about}"


_TOUCHED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("working_time", ("announcement.receipt", "task.accept", "approval.deadline", "delivery.hours")),
    ("delivery", ("delivery.hours", "announcement.hours", "delivery.digest")),
    ("org", ("org.loss_budget",)),
    ("approvals", ("approval.deadline",)),
    ("announcements.chase_text", ("announcement.chase",)),
    ("announcements", ("announcement.publish", "announcement.receipt", "announcement.chase")),
    ("tasks.accept_within", ("task.accept",)),
    ("tasks", ("task.overdue",)),
    ("groups.reconcile_interval_seconds", ("group.roster",)),
    ("groups.max_name_length", ("group.name",)),
    ("groups.first_message", ("group.charter",)),
    ("groups.welcome", ("member.welcome", "member.introduction")),
)
"""Section → rule keys that read it; the first that fits counts."""

_TOUCHED_IN_TYPE: dict[str, tuple[str, ...]] = {
    "join": ("member.join",),
    "exit": ("member.exit", "member.unapproved_leave"),
    "administered_by": ("group.owner",),
    "max_members": ("group.size",),
    "name_pattern": ("group.name",),
    "name_hint": ("group.name",),
    "charter": ("group.charter",),
    "allowed_classes": ("announcement.publish",),
}


def diff(old: PolicyDocument, new: PolicyDocument) -> list[Change]:
    """The differences in the order of the document; empty when both say the same."""
    before, after = _flat(old), _flat(new)
    paths = [*before, *(path for path in after if path not in before)]
    return [
        Change(path, before.get(path), after.get(path), _rules_touched(path, old, new))
        for path in paths
        if before.get(path) != after.get(path)
    ]


async def diff_aside(old: PolicyDocument, new: PolicyDocument) -> list[Change]:
    """`diff` in the thread that reads documents: two large ones take a tenth of a second."""
    return await aside(diff, old, new)


def _flat(document: PolicyDocument) -> dict[str, str]:
    return dict(_leaves(document.model_dump(mode="json"), ""))


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Chains and lists stay whole: a step that moved is one change of the chain."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    elif node is not None:
        yield path, _written(node)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(_written(item) for item in value) or "（空）"
    if isinstance(value, dict):
        if "name" in value and "approver" in value:
            return _step(value)
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _step(step: dict[str, Any]) -> str:
    facts = {"needed": "any", "remind_after": None, "due_after": None}
    extras = [f"{name} {step[name]}" for name, usual in facts.items() if step.get(name) != usual]
    return f"{step['name']}[{', '.join([step['approver'], *extras])}]"


def _rules_touched(path: str, old: PolicyDocument, new: PolicyDocument) -> tuple[str, ...]:
    section, _, rest = path.partition(".")
    if section == "rules":
        return (rest,)
    if section == "clauses":
        return tuple(key for key in RULES if rest in {old.rules.get(key), new.rules.get(key)})
    if path.startswith("groups.types."):
        return _TOUCHED_IN_TYPE.get((path.split(".") + [""] * 4)[3], ("group.create",))
    return next((keys for start, keys in _TOUCHED if path == start or path.startswith(f"{start}.")), ())


def about_rights(older: PolicyDocument, newer: PolicyDocument, *, before_access: AccessRule | None) -> list[str]:
    """The sections in which one version says otherwise than another who may do what. `before_access` is the section of
    versions that are older than it.
    """
    one, other = older.access or before_access, newer.access or before_access
    roles = {
        expression.name
        for section in (one, other)
        if section is not None
        for rule in section.bundles.values()
        for expression in rule.held_by
        if expression.kind is ExpressionKind.ROLE
    }
    has_roles_changed = any(older.roles.get(name) != newer.roles.get(name) for name in roles)
    return ["access"] * (one != other) + ["roles"] * has_roles_changed
