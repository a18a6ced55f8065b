"""One hostile request, made from a number: the same number makes the same request."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote

from sandbox.config import SandboxConfig
from sandbox.crypto import BLOCK, Cryptor

PAYLOADS: Final = Path(__file__).parents[1] / "callbacks" / "payloads"
LARGE: Final = 600 * 1024
"""Beyond what a callback may have."""

_NAMES: Final = (
    "ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "ChangeType", "UserID", "Id", "TaskId", "EventKey",
    "CardType", "MsgId", "AgentID", "ResponseCode", "ApprovalInfo", "SpNo", "TagId", "Encrypt",
)  # fmt: skip
_TEXTS: Final = (
    "", " ", "0", "-1", "1", "99999999999", "4102444800", "253402300800", "9" * 400, "1e9", "NaN", "١٢٣", "\u2028",
    "\ufeff", "\ufffd", "\u0130" * 150, "\U0001f600" * 80, "a" * 5_000, "ß" * 300, "event", "text",
    "template_card_event", "change_contact", "update_user", "sys",
    "../../etc/passwd", "'; DROP TABLE people; --", "%00", "${jndi:ldap://x}",
    "]]&gt;", "&#0;", "&#x0;", "&#xD800;", "&#x1F600;", "&amp;" * 50, "\x7f", "\x85", "button_interaction", "card:a:b",
)  # fmt: skip
_PROLOGUES: Final = (
    '<?xml version="1.0" encoding="utf-16"?>', '<?xml version="1.1"?>', "<!DOCTYPE x>", "\ufeff", " \n", "<?php ?>",
    '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;&a;">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://h/">%p;]>',
)  # fmt: skip
_JSON: Final = (
    json.dumps({"encrypt": "AAAA"}), "{}", "[]", "null", '"' + "x" * 100, '{"Encrypt":"' + "A" * 64 + '"}',
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """A request on the wire. It may be stored when it was made from what a key of ours has signed and sealed."""

    method: str
    path: str
    query: bytes
    body: bytes
    may_be_stored: bool
    is_chunked: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query.decode("latin-1"),
            "body": base64.b64encode(self.body).decode(),
            "may_be_stored": self.may_be_stored,
            "is_chunked": self.is_chunked,
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Attack:
        return cls(
            saved["method"],
            saved["path"],
            saved["query"].encode("latin-1"),
            base64.b64decode(saved["body"]),
            saved["may_be_stored"],
            saved["is_chunked"],
        )


class Attacker:
    """Knows the keys, and what callbacks look like."""

    def __init__(self, *, at: int, config: SandboxConfig | None = None) -> None:
        config = config or SandboxConfig()
        self.at = at
        self.app = Cryptor(config.app_token, config.app_aes_key, config.corp_id)
        self.contacts = Cryptor(config.contacts_token, config.contacts_aes_key, config.corp_id)
        self.strangers = (
            Cryptor("stranger", config.app_aes_key, config.corp_id),
            Cryptor(config.app_token, "N" * 43, config.corp_id),
            Cryptor(config.app_token, config.app_aes_key, "wwanother"),
        )
        self.payloads: Sequence[bytes] = [path.read_bytes() for path in sorted(PAYLOADS.glob("*.xml"))]
        self._ways: tuple[tuple[int, Callable[[Random], Attack]], ...] = (
            (30, self._signed_plaintext),
            (10, self._signed_bytes),
            (8, self._broken_seal),
            (15, self._mutated_envelope),
            (8, self._mutated_query),
            (8, self._noise),
            (6, self._foreign_keys),
            (6, self._verification),
            (3, self._wrong_time),
            (2, self._odd_request),
            (0, self._too_large),
        )

    def make(self, seed: int) -> Attack:
        rng = Random(seed)  # noqa: S311 -- an attack that can be played again
        if rng.randrange(400) == 0:
            return self._too_large(rng)
        ways = [way for _, way in self._ways]
        return rng.choices(ways, [weight for weight, _ in self._ways])[0](rng)

    # ------------------------------------------------------------------ validly signed

    def _signed_plaintext(self, rng: Random) -> Attack:
        """A real callback with a few things wrong inside, or one made up."""
        plain = self._made_up(rng) if rng.random() < 0.3 else _spoilt_text(rng, rng.choice(self.payloads).decode())
        return self._sealed(rng, plain.encode("utf-8", "surrogatepass"))

    def _signed_bytes(self, rng: Random) -> Attack:
        return self._sealed(rng, _spoilt_bytes(rng, rng.choice(self.payloads)))

    def _made_up(self, rng: Random) -> str:
        fields = "".join(_element(rng, rng.choice(_NAMES), depth=3) for _ in range(rng.randrange(12)))
        return f"{rng.choice(('', *_PROLOGUES))}<xml>{fields}</xml>"

    def _sealed(self, rng: Random, plain: bytes) -> Attack:
        cryptor, path = rng.choice(((self.app, "app"), (self.contacts, "contacts")))
        return self._posted(rng, cryptor, path, _encrypt(cryptor, plain, rng), may_be_stored=True)

    # ------------------------------------------------------------------ signed, and broken underneath

    def _broken_seal(self, rng: Random) -> Attack:
        """A valid signature over what no key has sealed: lengths, padding, base64."""
        text = rng.choice(
            (
                lambda: base64.b64encode(rng.randbytes(rng.randrange(200))).decode(),
                lambda: base64.b64encode(rng.randbytes(16 * rng.randrange(1, 20))).decode(),
                lambda: rng.choice(_TEXTS).replace("&", "").replace("\x85", ""),
                lambda: _encrypt(self.app, b"<xml/>", rng, length=rng.choice((0, 1, 7, 2**31, 2**32 - 1))),
                lambda: _encrypt(self.app, b"<xml/>", rng, pad=rng.choice((0, 1, 33, 64, 255))),
            )
        )()
        return self._posted(rng, self.app, "app", text, may_be_stored=False)

    def _foreign_keys(self, rng: Random) -> Attack:
        cryptor = rng.choice((*self.strangers, self.contacts))
        return self._posted(rng, cryptor, "app", _encrypt(cryptor, rng.choice(self.payloads), rng), may_be_stored=False)

    def _wrong_time(self, rng: Random) -> Attack:
        at = rng.choice(
            ("", "x", "-5", "1e3", "٣", "0", "99999999999", "9" * 300, str(self.at - 301), str(self.at + 301))
        )
        sealed = _encrypt(self.app, rng.choice(self.payloads), rng)
        return self._posted(rng, self.app, "app", sealed, may_be_stored=False, timestamp=at)

    # ------------------------------------------------------------------ of strangers

    def _mutated_envelope(self, rng: Random) -> Attack:
        good = self._sealed(rng, rng.choice(self.payloads))
        body = _spoilt_bytes(rng, good.body)
        return Attack("POST", good.path, good.query, body, may_be_stored=True, is_chunked=rng.random() < 0.3)

    def _mutated_query(self, rng: Random) -> Attack:
        good = self._sealed(rng, rng.choice(self.payloads))
        return Attack("POST", good.path, _spoilt_bytes(rng, good.query), good.body, may_be_stored=True)

    def _noise(self, rng: Random) -> Attack:
        markup = _spoilt_text(rng, "<xml/>").encode("utf-8", "replace")
        body = rng.choice((rng.randbytes(rng.randrange(300)), rng.choice(_JSON).encode(), markup))
        query = rng.choice((b"", b"&&&=", rng.randbytes(rng.randrange(60)), self._query(rng, self.app, "AAAA")))
        return Attack("POST", rng.choice(("app", "contacts")), query, body, may_be_stored=False)

    def _verification(self, rng: Random) -> Attack:
        cryptor = rng.choice((self.app, self.contacts, *self.strangers))
        echo = _encrypt(cryptor, rng.choice((b"1234567890", rng.randbytes(20), b"\x00", b"")), rng)
        query = self._query(rng, cryptor, echo) + b"&echostr=" + quote(echo, safe="").encode()
        if rng.random() < 0.5:
            query = _spoilt_bytes(rng, query)
        return Attack("GET", rng.choice(("app", "contacts", "app/")), query, b"", may_be_stored=False)

    def _odd_request(self, rng: Random) -> Attack:
        method = rng.choice(("PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "GET"))
        path = rng.choice(("app", "APP", "app//", "", "x", "%00", "app%2f", "..%2fapp", "a" * 2_000, "回调"))
        return Attack(method, path, rng.randbytes(rng.randrange(20)), b"<xml/>", may_be_stored=False)

    def _too_large(self, rng: Random) -> Attack:
        body = b"<xml><Encrypt>" + b"A" * LARGE + b"</Encrypt></xml>"
        return Attack(
            "POST", "app", self._query(rng, self.app, "A"), body, may_be_stored=False, is_chunked=rng.random() < 0.5
        )

    # ------------------------------------------------------------------ on the wire

    def _posted(
        self,
        rng: Random,
        cryptor: Cryptor,
        path: str,
        encrypted: str,
        *,
        may_be_stored: bool,
        timestamp: str | None = None,
    ) -> Attack:
        body = f"<xml><ToUserName>c</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode(
            "utf-8", "replace"
        )
        query = self._query(rng, cryptor, encrypted, timestamp)
        return Attack("POST", path, query, body, may_be_stored=may_be_stored, is_chunked=rng.random() < 0.1)

    def _query(self, rng: Random, cryptor: Cryptor, encrypted: str, timestamp: str | None = None) -> bytes:
        timestamp = str(self.at + rng.randint(-290, 290)) if timestamp is None else timestamp
        nonce = str(rng.randrange(10**9))
        signature = cryptor.sign(timestamp, nonce, encrypted)
        return f"msg_signature={signature}&timestamp={quote(timestamp)}&nonce={nonce}".encode()


def _encrypt(cryptor: Cryptor, plain: bytes, rng: Random, *, length: int | None = None, pad: int | None = None) -> str:
    """As the platform does, or with a length and a padding that lie. Any bytes, unlike the sandbox's own."""
    said = struct.pack(">I", len(plain) if length is None else length)
    inner = rng.randbytes(16) + said + plain + cryptor.receive_id.encode()
    fill = BLOCK - len(inner) % BLOCK
    encryptor = cryptor._cipher().encryptor()
    sealed = encryptor.update(inner + bytes([fill if pad is None else pad]) * fill) + encryptor.finalize()
    return base64.b64encode(sealed).decode()


def _element(rng: Random, name: str, *, depth: int) -> str:
    if depth and rng.random() < 0.2:
        inner = "".join(_element(rng, rng.choice(_NAMES), depth=depth - 1) for _ in range(rng.randrange(4)))
    else:
        text = rng.choice(_TEXTS)
        inner = f"<![CDATA[{text}]]>" if rng.random() < 0.5 else text
    return f"<{name}>{inner}</{name}>"


def _spoilt_text(rng: Random, text: str) -> str:
    """A few changes that keep most of it XML."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
        choice = rng.choice((0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 5, 6, 7))
        at = rng.randrange(len(text) + 1)
        if choice == 0:
            text = text[:at] + rng.choice(_TEXTS) + text[at:]
        elif choice == 1:
            text = rng.choice(_PROLOGUES) + text
        elif choice == 2:
            text = text.replace("</xml>", _element(rng, rng.choice(_NAMES), depth=2) + "</xml>", 1)
        elif choice == 3:
            text = _with_value(rng, text)
        elif choice == 4:
            text = text[:at]
        elif choice == 5:
            text = text.replace("<xml>", "<xml>" + "<a>" * rng.choice((1, 50, 3_000)), 1)
        elif choice == 6:
            text = text[:at] + chr(rng.choice((0, 1, 0x1F, 0xD800, 0xFFFE, 0xFFFF, 0x10FFFF))) + text[at:]
        else:
            text = text.replace("xml>", "xml xmlns='urn:x'>", 1)
    return text


def _with_value(rng: Random, text: str) -> str:
    """Another value for one of the elements that are read."""
    name = rng.choice(_NAMES)
    begin, end = text.find(f"<{name}>"), text.find(f"</{name}>")
    if begin < 0 or end < begin:
        return text
    return text[: begin + len(name) + 2] + rng.choice(_TEXTS) + text[end:]


def _spoilt_bytes(rng: Random, given: bytes) -> bytes:
    data = bytearray(given)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        choice = rng.randrange(5)
        if choice == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif choice == 1:
            data[at:at] = rng.choice((b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"%", b"+", b"&", b"<", b"]]>"))
        elif choice == 2:
            del data[at : at + rng.randrange(20)]
        elif choice == 3:
            data[at:at] = data[at : at + rng.randrange(40)]
        else:
            data[at:at] = rng.randbytes(rng.randrange(8))
    return bytes(data)
