"""What a policy document names must stand in it: rules, clauses, roles, message classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.policy.errors import Fault
from app.policy.expressions import expressions_in
from app.policy.rule_keys import RULES
from app.policy.sections.people import ExpressionKind
from app.quotes import quoted


def reference_faults(raw: dict[Any, Any]) -> list[Fault]:
    """What the schema cannot see: names in one section that must stand in another. Works on whatever is there, so
    that these faults are reported together with those of the schema.
    """
    rules = list(_rule_faults(raw))
    # Which clauses the rules rest on is known once every rule is mapped.
    carried_out = [] if rules else _carried_out_faults(raw)
    return [*rules, *_clause_faults(raw), *carried_out, *_role_faults(raw), *_class_faults(raw)]


def _rule_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    rules, clauses = _mapping(raw, "rules"), _mapping(raw, "clauses")
    for key, rule in RULES.items():
        if key not in rules:
            yield Fault(f"rules.{key}", f"没有写明{quoted(rule.title)}依据哪一条，请补上{quoted(f'{key}: 条文编号')}")
    for key, clause in rules.items():
        if key not in RULES:
            yield Fault(f"rules.{key}", "系统没有这条规则，请检查拼写或删去")
        elif clause not in clauses:
            yield Fault(f"rules.{key}", f"引用的第 {clause} 条不在 clauses 中，请补上条文或改正编号")


def _clause_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    """P8: each clause says how it is carried out."""
    clauses, carried_out = _mapping(raw, "clauses"), _mapping(raw, "carried_out")
    for clause in clauses:
        if clause not in carried_out:
            yield Fault(
                f"carried_out.{clause}",
                "没有写明这一条怎样落实，请写 enforced（系统执行）、substituted（系统以别的办法代替）、"
                "by_hand（由谁人工办理）、not_yet（尚未实现）中的至少一项",
            )
    for clause in carried_out:
        if clause not in clauses:
            yield Fault(f"carried_out.{clause}", "clauses 中没有这一条，请补上条文或删去")


def _carried_out_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    """P8: the service carries out what one of its rules rests on, and nothing else."""
    cited = set(_mapping(raw, "rules").values())
    for clause, said in _mapping(raw, "carried_out").items():
        if clause not in _mapping(raw, "clauses") or not isinstance(said, dict):
            continue
        by_the_service = bool(said.get("enforced") or said.get("substituted"))
        if by_the_service and clause not in cited:
            sentence = "rules 中没有规则依据这一条，系统不会执行；请改写为 by_hand 或 not_yet"
            yield Fault(f"carried_out.{clause}", sentence)
        elif said and clause in cited and not by_the_service:
            yield Fault(f"carried_out.{clause}", "系统有规则依据这一条，请写 enforced 或 substituted")


def _role_faults(raw: dict[Any, Any]) -> Iterator[Fault]:
    roles = _mapping(raw, "roles")
    for name, role in roles.items():
        if isinstance(role, dict) and not any(role.get(who) for who in ("departments", "tags", "posts", "userids")):
            yield Fault(f"roles.{name}", "没有任何人，请写 departments、tags、posts、userids 中的至少一项")
    for path, expression in expressions_in(raw):
        if expression.kind is ExpressionKind.ROLE and expression.name not in roles:
            yield Fault(path, f"角色{quoted(expression.name)}不在 roles 中，请补上或改正")


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
                yield Fault(path, f"类别{quoted(name)}不在 announcements.classes 中，请补上或改正")


def _mapping(raw: dict[Any, Any], *path: str) -> dict[Any, Any]:
    found: Any = raw
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
