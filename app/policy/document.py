"""YAML in, a validated document or *all* its faults out. Pure.

Only `true`, `false` and empty are read as other than text: YAML would make clause 1.10 the number 1.1 and 12:00 the
number 720. The schema turns text into numbers where a number is meant.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypeVar, TypeVarTuple

import yaml
from pydantic import ValidationError

from app.policy.errors import Fault
from app.policy.references import reference_faults
from app.policy.schema import PolicyDocument
from app.quotes import quoted

Given = TypeVarTuple("Given")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a source: the document, or the faults that keep it from being one."""

    document: PolicyDocument | None
    faults: list[Fault]


LARGEST = 20_000
"""Values in a document with every alias written out; the default has some 1,100."""
LARGEST_SOURCE = 256 * 1024
"""Bytes of a document; the default has 25,000."""
DEEPEST = 30
"""How far values may stand inside of each other; in the default it is seven."""
MOST_FAULTS = 200
"""Nobody reads more of them at once."""

_TOO_LARGE = "内容太多或层次太深，请对照默认制度编写"


def default_source() -> str:
    """The default policy that ships with the service."""
    return resources.files("app.policy").joinpath("default.yaml").read_text(encoding="utf-8")


def demo_source() -> str:
    """The default policy with deadlines of seconds and no hours, for the demo."""
    return resources.files("app.policy").joinpath("demo.yaml").read_text(encoding="utf-8")


def read(source: str) -> Reading:
    """Parse and check a document, collecting its faults.

    Values are counted before any of them is built. A document of the largest size still takes about a second of
    computing: whoever serves others meanwhile calls `read_aside`.
    """
    try:
        if not _fits(source):
            return Reading(None, [Fault("", _TOO_LARGE)])
        raw = yaml.load(source, Loader=_PlainLoader)  # noqa: S506 -- a safe loader with fewer types
    except yaml.YAMLError as error:
        return Reading(None, [_yaml_fault(error)])
    except UnicodeEncodeError:  # half an emoji
        return Reading(None, [Fault("", "有不是文字的字符，请用 UTF-8 编码")])
    if not isinstance(raw, dict):
        return Reading(None, [Fault("", "制度文件应由“名称: 内容”组成，请对照默认制度编写")])
    document, faults = _validated(raw)
    faults += reference_faults(raw)
    return Reading(None if faults else document, faults[:MOST_FAULTS])


async def read_aside(source: str) -> Reading:
    """`read` in the one thread that reads documents: others are served meanwhile, and many documents queue up."""
    return await aside(read, source)


async def aside(work: Callable[[*Given], Result], *given: *Given) -> Result:
    """Do `work` with documents in their thread: it must not touch what belongs to the loop, as sessions do."""
    return await asyncio.get_running_loop().run_in_executor(_READER, work, *given)


_READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="policy")


# ---------------------------------------------------------------- YAML


class _PlainLoader(yaml.CSafeLoader):
    """Safe YAML in which scalars stay text, a key written twice is a fault, and nothing is merged.

    A key `<<` is a key like any other: what it would pull in is copied, and copies of copies grow without end.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 -- the library's own class attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "名称应为文字", key.start_mark)
            if key.value in seen:
                problem = f"{quoted(key.value)}写了两次，请只保留一处"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])


def _fits(source: str) -> bool:
    """Whether a document is small and flat enough to be built, each alias counted as all that it stands for.

    A few lines of aliases can stand for billions of values. Only what the parser meets is looked at, so this ends at
    the first value too many.
    """
    if len(source) > LARGEST_SOURCE or len(source.encode()) > LARGEST_SOURCE:
        return False
    count = _Count()
    return all(count.meets(event) for event in yaml.parse(source, Loader=yaml.CSafeLoader))


class _Count:
    """The values of a document as far as it has been met."""

    def __init__(self) -> None:
        self._values = 0
        self._named: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = []

    def meets(self, event: yaml.Event) -> bool:
        """Whether the document may go on."""
        if getattr(event, "tag", None):
            problem = "不能使用标签（!…），请删去"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]  # of either parser
        if isinstance(event, yaml.AliasEvent):
            self._values += self._named.get(str(event.anchor), 1)
        elif isinstance(event, yaml.NodeEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            self._named |= {anchor: self._values - before} if anchor else {}
        return self._values <= LARGEST and len(self._open) <= DEEPEST

    def _start(self, event: yaml.NodeEvent) -> None:
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if not is_scalar:
            self._open.append((event.anchor, self._values))
        if event.anchor:
            # A collection that is met again below itself contains itself.
            self._named[event.anchor] = 1 if is_scalar else LARGEST + 1
        self._values += 1


def _yaml_fault(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    where = f"第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else ""
    problem = getattr(error, "problem", None) or str(error)
    if re.search(r"[\u4e00-\u9fff]", problem):
        return Fault(where, problem)
    return Fault(where, f"YAML 格式有误（{problem}），请检查缩进、冒号和引号")


# ---------------------------------------------------------------- where a fault stands


def lines_of(source: str) -> dict[str, int]:
    """The line of every key and item, by its path as faults name it. Empty for what is no YAML, or too much of it."""
    try:
        node = yaml.compose(source, Loader=_PlainLoader) if _fits(source) else None
    except (yaml.YAMLError, UnicodeEncodeError):
        return {}
    return dict(_placed(node, "", 1)) if node is not None else {}


def _placed(node: yaml.Node, path: str, line: int) -> Iterator[tuple[str, int]]:
    yield path, line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _placed(value, f"{path}.{key.value}" if path else str(key.value), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _placed(value, f"{path}[{position}]", value.start_mark.line + 1)


def line_at(path: str, lines: Mapping[str, int]) -> int | None:
    """Of the fault's own place, else of the nearest one around it: what is missing stands nowhere."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines[path] if path else None


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


def _validated(raw: dict[Any, Any]) -> tuple[PolicyDocument | None, list[Fault]]:
    try:
        return PolicyDocument.model_validate(raw), []
    except ValidationError as invalid:
        found = [Fault(_path(error["loc"]), _sentence(error)) for error in invalid.errors(include_url=False)]
        return None, _one_per_place(found)


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
