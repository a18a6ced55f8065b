"""Callbacks as the platform sends them: signed, encrypted and written out before the clock starts."""

from __future__ import annotations

import secrets
import time
from urllib.parse import quote

from sandbox.config import SandboxConfig
from sandbox.crypto import Cryptor
from sandbox.events import text_message


def texts(host: str, path: str, count: int, *, people: int = 1_000) -> list[bytes]:
    """So many requests, each with a text message of its own: no two are repeats of each other.

    A text needs no passive reply, so every receiver answers it with an empty body and does nothing else.
    """
    config, first = SandboxConfig(), secrets.randbelow(2**40)
    plaintexts = [_text(config, userid=f"user{number % people}", msgid=first + number) for number in range(count)]
    return sealed(host, path, plaintexts)


def sealed(host: str, path: str, plaintexts: list[str]) -> list[bytes]:
    """Signed requests with these plaintexts."""
    config = SandboxConfig()
    cryptor = Cryptor(config.app_token, config.app_aes_key, config.corp_id)
    return [_request(host, path, cryptor, config, plaintext) for plaintext in plaintexts]


def _text(config: SandboxConfig, *, userid: str, msgid: int) -> str:
    return text_message(config.corp_id, config.agent_id, userid, time.time(), "收到，今天下班前完成。", msgid)


def _request(host: str, path: str, cryptor: Cryptor, config: SandboxConfig, plaintext: str) -> bytes:
    encrypted, timestamp, nonce = cryptor.encrypt(plaintext), str(int(time.time())), secrets.token_hex(5)
    signature = cryptor.sign(timestamp, nonce, encrypted)
    body = (
        f"<xml><ToUserName><![CDATA[{config.corp_id}]]></ToUserName><AgentID><![CDATA[{config.agent_id}]]></AgentID>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    ).encode()
    query = f"msg_signature={signature}&timestamp={timestamp}&nonce={quote(nonce)}"
    head = (
        f"POST {path}?{query} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
