"""What a policy document names must stand in it: rules, clauses, roles, message classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.policy.errors import Fault
from app.policy.expressions import expressions_in
from app.policy.rule_keys import RULE_KEYS
from app.policy.sections.people import ExpressionKind


def reference_faults(raw: dict[Any, Any]) -> list[Fault]:
    """What the schema cannot see: names in one section that must stand in another. Works on whatever is there, so
    that these faults are reported together with those of the schema.
    """
    return [*_rule_faults(raw), *_role_faults(raw), *_class_faults(raw)]


def _rule_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    rules, clauses = _mapping(raw, "rules"), _mapping(raw, "clauses")
    for key, title in RULE_KEYS.items():
        if key not in rules:
            yield Fault(f"rules.{key}", f"没有写明“{title}”依据哪一条，请补上“{key}: 条文编号”")
    for key, clause in rules.items():
        if key not in RULE_KEYS:
            yield Fault(f"rules.{key}", "系统没有这条规则，请检查拼写或删去")
        elif clause not in clauses:
            yield Fault(f"rules.{key}", f"引用的第 {clause} 条不在 clauses 中，请补上条文或改正编号")


def _role_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    roles = _mapping(raw, "roles")
    for name, role in roles.items():
        if isinstance(role, dict) and not any(role.get(who) for who in ("departments", "tags", "posts", "userids")):
            yield Fault(f"roles.{name}", "没有任何人，请写 departments、tags、posts、userids 中的至少一项")
    for path, expression in expressions_in(raw):
        if expression.kind is ExpressionKind.ROLE and expression.name not in roles:
            yield Fault(path, f"角色“{expression.name}”不在 roles 中，请补上或改正")


def _class_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    announced, delivered = _mapping(raw, "announcements", "classes"), _mapping(raw, "delivery", "classes")
    for name in announced:
        if name not in delivered:
            yield Fault(f"announcements.classes.{name}", "没有规定发送时段，请在 delivery.classes 中补上")
    for key, rule in _mapping(raw, "groups", "types").items():
        allowed = rule.get("allowed_classes") if isinstance(rule, dict) else None
        for place, name in enumerate(allowed if isinstance(allowed, list) else []):
            if name not in announced:
                path = f"groups.types.{key}.allowed_classes[{place}]"
                yield Fault(path, f"类别“{name}”不在 announcements.classes 中，请补上或改正")


def _mapping(raw: dict[Any, Any], *path: str) -> dict[Any, Any]:
    found: Any = raw
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
