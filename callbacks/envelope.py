"""XML in; ciphertext, plaintext's header and identifiers out. Closed to document types and entities (F5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from callbacks.crypto import Signed
from callbacks.errors import Reason, Refused

MAX_BODY: Final = 512 * 1024
"""Far above any documented callback; a long approval with its comments is about a fifth. Below the limit of the web
layer, which would answer without counting a refused callback (F2)."""

_TYPE_LIMIT: Final = 100
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_YEAR_2100: Final = 4_102_444_800


@dataclass(frozen=True, slots=True)
class Header:
    """What every plaintext says about itself (callbacks §2)."""

    event_type: str
    """`message.text`, `click`, `change_contact.update_user`: lower case, ChangeType after a dot."""
    sender: str
    message_id: str
    created_at: datetime | None


def read_query(raw: bytes, *names: str) -> list[str]:
    """The named parameters, percent-decoded exactly once. A `+` of base64 stays a `+` (callbacks trap 5)."""
    given: dict[bytes, bytes] = {}
    for pair in raw.split(b"&"):
        name, _, value = pair.partition(b"=")
        given.setdefault(name, value)
    values = [_text(unquote_to_bytes(given.get(name.encode(), b""))) for name in names]
    if not all(values):
        raise Refused(Reason.MISSING_PARAMETER)
    return values


def read_envelope(query: bytes, body: bytes) -> Signed:
    """The signed parts of a POST. Nothing else in the envelope is trustworthy."""
    signature, timestamp, nonce = read_query(query, "msg_signature", "timestamp", "nonce")
    encrypted = find_text(parse(body), "Encrypt").strip()
    if not encrypted:
        raise Refused(Reason.WRONG_CONTENT)
    return Signed(signature, timestamp, nonce, encrypted)


def read_verification(query: bytes) -> Signed:
    """The signed parts of the GET that checks an address: echostr stands where the ciphertext does."""
    return Signed(*read_query(query, "msg_signature", "timestamp", "nonce", "echostr"))


def parse(xml: bytes) -> Element:
    if len(xml) > MAX_BODY:
        raise Refused(Reason.TOO_LARGE)
    # Decoded here, so that a declared encoding cannot choose another decoder.
    text = _text(xml).removeprefix("\ufeff")
    try:
        return _element(text)
    except Refused:
        # Control characters that people type or paste are no XML; no event is lost for their sake.
        if (legal := _NOT_IN_XML.sub("\ufffd", text)) == text:
            raise
        return _element(legal)


def _element(text: str) -> Element:
    try:
        element = fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Refused(Reason.ENTITIES) from error
    except (ParseError, ValueError) as error:
        raise Refused(Reason.BAD_XML) from error
    return element


def read_header(root: Element) -> Header:
    kind = find_text(root, "MsgType").strip().lower()
    if not kind:
        raise Refused(Reason.WRONG_CONTENT)
    return Header(
        event_type=_event_type(root, kind)[:_TYPE_LIMIT],
        sender=find_text(root, "FromUserName").strip(),
        message_id=find_text(root, "MsgId").strip(),
        created_at=_moment(find_text(root, "CreateTime").strip()),
    )


def find_text(root: Element, *paths: str) -> str:
    """The text at the first of these paths that has one; element names without regard to case."""
    for path in paths:
        for element in find_all(root, path):
            if element.text and element.text.strip():
                return element.text
    return ""


def find_all(root: Element, path: str) -> Iterator[Element]:
    """Every element at `A/B/C`, through every sibling: the platform repeats without wrappers (callbacks trap 36)."""
    name, _, rest = path.partition("/")
    for child in root:
        if child.tag.lower() == name.lower():
            if rest:
                yield from find_all(child, rest)
            else:
                yield child


def _event_type(root: Element, kind: str) -> str:
    if kind != "event":
        return f"message.{kind}"
    event = find_text(root, "Event").strip().lower() or "unnamed"
    change = find_text(root, "ChangeType").strip().lower()
    return f"{event}.{change}" if change else event


def _moment(seconds: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{1,11}", seconds) or not 0 < int(seconds) < _YEAR_2100:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.NOT_UTF8) from error
