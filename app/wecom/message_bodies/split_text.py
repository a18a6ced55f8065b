"""A long text in parts that the platform takes. Pure.

The platform cuts over-long text silently (messaging §1.3), so it is split here, by UTF-8 bytes; nothing of it is lost.
"""

from __future__ import annotations

TEXT_BYTES = 2048
"""`text.content`, in UTF-8 bytes; what is longer disappears without an error."""

_MARK_BYTES = 64
"""Room for the lines that `counted_parts` and `said_again` add."""


def split_text(text: str, limit: int = TEXT_BYTES) -> list[str]:
    """Parts of at most `limit` UTF-8 bytes that join to the text again; never inside a character, best at line ends."""
    parts: list[str] = []
    rest = text
    while rest:
        part = _fitting(rest, limit)
        parts.append(part)
        rest = rest[len(part) :]
    return parts


def counted_parts(text: str) -> list[str]:
    """The parts that a person reads: of several, each ends with its place, `（1/3）`."""
    parts = split_text(text, TEXT_BYTES - _MARK_BYTES)
    if len(parts) == 1:
        return [text]
    return [f"{part.rstrip(chr(10))}\n（{index}/{len(parts)}）" for index, part in enumerate(parts, start=1)]


def said_again(text: str, times: int) -> str:
    """The same words for the second or a later time: the platform's duplicate check must not take them for one.
    Whoever reads it is told why it comes again: nothing of it has changed.
    """
    return f"{text}\n（内容同前，第 {times} 次发送）"


def _fitting(text: str, limit: int) -> str:
    """The longest lawful start of `text`; up to a line end when one stands in its second half."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    start = raw[:limit].decode(errors="ignore")
    line_end = start.rfind("\n")
    return start[: line_end + 1] if line_end >= len(start) // 2 else start
