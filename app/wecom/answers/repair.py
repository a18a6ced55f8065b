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

# In Big5 and GBK the second byte of a character may be that of the backslash. At the end of a text it would hide the
# mark that ends it: 許 is B3 5C.
_HIDDEN_END = re.compile(r'([\udc80-\udcff])\\(?="\s*[,}\]:])')
_STOP = re.compile(r'["\\]')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
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
        answer = _RepairingDecoder().decode(_HIDDEN_END.sub(r"\1", content.decode("utf-8", "surrogateescape")))
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
        self.parse_int = _number
        self.scan_once = py_make_scanner(self)


def _text(document: str, begin: int, _strict: bool) -> tuple[str, int]:
    try:
        found, end = scanstring(document, begin, True)
    except JSONDecodeError:
        legal, end = _with_legal_escapes(document, begin)
        return Repaired(_cleaned(scanstring(legal, 0, False)[0])), end
    if found.isascii() and "\x00" not in found:
        return found, end
    clean = _cleaned(found) if "\x00" in found else _NO_CHARACTER.sub(REPLACEMENT, found)
    return (found if clean == found else Repaired(clean)), end


def _with_legal_escapes(document: str, begin: int) -> tuple[str, int]:
    """The text that begins there, up to the mark that ends it, and where it ends: an escape that is none, or was cut
    off, is a character that cannot be read.
    """
    parts: list[str] = []
    at = begin
    while (stop := _STOP.search(document, at)) is not None:
        parts.append(document[at : stop.start()])
        if stop[0] == '"':
            return f'{"".join(parts)}"', stop.end()
        if legal := _ESCAPE.match(document, stop.start()):
            parts.append(legal[0])
            at = legal.end()
        else:
            parts.append(REPLACEMENT)
            cut = _CUT_ESCAPE.match(document, stop.start())
            at = cut.end() if cut else stop.end()
    raise JSONDecodeError("Unterminated text", document, begin)


def _number(digits: str) -> int | str:
    """More digits than Python reads are no number of anything: the field that holds them is told by its name."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _cleaned(text: str) -> str:
    return _MEANINGLESS.sub("", _NO_CHARACTER.sub(REPLACEMENT, text))
