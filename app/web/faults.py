"""What is wrong with data that came in, in Chinese: pydantic's faults as people read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_SENTENCES = {
    "missing": "缺少这一项，请补上",
    "extra_forbidden": "不认识这一项，请检查拼写或删去",
    "string_type": "应为文字",
    "string_unicode": "不是有效的文字",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不对，应符合 {pattern}",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "数字太大",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "list_type": "应为列表",
    "dict_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象；请用 Content-Type: application/json 发送",
    "json_invalid": "不是有效的 JSON，请检查引号、逗号和括号，并用 UTF-8 编码",
    "timezone_aware": "要写明时区，如 2026-03-02T18:00:00+08:00",
}
_SENTENCES_BY_FAMILY = {
    "datetime": "应为带时区的时间，如 2026-03-02T18:00:00+08:00",
    "date": "应为日期，如 2026-03-02",
    "time": "应为时间，如 09:00",
    "uuid": "应为 id（UUID），如 01a1fa05-ffd1-7117-b1d9-d592fb457143",
}
"""By the first word of pydantic's name for a fault, for those not listed above."""


def fault_sentence(fault: Mapping[str, Any]) -> str:
    """One entry of `ValidationError.errors()`. What our own validators say is Chinese already."""
    kind, context = str(fault["type"]), fault.get("ctx", {})
    if kind == "value_error" and "error" in context:
        return str(context["error"])
    template = _SENTENCES.get(kind) or _SENTENCES_BY_FAMILY.get(
        kind.partition("_")[0], "不符合要求，请对照接口文档修改"
    )
    return template.format(**{name: str(value).replace(" or ", " 或 ") for name, value in context.items()})


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Where, and what: the member `faults` of a problem."""
    return [
        # The position behind `json_invalid` is no field.
        {
            "where": ".".join(
                str(part) for part in (fault["loc"][:1] if fault["type"] == "json_invalid" else fault["loc"])
            ),
            "what": fault_sentence(fault),
        }
        for fault in errors
    ]


def told(faults: Iterable[Mapping[str, str]]) -> str:
    """All of them in one sentence."""
    return "；".join(f"{fault['where']}：{fault['what']}" if fault["where"] else fault["what"] for fault in faults)
