"""JSON bodies, read strictly or as the platform is seen to read them.

The platform parses what it can of a malformed body or a field of the wrong type, carries on, and warns
(doc path/90313); the errcode is then that of the field which is missing.
"""

import json
import re
from typing import Any

from pydantic_core import from_json

Body = dict[str, Any]

DEEPEST = 64
"""No call of the platform nests this far; deeper ones would exhaust whoever shows them."""

_NUMBERS = frozenset(
    [
        "agentid",
        "safe",
        "enable_id_trans",
        "enable_duplicate_check",
        "duplicate_check_interval",
        "parentid",
        "order",
        "limit",
        "tagid",
        "main_department",
        "enable",
        "gender",
    ]
)
_TEXTS = frozenset(
    [
        "touser",
        "toparty",
        "totag",
        "userid",
        "new_userid",
        "chatid",
        "owner",
        "name",
        "alias",
        "position",
        "mobile",
        "content",
        "title",
        "description",
        "url",
        "msgid",
        "task_id",
        "cursor",
        "response_code",
        "tagname",
    ]
)
_LISTS = frozenset(
    [
        "department",
        "is_leader_in_dept",
        "direct_leader",
        "userlist",
        "add_user_list",
        "del_user_list",
        "userids",
        "partylist",
        "partyids",
        "tagids",
        "articles",
        "button_list",
    ]
)
_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


class Unreadable(Exception):
    """Not one object of JSON."""


def read_strictly(raw: bytes) -> Body:
    """The one object that the body must be."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error
    return _whole(raw, body)


def read_leniently(raw: bytes) -> tuple[Body, bool]:
    """What can be read of the body, and whether it was sloppy. Nothing readable is an empty object."""
    text = raw.decode("utf-8-sig", errors="replace")
    try:
        body = read_strictly(raw)
    except Unreadable:
        body, is_sloppy = _beginning(text), True
    else:
        is_sloppy = False
    fitted = _fitted(body)
    return fitted, is_sloppy or fitted != body


def _beginning(text: str) -> Body:
    """Everything before the first fault; line breaks inside strings are none."""
    try:
        body = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        body = _partial(text[: error.pos])
    except (ValueError, RecursionError):
        return {}
    try:
        return _whole(text.encode(errors="replace"), body)
    except Unreadable:
        return {}


def _partial(text: str) -> Any:
    try:
        return from_json(text.rstrip(), allow_partial=True)
    except ValueError:
        return {}


def _whole(raw: bytes, body: Any) -> Body:
    if not isinstance(body, dict) or _is_too_deep(raw, body):
        raise Unreadable
    return _with_whole_characters(body) if _HALF_A_CHARACTER.search(raw) else body


def _is_too_deep(raw: bytes, body: Any) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    level = [body]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in inner if isinstance(item, dict | list)]


def _with_whole_characters(value: Any) -> Any:
    """Half an emoji cannot be written as UTF-8: neither in an answer nor on a page."""
    if isinstance(value, dict):
        return {_with_whole_characters(name): _with_whole_characters(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_whole_characters(inner) for inner in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _fitted(value: Any) -> Any:
    """Numbers that came as text and text that came as numbers; a list that came as text is left out."""
    if isinstance(value, list):
        return [_fitted(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {name: inner for name, inner in value.items() if not (name in _LISTS and isinstance(inner, str))}
    return {name: _fitted_field(name, inner) for name, inner in kept.items()}


def _fitted_field(name: str, value: Any) -> Any:
    if name in _NUMBERS and isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if name in _TEXTS and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _fitted(value)
