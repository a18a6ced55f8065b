"""YAML in, a validated document or *all* its faults out. Pure.

Only `true`, `false` and empty are read as other than text: YAML would make clause 1.10 the number 1.1 and 12:00 the
number 720. The schema turns text into numbers where a number is meant.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

from app.policy.expressions import expressions_in
from app.policy.rule_keys import RULE_KEYS
from app.policy.schema import PolicyDocument
from app.policy.sections.people import ExpressionKind


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document."""

    path: str
    """Where: `groups.types.project.join.steps[0].approver`; empty for the document as a whole."""
    message: str
    """In Chinese: what is wrong and what to do."""

    def __str__(self) -> str:
        return f"{self.path or '（全文）'}：{self.message}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a source: the document, or the faults that keep it from being one."""

    document: PolicyDocument | None
    faults: list[Fault]


LARGEST = 50_000
"""Values in a document; the default has some 700."""


def default_source() -> str:
    """The default policy that ships with the service."""
    return resources.files("app.policy").joinpath("default.yaml").read_text(encoding="utf-8")


def demo_source() -> str:
    """The default policy with deadlines of seconds and no hours, for the demo."""
    return resources.files("app.policy").joinpath("demo.yaml").read_text(encoding="utf-8")


def read(source: str) -> Reading:
    """Parse and check a document, collecting every fault."""
    try:
        raw = yaml.load(source, Loader=_PlainLoader)  # noqa: S506 -- a SafeLoader with fewer types
        too_large = _size(raw, {}) > LARGEST
    except yaml.YAMLError as error:
        return Reading(None, [_yaml_fault(error)])
    except RecursionError:
        too_large = True
    if too_large:
        return Reading(None, [Fault("", "内容太多或层次太深，请对照默认制度编写")])
    if not isinstance(raw, dict):
        return Reading(None, [Fault("", "制度文件应由“名称: 内容”组成，请对照默认制度编写")])
    faults = [*_schema_faults(raw), *_reference_faults(raw)]
    return Reading(None if faults else PolicyDocument.model_validate(raw), faults)


# ---------------------------------------------------------------- YAML


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML in which scalars stay text, and a key written twice is a fault."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 -- the library's own class attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
                problem = f"“{key.value}”写了两次，请只保留一处"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def _size(node: Any, known: dict[int, int]) -> int:
    """How many values there are with every alias written out. A few lines of aliases can stand for billions."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in known:
        known[id(node)] = LARGEST + 1  # meeting it again below itself: it contains itself
        known[id(node)] = 1 + sum(_size(child, known) for child in (node.values() if isinstance(node, dict) else node))
    return known[id(node)]


def _yaml_fault(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    where = f"第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else ""
    problem = getattr(error, "problem", None) or str(error)
    if re.search(r"[\u4e00-\u9fff]", problem):
        return Fault(where, problem)
    return Fault(where, f"YAML 格式有误（{problem}），请检查缩进、冒号和引号")


# ---------------------------------------------------------------- schema

_SENTENCES: dict[str, str] = {
    "missing": "缺少这一项，请补上",
    "extra_forbidden": "不认识这一项，请检查拼写或删去",
    "string_too_short": "不能为空，请填写",
    "string_type": "应为文字",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表，每项以“- ”开头",
    "dict_type": "应为“名称: 内容”的列表",
    "model_type": "应为“名称: 内容”的列表",
    "model_attributes_type": "应为“名称: 内容”的列表",
    "too_short": "至少要有 {min_length} 项，请补上",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "literal_error": "只能是 {expected}",
    "enum": "只能是 {expected}",
    "time_parsing": "应为时间，如 09:00",
    "time_type": "应为时间，如 09:00",
    "date_from_datetime_parsing": "应为日期，如 2026-01-31",
    "date_parsing": "应为日期，如 2026-01-31",
}
# Names that pydantic puts into a path for the branch of a union; they are no part of the document.
_BRANCH = re.compile(r"^(?:literal\[.*|constrained-.*|function-.*|int|str)$")


def _schema_faults(raw: dict[Any, Any]) -> list[Fault]:
    try:
        PolicyDocument.model_validate(raw)
    except ValidationError as invalid:
        found = [Fault(_path(error["loc"]), _sentence(error)) for error in invalid.errors(include_url=False)]
        return _one_per_place(found)
    return []


def _one_per_place(faults: list[Fault]) -> list[Fault]:
    """A union reports every branch that did not fit: one fault at the place, with all that would have."""
    places: dict[str, list[str]] = {}
    for fault in faults:
        sentences = places.setdefault(fault.path, [])
        if fault.message not in sentences:
            sentences.append(fault.message)
    return [Fault(path, "；或".join(sentences)) for path, sentences in places.items()]


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not _BRANCH.match(part):
            path += f".{part}" if path else part
    return path


def _sentence(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    template = _SENTENCES.get(kind)
    if template is None:
        return f"不符合要求（{error['msg']}），请对照默认制度修改"
    values = {name: str(value).replace(" or ", " 或 ") for name, value in context.items()}
    return template.format(**values)


# ---------------------------------------------------------------- references inside the document


def _reference_faults(raw: dict[Any, Any]) -> list[Fault]:
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


@cache
def default_document() -> PolicyDocument:
    """The default policy, validated."""
    return _valid(default_source())


@cache
def demo_document() -> PolicyDocument:
    return _valid(demo_source())


def _valid(source: str) -> PolicyDocument:
    reading = read(source)
    if reading.document is None:
        raise ValueError("; ".join(str(fault) for fault in reading.faults))
    return reading.document
