"""Callbacks as the platform makes them. Sealed by the sandbox's own cryptography, which shares nothing with ours."""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inbox import service
from app.inbox.service import Arrival
from app.observability import new_correlation_id
from models.inbox import ReceivedEvent
from sandbox.crypto import BLOCK, Cryptor
from tests.fakes.clock import MONDAY_9AM

PAYLOADS: Final = Path(__file__).parents[1] / "callbacks" / "payloads"
ODD: Final = PAYLOADS.parent / "odd"

_numbers = count(1)


@dataclass(frozen=True)
class Sealed:
    """One callback on the wire."""

    params: dict[str, str]
    body: bytes


def payload(name: str) -> bytes:
    """A recorded plaintext, for example `change_contact__update_user`."""
    return (PAYLOADS / f"{name}.xml").read_bytes().strip()


def odd(name: str) -> bytes:
    """A plaintext of the platform, or of a gateway in front of us, that is not as documented."""
    return (ODD / f"{name}.xml").read_bytes().strip()


def seal(cryptor: Cryptor, plaintext: bytes, *, at: datetime = MONDAY_9AM, nonce: str | None = None) -> Sealed:
    """Any bytes, whether they are text or not."""
    inner = secrets.token_bytes(16) + struct.pack(">I", len(plaintext)) + plaintext + cryptor.receive_id.encode()
    fill = BLOCK - len(inner) % BLOCK
    encryptor = cryptor._cipher().encryptor()
    encrypted = base64.b64encode(encryptor.update(inner + bytes([fill]) * fill) + encryptor.finalize()).decode()
    return wrap(cryptor, encrypted, at=at, nonce=nonce)


def wrap(cryptor: Cryptor, encrypted: str, *, at: datetime = MONDAY_9AM, nonce: str | None = None) -> Sealed:
    """Sign any ciphertext, a broken one too."""
    timestamp, nonce = str(int(at.timestamp())), nonce or f"nonce{next(_numbers)}"
    params = {"msg_signature": cryptor.sign(timestamp, nonce, encrypted), "timestamp": timestamp, "nonce": nonce}
    body = f"<xml><ToUserName>corp</ToUserName><AgentID></AgentID><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return Sealed(params, body.encode())


def plain_event(event: str = "enter_agent", *, sender: str = "li", at: datetime = MONDAY_9AM, more: str = "") -> bytes:
    return (
        f"<xml><ToUserName>corp</ToUserName><FromUserName>{sender}</FromUserName>"
        f"<CreateTime>{int(at.timestamp())}</CreateTime><MsgType>event</MsgType><Event>{event}</Event>{more}</xml>"
    ).encode()


def arrival(
    subject: str = "user:li",
    *,
    event_type: str = "enter_agent",
    body: bytes | None = None,
    key: bytes | None = None,
    at: datetime = MONDAY_9AM,
    app_id: str = "app",
) -> Arrival:
    content = body if body is not None else plain_event(more=f"<EventKey>{next(_numbers)}</EventKey>")
    return Arrival(
        app_id=app_id,
        dedup_key=key or hashlib.sha256(content).digest(),
        event_type=event_type,
        subject=subject,
        actor_userid="li",
        occurred_at=at,
        received_at=at,
        body=content,
        body_digest=hashlib.sha256(content).digest(),
        correlation_id=new_correlation_id(),
    )


async def received(session: AsyncSession, given: Arrival) -> ReceivedEvent:
    """Store one arrival and return its row."""
    await service.store(session, arrivals=[given])
    rows = await session.scalars(select(ReceivedEvent).where(ReceivedEvent.dedup_key == given.dedup_key))  # type: ignore[arg-type]  # SQLModel types columns as values
    return rows.one()
