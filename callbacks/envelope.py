"""XML in; ciphertext, plaintext's header and identifiers out. Closed to document types and entities (F5).

Values are read by `text_of` alone, which strips the white space around them once: a platform or a gateway that lays
its XML out over lines changes no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError, XMLParser

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from callbacks.crypto import Signed
from callbacks.errors import Reason, Refused

PROVIDER: Final = "provider."
"""Before the type of an event for providers of third-party apps."""

MAX_BODY: Final = 512 * 1024
"""Far above any documented callback; a long approval with its comments is about a fifth. Below the limit of the web
layer, which would answer without counting a refused callback (F2)."""

DOCTYPE: Final = "<!DOCTYPE"
"""What every document type begins with, in just this spelling."""

_TYPE_LIMIT: Final = 100
_TWICE_ENCODED: Final = 3
_HEADER: Final = frozenset(
    {"msgtype", "infotype", "event", "changetype", "fromusername", "msgid", "createtime", "timestamp"}
)
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
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
    encrypted = find_text(parse(body), "Encrypt")
    if not encrypted:
        raise Refused(Reason.WRONG_CONTENT)
    return Signed(signature, timestamp, nonce, encrypted)


def read_verification(query: bytes) -> Signed:
    """The signed parts of the GET that checks an address: echostr stands where the ciphertext does.

    It is base64: a space or a percent sign in it was put there by a proxy, which is taken back. What is signed is what
    comes out, so that nothing is believed for it.
    """
    signature, timestamp, nonce, echostr = read_query(query, "msg_signature", "timestamp", "nonce", "echostr")
    for _ in range(_TWICE_ENCODED):
        if "%" not in echostr:
            break
        echostr = _text(unquote_to_bytes(echostr.encode()))
    return Signed(signature, timestamp, nonce, echostr.replace(" ", "+"))


def parse(xml: bytes) -> Element:
    if len(xml) > MAX_BODY:
        raise Refused(Reason.TOO_LARGE)
    # Decoded here, so that a declared encoding cannot choose another decoder.
    text = _text(xml).removeprefix("\ufeff").strip()
    try:
        return _element(text)
    except Refused:
        # Control characters that people type or paste are no XML; no event is lost for their sake.
        if (legal := _NOT_IN_XML.sub("\ufffd", text)) == text:
            raise
        return _element(legal)


def _element(text: str) -> Element:
    """By the C parser, for which a document without a document type has nowhere to declare an entity: nothing is
    replaced, read from elsewhere or multiplied. The rare document in which the word stands at all, inside a text of
    somebody perhaps, goes through defusedxml, which is five times slower and tells the two apart.
    """
    try:
        if DOCTYPE not in text:
            parser = XMLParser()  # noqa: S314 -- see above
            parser.feed(text)
            return parser.close()
        element = fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Refused(Reason.ENTITIES) from error
    except (ParseError, ValueError) as error:
        raise Refused(Reason.BAD_XML) from error
    return element


def read_header(root: Element) -> Header:
    """Refused where it says neither `MsgType` nor, as events for providers do, `InfoType`."""
    said: dict[str, str] = {}
    for child in root:
        if (name := child.tag.lower()) in _HEADER and name not in said and (text := text_of(child)):
            said[name] = text
    return Header(
        event_type=_event_type(said)[:_TYPE_LIMIT],
        sender=said.get("fromusername", ""),
        message_id=said.get("msgid", ""),
        created_at=_moment(said.get("createtime") or said.get("timestamp") or ""),
    )


def find_text(root: Element, *paths: str) -> str:
    """The text at the first of these paths that has one; element names without regard to case."""
    for path in paths:
        for element in find_all(root, path):
            if text := text_of(element):
                return text
    return ""


def text_of(element: Element) -> str:
    """The one reader of values."""
    return element.text.strip() if element.text else ""


def find_all(root: Element, path: str) -> Iterator[Element]:
    """Every element at `A/B/C`, through every sibling: the platform repeats without wrappers (callbacks trap 36)."""
    name, _, rest = path.partition("/")
    name = name.lower()
    for child in root:
        if child.tag.lower() == name:
            if rest:
                yield from find_all(child, rest)
            else:
                yield child


def _event_type(said: Mapping[str, str]) -> str:
    kind = said.get("msgtype", "").lower()
    info = said.get("infotype", "").lower()
    if not kind and not info:
        raise Refused(Reason.WRONG_CONTENT)
    if kind and kind != "event":
        return f"message.{kind}"
    event = said.get("event", "").lower() or (f"{PROVIDER}{info}" if info else "unnamed")
    change = said.get("changetype", "").lower()
    return f"{event}.{change}" if change else event


def _moment(seconds: str) -> datetime | None:
    if not _SECONDS.fullmatch(seconds) or not 0 < int(seconds) < _YEAR_2100:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.NOT_UTF8) from error
