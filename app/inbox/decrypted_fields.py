"""What a received event says, field by field, for people. Handlers read the body themselves (`callbacks/events.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

MOST: Final = 500
_SECRETS: Final = frozenset({"responsecode"})
"""Whoever has one may change the card for 72 hours (messaging §1.5)."""
_HIDDEN: Final = "…"
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Field(NamedTuple):
    name: str
    """Its path below the root: `TaskId`, `SelectedItems/SelectedItem/QuestionKey`."""
    value: str


def decrypted_fields(body: bytes | None) -> list[Field]:
    """In the order of the document; empty for a body that is erased or no XML."""
    if not body:
        return []
    text = _NOT_IN_XML.sub("\ufffd", body.decode(errors="replace").removeprefix("\ufeff").strip())
    try:
        root = fromstring(text, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError):
        return []
    return [field for field, _ in zip(_leaves(root, ""), range(MOST), strict=False)]


def _leaves(element: Any, path: str) -> Iterator[Field]:
    for child in element:
        name = f"{path}/{child.tag}" if path else str(child.tag)
        if len(child):
            yield from _leaves(child, name)
        else:
            is_secret = child.tag.lower() in _SECRETS
            yield Field(name, _HIDDEN if is_secret else (child.text or "").strip())
