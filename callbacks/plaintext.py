"""What a plaintext is, whatever it holds: nothing that a key of ours has signed and sealed is turned away.

The platform made it, and sends it once. What cannot be read is kept as it came, under a type that says so, and can be
looked at; a later version may read it.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from app.inbox.rules import UNREADABLE
from callbacks.envelope import Header, parse, read_header
from callbacks.errors import Reason, Refused

_OPENS: Final = "><![CDATA["
_CLOSES: Final = "]]>"
_SPLIT: Final = "]]]]><![CDATA[>"


def read_plaintext(plaintext: bytes) -> tuple[Element, Header]:
    """Its elements and its header; where it has none, an empty element and the type `unreadable.<why>`."""
    try:
        root = read_elements(plaintext)
        return root, read_header(root)
    except Refused as refusal:
        return Element("xml"), Header(f"{UNREADABLE}{refusal.reason.value}", "", "", None)


def read_elements(plaintext: bytes) -> Element:
    """Refused for what is no XML even when texts that hold `]]>` are taken as they were meant, and bytes of another
    encoding for a character that cannot be read.
    """
    try:
        return parse(plaintext)
    except Refused as refusal:
        if refusal.reason is Reason.NOT_UTF8:
            return _in_utf8(plaintext, refusal)
        if refusal.reason is not Reason.BAD_XML or (mended := _with_whole_texts(plaintext.decode())) is None:
            raise
        return parse(mended.encode())


def _in_utf8(plaintext: bytes, refusal: Refused) -> Element:
    try:
        return read_elements(plaintext.decode("utf-8", "replace").encode())
    except Refused:
        raise refusal from None


def _with_whole_texts(xml: str) -> str | None:
    """`<A><![CDATA[ … ]]></A>` with every `]]>` inside it written as XML wants it; None when there is none.

    The platform puts what people type between the marks as it is. Each step looks for one end from where the last one
    was found: whatever is sent, it is read through once.
    """
    parts: list[str] = []
    at = 0
    while (begin := xml.find(_OPENS, at)) >= 0:
        name = xml[xml.rfind("<", at, begin) + 1 : begin]
        begin += len(_OPENS)
        end = xml.find(f"{_CLOSES}</{name}>", begin)
        if end < 0:
            break
        parts += [xml[at:begin], xml[begin:end].replace(_CLOSES, _SPLIT)]
        at = end
    mended = "".join([*parts, xml[at:]])
    return None if mended == xml else mended
