"""Reads the JSON of an answer. A character that no text may hold costs that character, never the answer.

People paste what they like into a name: a control character, half an emoji, bytes of another encoding. The platform
hands it on as it is, and a strict reader would lose a whole department for it.
"""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from pydantic_core import from_json

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# The control characters that mean nothing in a text; tabs and line ends stay.
_MEANINGLESS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NO_CHARACTER = re.compile(r"[\ud800-\udfff]")
_NUL = b"\\u0000"
"""Legal JSON, and no column holds it."""


class Repaired(str):
    """A text that came with illegal characters, without them."""

    __slots__ = ()


class RepairedAnswer(dict[str, Any]):
    """An answer in which a `Repaired` text stands somewhere."""


def read_answer(content: bytes) -> Any:
    """The JSON value of these bytes. Raises `ValueError` when they are no JSON even with their texts repaired."""
    if _NUL not in content:
        try:
            return from_json(content)
        except ValueError:
            pass
    try:
        answer = _RepairingDecoder().decode(content.decode("utf-8", "surrogateescape"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return RepairedAnswer(answer) if isinstance(answer, dict) else answer


def repaired_fields(value: Any, path: str = "") -> list[str]:
    """Where repaired texts stand in this value: `name`, `extattr.attrs.0.text.value`."""
    if isinstance(value, Repaired):
        return [path]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in parts for found in repaired_fields(part, f"{path}.{key}" if path else str(key))]


class _RepairingDecoder(json.JSONDecoder):
    """Marks the texts it repairs. Much slower than the strict reader, and needed for a page in a thousand."""

    def __init__(self) -> None:
        super().__init__(strict=False)  # for the names of fields, which nobody stores
        self.parse_string = _text
        self.scan_once = py_make_scanner(self)


def _text(document: str, begin: int, _strict: bool) -> tuple[str, int]:
    try:
        found, end = scanstring(document, begin, True)
    except JSONDecodeError:
        found, end = scanstring(document, begin, False)
        return Repaired(_cleaned(found)), end
    if found.isascii() and "\x00" not in found:
        return found, end
    clean = _cleaned(found) if "\x00" in found else _NO_CHARACTER.sub(REPLACEMENT, found)
    return (found if clean == found else Repaired(clean)), end


def _cleaned(text: str) -> str:
    return _MEANINGLESS.sub("", _NO_CHARACTER.sub(REPLACEMENT, text))
